# SPDX-License-Identifier: Apache-2.0
"""Hooks for PyInstaller: what a frozen program needs of this package beyond its imports."""

from __future__ import annotations

import os


def hook_folders() -> list[str]:
    """Return the folders with the hooks, for PyInstaller's entry point hook-dirs."""
    return [os.path.dirname(__file__)]
