# SPDX-License-Identifier: Apache-2.0
"""The environment of Python programs that hil starts."""

from __future__ import annotations

import os
from pathlib import Path


def child_environment() -> dict[str, str]:
    """Return this process's environment, in which this package's location comes first on the module path."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
