# SPDX-License-Identifier: Apache-2.0
"""PyInstaller's hooks: what a frozen program needs of this package, and no import tells."""

from __future__ import annotations

import os


def hook_folders() -> list[str]:
    """Where PyInstaller finds them: its entry point hook-dirs."""
    return [os.path.dirname(__file__)]
