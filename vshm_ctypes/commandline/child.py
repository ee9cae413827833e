# SPDX-License-Identifier: Apache-2.0
"""Processes that a command of ours has started."""

from __future__ import annotations

import subprocess
from typing import AnyStr


def end_child(process: subprocess.Popen[AnyStr], patience_s: float) -> None:
    """Tell it to end; after so many seconds the kernel does."""
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
