# SPDX-License-Identifier: Apache-2.0
"""Finds libvideo_shm, loads it, and refuses one of another ABI."""

from __future__ import annotations

import ctypes
import errno
import os
import sys

from ._prototypes import declare
from ._structs import C_NAMES
from .errors import LibraryError

ABI = 1  # the soname's number, and the major version
SONAME = f"libvideo_shm.so.{ABI}"


def _installed(*names: str) -> str | None:
    """A file of the library as CMake installs it into a wheel; an editable install has it in another folder."""
    paths = (os.path.join(folder, *names) for folder in sys.modules[__package__].__path__)
    return next(filter(os.path.exists, paths), None)


def choose() -> str:
    """Path or soname to load: VSHM_LIBRARY if it is set, else the wheel's own copy, else the system's."""
    chosen = os.environ.get("VSHM_LIBRARY")
    if chosen:
        return chosen
    return _installed("lib", "libvideo_shm.so") or SONAME


def get_include() -> str:
    """Folder of video_shm.h, for C programs: ``cc -I``. Raises LibraryError where the wheel brought none."""
    header = _installed("include", "video_shm.h")
    if header is None:
        advice = "this is no installed wheel: use the library's own, pkg-config --cflags video_shm"
        raise LibraryError(errno.ENOENT, "video_shm.h", advice)
    return os.path.dirname(header)


def get_library() -> str:
    """Path of the library in use, for C programs to link with; lib/pkgconfig/video_shm.pc lies beside the wheel's."""
    if "/" in library_path:
        return library_path
    with open("/proc/self/maps", encoding="utf-8") as maps:  # the system's was found by its name
        paths = (line.split(maxsplit=5)[-1].rstrip("\n") for line in maps if SONAME in line)
        return next(paths, library_path)


def _check_abi(library: ctypes.CDLL, path: str) -> None:
    version = library.video_shm_version().decode()
    if version.split(".")[0] != str(ABI):
        raise LibraryError(errno.ELIBBAD, path, f"{path} is version {version}; this binding needs {ABI}.x")
    for struct, name in C_NAMES.items():
        # Structs that begin with their size may have grown; what they begin with may not have moved.
        for field, *_ in struct._fields_:
            theirs, ours = library.video_shm_layout(f"{name}.{field}".encode()), getattr(struct, field).offset
            if theirs not in (ours, -1):
                raise LibraryError(errno.ELIBBAD, path, f"{path}: {name}.{field} at {theirs}, not {ours}: other ABI")


def load(path: str) -> ctypes.CDLL:
    """Load the library at path. Raises LibraryError: it is not there, lacks a call, or has another ABI."""
    try:
        library = ctypes.CDLL(path, use_errno=True)
    except OSError as error:
        advice = "install the wheel, or libvideo_shm itself, or set VSHM_LIBRARY to its path"
        raise LibraryError(errno.ENOENT, path, f"can't load {path} ({error}): {advice}") from None
    declare(library, path)
    _check_abi(library, path)
    return library


library_path = choose()
library = load(library_path)
