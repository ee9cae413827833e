# SPDX-License-Identifier: Apache-2.0
"""A library under test, call by call, exactly as the header declares it."""

from __future__ import annotations

import ctypes
import errno
import re
from pathlib import Path
from typing import Any, NamedTuple

from .header import read_header

PREFIX = "video_shm_"
LogCallback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
EDGE, MARK = 256, 0xA5  # bytes on both sides, and their value

_KINDS: dict[str, Any] = {
    "void": None,
    "int": ctypes.c_int,
    "const char *": ctypes.c_char_p,
    "int64_t": ctypes.c_int64,
    "uint8_t": ctypes.c_uint8,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "video_shm_log_t": ctypes.c_void_p,
}


class Lacks(Exception):
    """The library has no such call, since it is older."""


class Answer(NamedTuple):
    """The result of a call. error: errno's name if the result is -1, else empty."""

    result: int
    error: str = ""

    def __str__(self) -> str:
        return f"{self.result} {self.error}".rstrip()


def _kind(declared: str) -> Any:
    """Return the ctypes type of a C type; all pointers are the same."""
    array = re.fullmatch(r"(\w+)\[(\d+)\]", declared)
    if array:
        return _KINDS[array[1]] * int(array[2])
    return _KINDS.get(declared, ctypes.c_void_p)


def _declare_structs() -> dict[str, Any]:
    for name, fields in read_header().structs.items():
        members = [(member, _kind(kind)) for member, kind in fields.items()]
        _KINDS[name] = type(name, (ctypes.Structure,), {"_fields_": members})
    return {name: _KINDS[name] for name in read_header().structs}


STRUCTS = _declare_structs()
Meta, Timing = STRUCTS["video_frame_meta_t"], STRUCTS["video_frame_timing_t"]
ProducerHandle, ConsumerHandle = STRUCTS["video_shm_producer_t"], STRUCTS["video_shm_consumer_t"]
ProducerOptions, ConsumerOptions = STRUCTS["video_shm_producer_options_t"], STRUCTS["video_shm_consumer_options_t"]
View, Info, Slot = STRUCTS["video_shm_view_t"], STRUCTS["video_shm_info_t"], STRUCTS["video_shm_slot_t"]


class Library:
    """A library, loaded from a path. Raises OSError if it can't be loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._loaded = ctypes.CDLL(str(path), use_errno=True)
        except OSError as error:
            raise OSError(f"can't load {path}: {error}") from None
        self._calls: dict[str, Any] = {}

    def has(self, name: str) -> bool:
        """Return whether there is a call of that name, given without its prefix."""
        return hasattr(self._loaded, PREFIX + name)

    def function(self, name: str) -> Any:
        """Return the call itself. Raises Lacks."""
        if name not in self._calls:
            declaration = read_header().calls[PREFIX + name]
            try:
                function = getattr(self._loaded, PREFIX + name)
            except AttributeError:
                raise Lacks(PREFIX + name) from None
            function.restype = _kind(declaration.result)
            function.argtypes = [ctypes.c_void_p if "*" in kind else _kind(kind) for kind in declaration.arguments]
            self._calls[name] = function
        return self._calls[name]

    def __call__(self, name: str, *arguments: Any) -> Answer:
        """Make a call that returns a number or nothing. A Guarded argument stands for its address. Raises Lacks."""
        function = self.function(name)
        ctypes.set_errno(0)
        result = function(*(given.address if isinstance(given, Guarded) else given for given in arguments))
        if result != -1:
            return Answer(result or 0)
        number = ctypes.get_errno()
        return Answer(result, errno.errorcode.get(number, f"errno {number}"))


class Guarded:
    """A struct or bytes of the caller, with guard bytes on both sides that show what a call writes beside it."""

    def __init__(self, kind: Any, **fields: Any) -> None:
        size = ctypes.sizeof(kind)
        self._all = (ctypes.c_uint8 * (size + 2 * EDGE))()
        ctypes.memset(self._all, MARK, len(self._all))
        self.value = kind.from_buffer(self._all, EDGE)
        self.address = ctypes.addressof(self.value)
        ctypes.memset(self.address, 0, size)
        if "struct_size" in dict(getattr(kind, "_fields_", ())):
            self.value.struct_size = size
        for name, value in fields.items():
            setattr(self.value, name, value)
        self.size = size

    @property
    def bytes(self) -> bytes:
        """The content."""
        return ctypes.string_at(self.address, self.size)

    @property
    def overrun(self) -> int:
        """How many guard bytes have changed."""
        marks = bytes([MARK])
        whole = bytes(self._all)
        edges = whole[:EDGE] + whole[EDGE + self.size :]
        return len(edges) - edges.count(marks)
