# SPDX-License-Identifier: Apache-2.0
"""What a child process says meanwhile, in a file without a name: a pipe that nobody reads would fill up."""

from __future__ import annotations

import os
from typing import IO


def open_scratch(name: str) -> IO[bytes]:
    """Open a file for a few lines: in memory, since a disk may be full or read-only; else a temporary one.

    name: what it is called among the process's open files. Raises OSError.
    """
    try:
        return os.fdopen(os.memfd_create(name), "w+b")
    except OSError:  # a sandbox may forbid it
        import tempfile

        return tempfile.TemporaryFile()
