# SPDX-License-Identifier: Apache-2.0
"""Finds and loads libvideo_shm, and refuses a library of another ABI."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from _ctypes import FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, FUNCFLAG_USE_ERRNO, CFuncPtr
from collections.abc import Callable, Iterator

from ._prototypes import declare
from ._structs import C_NAMES
from .errors import LibraryError

ABI = 1  # the soname's number, and the major version
SONAME = f"libvideo_shm.so.{ABI}"


def installed(*names: str) -> str | None:
    """Return the path of a file that CMake installed into this package, or None. An editable install has two places."""
    paths = (os.path.join(folder, *names) for folder in sys.modules[__package__].__path__)
    return next(filter(os.path.exists, paths), None)


def _behind_a_checkout() -> Iterator[str]:
    """Yield where a checkout that is imported from its own folder finds a library: its build, then an installed wheel.

    The checkout comes first in sys.path, and would otherwise hide the wheel that was installed to be used.
    """
    for folder in map(os.path.dirname, sys.modules[__package__].__path__):
        if os.path.exists(os.path.join(folder, "lib", "VERSION")):
            yield os.path.join(folder, "build", "libvideo_shm.so")
            yield from (os.path.join(path, "vshm_ctypes", "lib", "libvideo_shm.so") for path in sys.path)


def choose() -> str:
    """Return the path or soname to load: VSHM_LIBRARY if it is set, else the wheel's own copy, else the system's.

    A checkout has no copy of its own: it uses the library that was built in it, else that of an installed wheel.
    """
    chosen = os.environ.get("VSHM_LIBRARY")
    if chosen:
        return os.path.abspath(chosen) if "/" in chosen else chosen  # the program may leave its folder
    own = installed("lib", "libvideo_shm.so") or next(filter(os.path.exists, _behind_a_checkout()), None)
    return os.path.abspath(own) if own else SONAME


def get_include() -> str:
    """Return the folder of video_shm.h, for ``cc -I``. Raises LibraryError if this installation has no header."""
    header = installed("include", "video_shm.h") or installed("..", "lib", "include", "video_shm.h")
    if header is None:
        advice = "not installed from a wheel: use the header of the library, pkg-config --cflags video_shm"
        raise LibraryError(errno.ENOENT, "video_shm.h", advice)
    return os.path.dirname(os.path.abspath(header))


def get_library() -> str:
    """Return the path of the library in use, for C programs to link with.

    The wheel has lib/pkgconfig/video_shm.pc beside it.
    """
    if "/" in library_path:
        return library_path
    with open("/proc/self/maps", encoding="utf-8") as maps:  # it was loaded by its soname
        paths = (line.split(maxsplit=5)[-1].rstrip("\n") for line in maps if SONAME in line)
        return next(paths, library_path)


def _check_abi(library: ctypes.CDLL, path: str) -> None:
    version = library.video_shm_version().decode()
    if version.split(".")[0] != str(ABI):
        raise LibraryError(errno.ELIBBAD, path, f"{path} is version {version}; this binding needs {ABI}.x")
    for struct, name in C_NAMES.items():
        # A struct that begins with its size may have grown, but its known fields may not have moved.
        for field, *_ in struct._fields_:
            theirs, ours = library.video_shm_layout(f"{name}.{field}".encode()), getattr(struct, field).offset
            if theirs not in (ours, -1):
                message = f"{path} has another ABI: {name}.{field} is at {theirs}, not {ours}"
                raise LibraryError(errno.ELIBBAD, path, message)


def _advice(reason: int) -> str:
    """Return what to do about a library that can't be loaded."""
    if reason == errno.ELIBBAD:
        return (
            "it was made for another processor or system, or lies where nothing may be executed (noexec): "
            "install the wheel on this machine, or set VSHM_LIBRARY to a library that was made for it"
        )
    if getattr(sys, "frozen", False):
        return (
            "this program was frozen without the library: give the freezer the whole package vshm_ctypes with its "
            "files, or install libvideo_shm itself, or set VSHM_LIBRARY to its path"
        )
    if not any(map(os.path.isdir, sys.modules[__package__].__path__)):
        return (
            "no library can be loaded from inside an archive: unpack it (shiv and pex can do so themselves), "
            "or install libvideo_shm itself, or set VSHM_LIBRARY to its path"
        )
    return (
        "install the wheel, or libvideo_shm itself, or set VSHM_LIBRARY to its path; "
        "in a checkout, cmake -S lib -B build && cmake --build build"
    )


def load(path: str) -> ctypes.CDLL:
    """Load and return the library at path. Raises LibraryError if it is missing, lacks a call, or has another ABI."""
    try:
        library = ctypes.CDLL(path, use_errno=True)
    except OSError as error:
        reason = errno.ELIBBAD if os.path.isfile(path) else errno.ENOENT
        raise LibraryError(reason, path, f"can't load {path} ({error}): {_advice(reason)}") from None
    declare(library, path)
    _check_abi(library, path)
    return library


library_path = choose()
library = load(library_path)


class Call(CFuncPtr):
    """Lets other threads run meanwhile."""

    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO


class AtOnce(CFuncPtr):
    """Keeps the GIL, so that until it returns no other thread runs Python, unless it does so itself, for its log."""

    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI | FUNCFLAG_USE_ERRNO


class AtOnceWithoutErrno(CFuncPtr):
    """Keeps the GIL, and nobody asks why it failed."""

    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI


def frame_call(name: str, kind: type[CFuncPtr] = Call) -> Callable[..., int]:
    """Return a call that is made for each frame, and that returns an int, -1 for a failure.

    It has no prototype: ctypes takes several times the call to convert and check arguments, and looks a result type up
    anew each time.
    """
    call: Callable[..., int] = kind((name, library))
    return call


def keeps_others_out() -> bool:
    """Return whether AtOnce keeps other threads out, and may be used for a call that logs.

    In a free-threaded build it keeps nobody out. In a subinterpreter it may wait for ever: before Python 3.12, ctypes
    runs the log's callback in the main interpreter, and so would wait for the GIL that it holds itself.
    """
    current, main = (ctypes.pythonapi[f"PyInterpreterState_{which}"] for which in ("Get", "Main"))
    current.restype = main.restype = ctypes.c_void_p
    return "t" not in sys.abiflags and current() == main()


class Address(ctypes.c_void_p):
    """A pointer that can lie in a struct's memory, and is read when it is given to a call."""


class _BytesAt(CFuncPtr):
    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI
    _restype_ = ctypes.py_object


# Copies bytes from an address that the library tells, with fewer steps than slices of a memoryview take.
bytes_at: Callable[[object, int], bytes] = _BytesAt(("PyBytes_FromStringAndSize", ctypes.pythonapi))
