# SPDX-License-Identifier: Apache-2.0
"""Ends child processes."""

from __future__ import annotations

import subprocess
from typing import AnyStr


def end_child(process: subprocess.Popen[AnyStr], patience_s: float) -> None:
    """Terminate the process, and kill it if it has not ended within patience_s seconds."""
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
