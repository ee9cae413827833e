# SPDX-License-Identifier: Apache-2.0
"""Two libraries that share rings, like programs that are updated separately. Any promise can be asked of both."""

from __future__ import annotations

import ctypes
import mmap
import zlib
from collections.abc import Callable
from typing import Any

from .raw import Answer, Guarded, Library, ProducerOptions

FIRST, OTHER = 0, 1
_NAME = "video_stream"
_COUNTS = 4096
_JOINS = ("consumer_init", "consumer_init_channel", "consumer_open", "inspect", "inspect_slots")
_OPENS = ("producer_init", "producer_init_channel", "producer_open")


class Pair(Library):
    """Stands for one library in all processes of a promise. Both libraries may be the same.

    The first writer of each ring is first's, the next one other's, and so on in turn; readers and inspection are
    other's. An open handle stays with its library, even if it opens a ring again.
    """

    def __init__(self, first: Library, other: Library) -> None:
        self.path = other.path
        self._both = first, other
        self._sides: dict[int, int] = {}  # of writers' handles, by address
        self._open = set[int]()  # those of these handles that have a ring
        self._writers = mmap.mmap(-1, _COUNTS)  # by ring, shared so that all processes see how many there have been
        self._came = mmap.mmap(-1, mmap.PAGESIZE)

    @property
    def met(self) -> bool:
        """Whether both libraries have used a ring."""
        return self._came[FIRST] == self._came[OTHER] == 1

    def has(self, name: str) -> bool:
        """Return whether both libraries have a call."""
        return all(library.has(name) for library in self._both)

    def function(self, name: str) -> Any:
        """Return the call, of the library whose turn it is or that the handle belongs to. Raises Lacks."""
        for library in self._both:
            library.function(name)
        first, other = self._both
        if not name.startswith("producer_") or first is other:
            return self._library(name, ()).function(name)
        return self._by_handle(name)

    def _by_handle(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            result = self._library(name, arguments).function(name)(*arguments)
            self._note(name, arguments, result)
            return result

        return call

    def __call__(self, name: str, *arguments: Any) -> Answer:
        """Make a call like Library. The log is set in both libraries."""
        if name == "set_log":
            self._both[FIRST](name, *arguments)
        library = self._library(name, arguments)
        answer = library(name, *arguments)
        self._note(name, arguments, answer.result)
        if name in _OPENS + _JOINS and (answer.result >= 0 or answer.error == "EBUSY"):
            self._came[self._side(name, arguments)] = 1
        return answer

    def _library(self, name: str, arguments: tuple[Any, ...]) -> Library:
        if name in _OPENS and arguments and _address(arguments[0]) not in self._open:
            self._sides[_address(arguments[0])] = self._turn(_ring(name, arguments))
        return self._both[self._side(name, arguments)]

    def _note(self, name: str, arguments: tuple[Any, ...], result: Any) -> None:
        """Note which handles have a ring, after a call and its result."""
        if name in _OPENS and arguments and result >= 0:
            self._open.add(_address(arguments[0]))
        elif name == "producer_destroy" and arguments:
            self._open.discard(_address(arguments[0]))

    def _side(self, name: str, arguments: tuple[Any, ...]) -> int:
        if not name.startswith("producer_"):
            return OTHER
        return self._sides.get(_address(arguments[0]), FIRST) if arguments else FIRST

    def _turn(self, ring: str) -> int:
        place = zlib.crc32(ring.encode()) % _COUNTS
        turn = self._writers[place] % 2
        self._writers[place] = (self._writers[place] + 1) % 256
        return turn


def _address(handle: Any) -> int:
    return handle.address if isinstance(handle, Guarded) else handle or 0


def _ring(name: str, arguments: tuple[Any, ...]) -> str:
    """Return a key for the ring that is opened, the same each time, or a common one for invalid options."""
    if name == "producer_init_channel":
        return f"{_NAME}_ch{arguments[1]}"
    if name == "producer_open" and isinstance(arguments[1], Guarded):
        options = arguments[1]
        if options.size < ctypes.sizeof(ProducerOptions):
            return ""
        given = ctypes.c_char_p(ProducerOptions.from_address(options.address).name).value
        return _NAME if given is None else given.decode(errors="replace").removeprefix("/")
    return _NAME
