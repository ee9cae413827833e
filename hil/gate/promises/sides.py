# SPDX-License-Identifier: Apache-2.0
"""A writer and a reader. Each method makes one call on the handle, and returns the answer."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

from .raw import (
    Answer,
    ConsumerHandle,
    ConsumerOptions,
    Guarded,
    Info,
    Library,
    Meta,
    ProducerHandle,
    ProducerOptions,
    Timing,
    View,
)

NO_WAIT = 2**32 - 1
CAPACITY = 512 * 1024


class Got(NamedTuple):
    """What a reader got. number: the low 32 bits of the frame number."""

    result: int
    error: str
    data: bytes
    meta: Any

    @property
    def answer(self) -> Answer:
        """Result and errno."""
        return Answer(self.result, self.error)

    @property
    def number(self) -> int | None:
        """The frame number, or None if there is no frame."""
        return int(self.meta.sequence) if self.result > 0 else None


class Writer:
    """A writer's handle."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.handle = Guarded(ProducerHandle)

    def open(self, name: str | None, **options: int) -> Answer:
        """Call video_shm_producer_open."""
        self._name = None if name is None else ctypes.c_char_p(name.encode())
        given = Guarded(ProducerOptions, **options)
        if self._name is not None:
            given.value.name = ctypes.cast(self._name, ctypes.c_void_p).value
        return self.library("producer_open", self.handle, given)

    def init_channel(self, channel: int) -> Answer:
        """Call video_shm_producer_init_channel."""
        return self.library("producer_init_channel", self.handle, channel)

    def write(self, data: bytes, **meta: Any) -> Answer:
        """Call video_shm_producer_write."""
        return self.library("producer_write", self.handle, data, len(data), Guarded(Meta, **meta))

    def write_timed(self, data: bytes, timing: dict[str, int] | None = None, **meta: Any) -> Answer:
        """Call video_shm_producer_write_timed."""
        when = None if timing is None else Guarded(Timing, **timing)
        return self.library("producer_write_timed", self.handle, data, len(data), Guarded(Meta, **meta), when)

    def reserve(self) -> tuple[Answer, int, int]:
        """Call video_shm_producer_reserve. Returns its answer, the address and the capacity."""
        data, capacity = ctypes.c_void_p(), ctypes.c_uint32()
        answer = self.library("producer_reserve", self.handle, ctypes.byref(data), ctypes.byref(capacity))
        return answer, data.value or 0, capacity.value

    def commit(self, size: int, timing: dict[str, int] | None = None, **meta: Any) -> Answer:
        """Call video_shm_producer_commit."""
        when = None if timing is None else Guarded(Timing, **timing)
        return self.library("producer_commit", self.handle, size, Guarded(Meta, **meta), when)

    def place(self, data: bytes, timing: dict[str, int] | None = None, **meta: Any) -> Answer:
        """Reserve, fill and commit a slot."""
        answer, address, _ = self.reserve()
        if answer.result != 0:
            return answer
        ctypes.memmove(address, data, len(data))
        return self.commit(len(data), timing, **meta)

    def abort(self) -> None:
        """Call video_shm_producer_abort."""
        self.library("producer_abort", self.handle)

    def info(self) -> Any:
        """Return video_shm_producer_info's struct. Raises RuntimeError if the call fails."""
        return _info(self.library, "producer_info", self.handle)

    def destroy(self) -> None:
        """Call video_shm_producer_destroy."""
        self.library("producer_destroy", self.handle)


class Reader:
    """A reader's handle, with a buffer."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.handle = Guarded(ConsumerHandle)
        self._buffer: Guarded | None = None

    def open(self, name: str | None, **options: int) -> Answer:
        """Call video_shm_consumer_open."""
        self._name = None if name is None else ctypes.c_char_p(name.encode())
        given = Guarded(ConsumerOptions, **options)
        if self._name is not None:
            given.value.name = ctypes.cast(self._name, ctypes.c_void_p).value
        return self.library("consumer_open", self.handle, given)

    def init_channel(self, channel: int) -> Answer:
        """Call video_shm_consumer_init_channel."""
        return self.library("consumer_init_channel", self.handle, channel)

    @property
    def buffer(self) -> Guarded:
        """A buffer of VIDEO_SHM_MAX_FRAME_SIZE bytes."""
        if self._buffer is None:
            self._buffer = Guarded(ctypes.c_uint8 * CAPACITY)
        return self._buffer

    def _got(self, answer: Answer, buffer: Guarded, meta: Guarded) -> Got:
        data = ctypes.string_at(buffer.address, answer.result) if answer.result > 0 else b""
        return Got(answer.result, answer.error, data, meta.value)

    def wait(self, timeout_ms: int = NO_WAIT) -> Got:
        """Call video_shm_consumer_wait."""
        meta = Guarded(Meta)
        answer = self.library("consumer_wait", self.handle, self.buffer, meta, timeout_ms)
        return self._got(answer, self.buffer, meta)

    def read(self) -> Got:
        """Call video_shm_consumer_read."""
        meta = Guarded(Meta)
        answer = self.library("consumer_read", self.handle, self.buffer, meta)
        return self._got(answer, self.buffer, meta)

    def receive(self, capacity: int = CAPACITY, timeout_ms: int = NO_WAIT) -> Got:
        """Call video_shm_consumer_receive."""
        meta, buffer = Guarded(Meta), self.buffer
        if capacity > CAPACITY:
            buffer = self._buffer = Guarded(ctypes.c_uint8 * capacity)
        answer = self.library("consumer_receive", self.handle, buffer, capacity, meta, timeout_ms)
        return self._got(answer, buffer, meta)

    def acquire(self, timeout_ms: int = NO_WAIT) -> tuple[Answer, Guarded]:
        """Call video_shm_consumer_acquire. Returns its answer and the view."""
        view = Guarded(View)
        return self.library("consumer_acquire", self.handle, view, timeout_ms), view

    def release(self, view: Guarded) -> Answer:
        """Call video_shm_consumer_release."""
        return self.library("consumer_release", self.handle, view)

    def look(self, timeout_ms: int = NO_WAIT) -> Any:
        """Acquire and release a view, and return its struct without the data, or None if there is no frame.

        Raises RuntimeError if the call fails.
        """
        answer, view = self.acquire(timeout_ms)
        if answer.result == 0:
            return None
        if answer.result < 0:
            raise RuntimeError(f"acquire: {answer}")
        self.release(view)
        return view.value

    def numbers(self) -> list[int]:
        """Return the numbers of all frames that are there, read without waiting."""
        found = []
        while (number := self.wait().number) is not None:
            found.append(number)
        return found

    def stats(self) -> tuple[int, int, int]:
        """Call video_shm_consumer_stats. Returns the frames written, dropped and missed."""
        counts = [ctypes.c_uint32() for _ in range(3)]
        answer = self.library("consumer_stats", self.handle, *map(ctypes.byref, counts))
        if answer.result != 0:
            raise RuntimeError(f"stats: {answer}")
        return counts[0].value, counts[1].value, counts[2].value

    def info(self) -> Any:
        """Return video_shm_consumer_info's struct. Raises RuntimeError if the call fails."""
        return _info(self.library, "consumer_info", self.handle)

    def interrupt(self) -> None:
        """Call video_shm_consumer_interrupt."""
        self.library("consumer_interrupt", self.handle)

    def descriptor(self) -> Answer:
        """Call video_shm_consumer_descriptor."""
        return self.library("consumer_descriptor", self.handle)

    def destroy(self) -> None:
        """Call video_shm_consumer_destroy."""
        self.library("consumer_destroy", self.handle)


def _info(library: Library, call: str, first: Guarded | bytes) -> Any:
    info = Guarded(Info)
    answer = library(call, first, info)
    if answer.result != 0:
        raise RuntimeError(f"{call}: {answer}")
    return info.value


def inspect(library: Library, name: str) -> Any:
    """Return video_shm_inspect's struct. Raises RuntimeError if the call fails."""
    return _info(library, "inspect", name.encode())
