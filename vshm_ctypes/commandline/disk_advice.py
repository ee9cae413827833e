# SPDX-License-Identifier: Apache-2.0
"""Advice for a file that can't be found, made or written because of its disk, its file system, folder or name."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..errors import VideoShmError
from ..inodes import has_no_inodes

_IS_GONE = "what was mounted there is gone (a share, a disk, a program behind it); mount it anew, or write elsewhere"
_ADVICE = {
    errno.ENOSPC: "free some space, or write to another disk",
    errno.EDQUOT: "this user's share of it is used up; remove some files, or write to another disk",
    errno.EFBIG: "the file system (FAT32: up to 4 GiB) or ulimit -f allows no larger one; write to another disk",
    errno.EROFS: "write to another disk; one that fails is made read-only too, as dmesg then tells",
    errno.EIO: "write to another disk; this one fails, as dmesg tells",
    # A share whose server was set up anew, one that can't be reached, FUSE's program that died, a disk that was pulled.
    **dict.fromkeys((errno.ESTALE, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT), _IS_GONE),
    **dict.fromkeys((errno.ENOTCONN, errno.ECONNABORTED, errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM), _IS_GONE),
}
_NO_INODES = "there is room, but for no further file (df -i); remove some files, or write to another disk"
_NO_FOLDER = "the current folder was removed: change to one that exists, or name files from / on"
_NO_NULL = "this needs it, and this host's /dev lacks it: mknod -m 666 /dev/null c 1 3, or mount a whole /dev"
_NOT_IN_NAMES = '\\:*?"<>|'  # on FAT, exFAT and NTFS
_NAME = f"this disk's file system (FAT, exFAT, NTFS) takes none of {_NOT_IN_NAMES} in a name; choose another one"


def disk_advice(error: OSError) -> str | None:
    """Return what to do about a file that can't be found or written, or None if the error has another cause."""
    if isinstance(error, VideoShmError) or error.strerror != os.strerror(error.errno or 0):
        return None  # its own message says what to do
    path = Path(error.filename) if isinstance(error.filename, str) and error.filename else None
    if path is not None and error.errno == errno.EINVAL and set(path.name) & set(_NOT_IN_NAMES):
        return _NAME
    if error.errno == errno.ENOENT and error.filename == os.devnull:
        return _NO_NULL
    if error.errno == errno.ENOENT and (path is None or not path.is_absolute()) and _has_no_current_folder():
        return _NO_FOLDER
    if path is not None and error.errno == errno.ENOSPC and has_no_inodes(path.parent):
        return _NO_INODES
    return _ADVICE.get(error.errno or 0)


def _has_no_current_folder() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False
