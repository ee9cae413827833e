# SPDX-License-Identifier: Apache-2.0
"""``python -m hil.streamer`` is camera-streamer."""

from .main import main

raise SystemExit(main())
