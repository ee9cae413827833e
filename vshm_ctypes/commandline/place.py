# SPDX-License-Identifier: Apache-2.0
"""Whether a file can be made somewhere, to be asked before the work whose result it will hold."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .atomic_file import is_there


def check_place(path: Path, force: bool = True) -> None:
    """Check whether a file can be made, as far as that can be known without making it.

    Raises OSError, with its name: it is a folder, it exists (without force), or its folder is missing or not writable.
    """
    if path.is_dir():
        raise OSError(errno.EISDIR, "it is a folder: name a file in it", str(path))
    if path.exists():
        if not force:
            raise is_there(path)
        return
    folder = path.resolve().parent
    if not folder.is_dir():
        told = f"{os.strerror(errno.ENOENT)}: there is no folder {folder}: make it first"
        raise OSError(errno.ENOENT, told, str(path))
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        reason = errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES
        told = f"{os.strerror(reason)}: nothing can be written into {folder}: choose another folder"
        raise OSError(reason, told, str(path))
