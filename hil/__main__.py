# SPDX-License-Identifier: Apache-2.0
"""``python -m hil`` is the hil command."""

from .cli.main import main

raise SystemExit(main())
