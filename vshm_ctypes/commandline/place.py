# SPDX-License-Identifier: Apache-2.0
"""Whether a file can be made somewhere: asked before the work whose result it shall hold."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def check_place(path: Path, force: bool = True) -> None:
    """As far as that can be told without making it. force: what is there may be overwritten.

    Raises OSError, which names it: it is a folder, is there already, or its folder is not, or is not to be written to.
    """
    if path.is_dir():
        raise OSError(errno.EISDIR, "it is a folder: name a file in it", str(path))
    if path.exists():
        if not force:
            raise OSError(errno.EEXIST, "it is there already: --force overwrites it", str(path))
        return
    folder = path.resolve().parent
    if not folder.is_dir():
        told = f"{os.strerror(errno.ENOENT)}: there is no folder {folder}: make it first"
        raise OSError(errno.ENOENT, told, str(path))
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        told = f"{os.strerror(errno.EACCES)}: nothing can be written into {folder}: choose another folder"
        raise OSError(errno.EACCES, told, str(path))
