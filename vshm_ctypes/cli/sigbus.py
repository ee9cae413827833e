# SPDX-License-Identifier: Apache-2.0
"""Handles SIGBUS in a reader whose ring somebody has truncated: it reports that, and exits with a finding.

A command that reads many rings survives: the missing pages are replaced by zeros, and only that ring is given up.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from ..commandline.verb import Exit
from ..errors import VideoShmError
from ..identity import Identity
from ..left_behind import remove_all
from ..mounts import Mounts
from ..rings import DIRECTORY

CUT_OFF = (
    "the ring was cut off under its readers: a program that may write to it has shrunk it, or the machine is out of "
    "memory; look who may (ls -l /dev/shm), remove the ring, and start its writer anew"
)
MAP_FIXED = 0x10  # the same on all of Linux's architectures, but missing in Python's mmap

_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)


class _Faults:
    """The state of the process's handler."""

    are_outlived = False
    rings: ClassVar[set[str]] = set()  # truncated, and not given up yet


def _tell_and_end(_number: int) -> None:
    if _Faults.are_outlived:
        with suppress(OSError, ValueError):
            if _put_zeros():
                return  # the access is tried again
    remove_all()
    os.write(2, f"\nvshm: {CUT_OFF}\n".encode())
    os._exit(Exit.FINDING)


def _put_zeros() -> bool:
    """Map zeros over every mapping that is longer than its ring. Returns whether there were any.

    It compares with the open files, since the address of the fault is in a struct that each C library defines its own
    way.
    """
    sizes, mounts = {}, Mounts()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            status = entry.stat()
            sizes[Identity(mounts.mapped_device(int(entry.name)), status.st_ino)] = status.st_size
    found, folder = False, os.path.realpath(DIRECTORY)
    for line in Path("/proc/self/maps").read_text(errors="surrogateescape").splitlines():
        places, _, offset, device, inode, *path = line.split(maxsplit=5)
        if not path or not path[0].startswith(f"{folder}/"):
            continue
        begin, end = (int(place, 16) for place in places.split("-"))
        if int(offset, 16) + end - begin - mmap.PAGESIZE >= sizes.get(Identity.mapped(device, inode), end):
            _map_zeros(begin, end - begin)
            name = path[0].removeprefix(folder).removesuffix(" (deleted)").replace("\\012", "\n")
            _Faults.rings.add(name)
            found = True
    return found


def _map_zeros(begin: int, length: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    call = getattr(libc, "mmap64", None) or libc.mmap  # musl has mmap only, with 64-bit offsets
    call.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_int64)
    call.restype = ctypes.c_void_p
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_FIXED
    if call(begin, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0) != begin:
        raise OSError(ctypes.get_errno(), "no zeros in place of what was cut off")


_handler = _Handler(_tell_and_end)  # kept alive, since the kernel calls it by its address


def tell_of_faults() -> None:
    """Install the handler for SIGBUS. A handler of Python's would run after the access, and so never."""
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = (ctypes.c_int, _Handler)
    libc.signal.restype = ctypes.c_void_p
    libc.signal(signal.SIGBUS, _handler)


def outlive_faults() -> None:
    """Survive truncated rings from now on; readers of many rings then call check_whole()."""
    _Faults.are_outlived = True


def check_whole(ring: str) -> None:
    """Raise VideoShmError, once, if the ring of that name was truncated, so that what was read may be zeros."""
    if ring in _Faults.rings:
        _Faults.rings.discard(ring)
        raise VideoShmError(errno.EIO, ring, CUT_OFF)
