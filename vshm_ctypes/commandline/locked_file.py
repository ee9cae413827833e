# SPDX-License-Identifier: Apache-2.0
"""Files that are written over a long time, locked so that no second program writes into them."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from io import FileIO
from pathlib import Path


def keep_others_out(descriptor: int, path: Path) -> None:
    """Lock the file as long as it is open. Raises OSError (EBUSY) if another program is writing it.

    Pipes and devices are not locked, nor are files on a file system without locks.
    """
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OSError(errno.EBUSY, "another program is writing it: choose another name", str(path)) from None
    except OSError:
        return


def open_alone(path: Path, force: bool, *, emptied: bool = True) -> FileIO:
    """Open and lock a file for unbuffered writing. With force an existing file is opened too, and emptied if asked.

    Raises FileExistsError, OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (0 if force else os.O_EXCL)
    file = FileIO(str(path), "w", opener=lambda name, _flags: os.open(name, flags, 0o666))
    try:
        keep_others_out(file.fileno(), path)
        if emptied and stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.truncate(0)
    except OSError:
        file.close()
        raise
    return file
