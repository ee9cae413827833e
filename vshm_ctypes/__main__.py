# SPDX-License-Identifier: Apache-2.0
"""``python -m vshm_ctypes`` is the vshm command."""

from .cli.main import main

raise SystemExit(main())
