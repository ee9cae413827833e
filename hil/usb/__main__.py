# SPDX-License-Identifier: Apache-2.0
"""``python -m hil.usb`` plugs a camera into this machine."""

from .main import main

raise SystemExit(main())
