# SPDX-License-Identifier: Apache-2.0
"""Says what to install where numpy or PyAV is missing, which only this package needs."""

from __future__ import annotations


def not_installed(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return the error with what to install in its text; if the package is there but broken, the error itself."""
    if error.name not in ("av", "numpy"):
        return error
    return ModuleNotFoundError(f"{error.name} is not installed: pip install 'video-shm[pictures]'", name=error.name)
