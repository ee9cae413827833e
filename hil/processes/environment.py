# SPDX-License-Identifier: Apache-2.0
"""The environment of Python programs that hil starts.

Python's -m and -c look for modules in the current folder first, where a stranger's json.py may lie. So do programs that
others start in this way, such as the workers of pytest-xdist.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SAFE_PATH = "PYTHONSAFEPATH"  # if it is set, Python does not look for modules there


def child_environment() -> dict[str, str]:
    """Return this process's environment, in which this package's location comes first on the module path."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), SAFE_PATH: "1"}


@contextmanager
def with_variable(name: str, value: str) -> Iterator[None]:
    """Set a variable of the environment during the block, for programs that are started there."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
