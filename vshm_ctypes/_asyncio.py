# SPDX-License-Identifier: Apache-2.0
"""asyncio for Consumer and Consumers: a daemon thread blocks, which nobody has to wait for however the wait ends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Protocol, TypeVar

from .errors import ProducerClosed, VideoShmError
from .limits import explain

Got = TypeVar("Got")
Got_co = TypeVar("Got_co", covariant=True)


class Waiting(Protocol[Got_co]):
    """The part of Consumer, and of Consumers, that this module uses."""

    def _look_ahead(self, timeout: float | None, is_wanted: Callable[[], bool]) -> None:
        """Wait in the calling thread, and keep the frame that comes for the next call."""

    def _receive_now(self) -> Got_co | None:
        """Return the next frame if it is there, else None, without waiting."""

    def _wake(self) -> None:
        """Make the wait in progress check whether it is still wanted."""


class _Wait:
    """One wait in a daemon thread, which does not hold up the interpreter's exit.

    found, the future to wake, is referenced weakly: when a coroutine that nobody resumes is collected, its wait ends.
    A frame that comes stays with the consumer, so that cancelling a wait loses nothing.
    """

    def __init__(self, consumer: Waiting[object], timeout: float | None, found: asyncio.Future[None]) -> None:
        self._consumer = consumer
        self._timeout = timeout
        self._loop = found.get_loop()
        self._found = weakref.ref(found, lambda _: self.end())
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="vshm-wait", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # threading raises no more specific class
            raise VideoShmError(errno.EAGAIN, None, explain(error)) from None

    def _run(self) -> None:
        unexpected = None
        try:
            self._consumer._look_ahead(self._timeout, lambda: not self._is_over)
        except Exception as error:  # of this wait, or of the program's log handler: it is for who waits
            unexpected = error
        with contextlib.suppress(RuntimeError):  # the loop was closed
            self._loop.call_soon_threadsafe(self._wake, unexpected)

    def _wake(self, unexpected: Exception | None) -> None:
        found = self._found()
        if found is None or found.done():
            return
        if unexpected is None:
            found.set_result(None)
        else:
            found.set_exception(unexpected)

    def end(self) -> None:
        """Cancel the wait, and return at once."""
        if not self._is_over:
            self._is_over = True
            self._consumer._wake()

    async def ended(self) -> None:
        """Return once the thread has ended."""
        while self._thread.is_alive():
            with contextlib.suppress(asyncio.CancelledError):  # a second cancellation changes nothing
                await asyncio.sleep(0.001)


async def _look_ahead(consumer: Waiting[object], timeout: float | None) -> None:
    found = asyncio.get_running_loop().create_future()
    wait = _Wait(consumer, timeout, found)
    try:
        await found
    except BaseException as error:  # also GeneratorExit, after which nothing can be awaited
        wait.end()
        if isinstance(error, asyncio.CancelledError):
            await wait.ended()
        raise


async def receive(consumer: Waiting[Got], timeout: float | None) -> Got | None:
    """Return the next frame, or None if none came within timeout seconds (None: wait for ever)."""
    end_s = None if timeout is None else monotonic() + timeout
    await asyncio.sleep(0)  # let other tasks run even if frames are always ready
    while True:
        frame = consumer._receive_now()
        left_s = None if end_s is None else end_s - monotonic()
        if frame is not None or (left_s is not None and left_s <= 0):
            return frame
        await _look_ahead(consumer, left_s)


async def frames(consumer: Waiting[Got]) -> AsyncIterator[Got]:
    """Yield frames until the producer closes the ring."""
    try:
        while True:
            frame = await receive(consumer, None)
            if frame is not None:
                yield frame
    except ProducerClosed:
        return
