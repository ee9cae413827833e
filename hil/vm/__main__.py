# SPDX-License-Identifier: Apache-2.0
"""``python -m hil.vm`` runs a command in the virtual machine."""

from .main import main

raise SystemExit(main())
