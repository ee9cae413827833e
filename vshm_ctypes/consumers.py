# SPDX-License-Identifier: Apache-2.0
"""The reader of several rings in one thread."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from ctypes import addressof, byref, c_uint32, c_void_p, get_errno
from time import monotonic, sleep
from types import TracebackType

from ._library import library
from ._waiting import NO_WAIT, SLICE_S
from .consumer import Consumer
from .errors import ProducerClosed, VideoShmError, error_for
from .frame import Frame
from .printable import printable
from .rings import Ring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self, TypedDict, Unpack

    from .consumer import Policy, Start

    class Options(TypedDict, total=False):
        """The options of a Consumer."""

        start: Start
        policy: Policy
        resync: bool
        reconnect: bool
        max_slot_size: int
        publish: bool


MOST_RINGS = 1024  # VIDEO_SHM_WAIT_ANY_MAX


def _always() -> bool:
    return True


def _wait_any() -> Any:
    """Return the call without a prototype, as it is made for each frame. Raises LibraryError if there is none."""
    try:
        return library["video_shm_consumer_wait_any"]
    except AttributeError:
        return library.video_shm_consumer_wait_any()  # which tells the version that has it


class Consumers:
    """Reads several rings in one thread: ``for stream, frame in Consumers([0, 1, 2]): print(stream.ring, frame.size)``.

    The frames of each ring come in order, each once. Rings that have frames take turns, so that none waits for a
    busier one. One system call sleeps on up to 128 rings; others, and all before Linux 5.16, are looked at every 1 to
    2 ms while frames come.

    Args:
        rings: for each ring its channel number, NAME or /NAME, or a Consumer, which this object closes too.
        options: of Consumer, for each ring that is named: start, policy, resync, reconnect, max_slot_size, publish.

    Attributes:
        streams: the Consumers, in the order of rings. Any thread may ask for their figures at any time; nothing else
            may read from them.

    Raises:
        ValueError: there is no ring or there are more than 1024, or an option is out of range.
        TypeError: rings is one name, and not a list of them.
        VideoShmError: a ring can't be read, as Consumer says. Then none is left open.
    """

    def __init__(self, rings: Iterable[Ring | Consumer], **options: Unpack[Options]) -> None:
        if isinstance(rings, str):  # whose letters would be taken for names
            raise TypeError(f"rings={rings!r}: give a list of rings, such as [{rings!r}]")
        self._wait_any = _wait_any()
        opened: list[Consumer] = []
        try:
            for ring in rings:
                opened.append(ring if isinstance(ring, Consumer) else Consumer(ring, **options))
            if not 0 < len(opened) <= MOST_RINGS:
                raise ValueError(f"{len(opened)} rings: give 1 to {MOST_RINGS} of them")
        except BaseException:
            for stream in opened:
                stream.close()
            raise
        self.streams = tuple(opened)
        self._handles: Any = (c_void_p * len(opened))(*(addressof(stream._handle) for stream in opened))
        self._publishers = tuple(stream for stream in opened if stream._publication is not None)
        self._followed = len(opened)
        self._index = c_uint32(len(opened) - 1)  # the search begins behind it
        self._index_reference = byref(self._index)
        self._error: VideoShmError | None = None  # what an asyncio wait has met, kept for the next call
        self._at_once = False  # the call in progress must not wait, not even for other threads

    def receive(self, timeout: float | None = None) -> tuple[Consumer, Frame] | None:
        """Return the next stream that has a frame, and its frame; None if none came within timeout seconds.

        A ring that was closed is left out from then on, once all its frames have been read.

        Raises:
            ProducerClosed: all rings were closed (never with reconnect).
            ProducerDied: a producer died, and all its frames have been read: once, named by ``error.filename`` (never
                with reconnect). The next call goes on with the other rings, and with this ring's next producer.
            Interrupted: interrupt() ended the wait, of this object or of one of its streams.
            HandleClosed: one of the streams is closed.
        """
        deadline = None if timeout is None else monotonic() + timeout
        while (stream := self.wait(timeout)) is not None:
            try:
                frame = stream.receive(0)
            except ProducerClosed:
                self._leave_out(stream)
            else:
                if frame is not None:
                    return stream, frame
            if deadline is not None:
                timeout = max(0.0, deadline - monotonic())
        return None

    def wait(self, timeout: float | None = None) -> Consumer | None:
        """Return the next stream that has a frame, or an error to raise, without taking it: its own call does not wait.

        So it can be borrowed: ``with cameras.wait().borrow(0) as frame: ...``. None if there is none within timeout
        seconds. Raises as receive(), but for what the stream's own call raises.
        """
        return self._wait(timeout, _always)

    def __iter__(self) -> Iterator[tuple[Consumer, Frame]]:
        """Yield (stream, frame) until all rings were closed; with reconnect, go on with the next rings for ever."""
        try:
            while True:
                found = self.receive()
                if found is not None:
                    yield found
        except ProducerClosed:
            return

    def _leave_out(self, stream: Consumer) -> None:
        self._handles[self.streams.index(stream)] = None
        self._followed -= 1
        if self._followed == 0:
            self._error = ProducerClosed(errno.EPIPE, stream.ring)

    # ---- waiting ----

    def _wait(self, timeout: float | None, is_wanted: Callable[[], bool]) -> Consumer | None:
        if self._error is not None:
            error = self._error
            if self._followed > 0:
                self._error = None
            raise error
        deadline = None if timeout is None else monotonic() + timeout
        while is_wanted():
            for publisher in self._publishers:
                publisher._publication.update_if_due(publisher.info)  # type: ignore[union-attr]
            left = SLICE_S if deadline is None else min(deadline - monotonic(), SLICE_S)
            result = self._sleep(NO_WAIT if left <= 0 else max(1, round(left * 1000)))  # raises ValueError for NaN
            if result > 0:
                return self.streams[self._index.value]
            if result < 0 and (stream := self._check(get_errno())) is not None:
                return stream
            self._check_interrupted()
            if result == 0 and left <= 0:
                return None
        return None

    def _sleep(self, milliseconds: int) -> int:
        """Wait for all streams, and keep other threads from calls on them meanwhile."""
        streams = self.streams
        tried = 0
        try:
            for stream in streams:
                tried += 1
                stream._lock.acquire()
            return self._wait_any(self._handles, len(streams), milliseconds, self._index_reference)  # type: ignore[no-any-return]
        finally:
            for stream in streams[:tried]:
                with suppress(RuntimeError):  # a signal handler raised before the last one was acquired
                    stream._lock.release()

    def _check(self, error: int) -> Consumer | None:
        """Raise what ended the wait, unless it goes on, or the stream that it names has its frame already."""
        stream = self.streams[self._index.value % len(self.streams)]
        if error == errno.EBUSY:
            if stream._borrowed is None:
                return stream  # with a frame that was found before
            with stream._lock:
                stream._end_loan()
        elif error != errno.EINTR:  # else Python has run its signal handlers by now, which may have raised
            raise error_for(error, stream.ring)
        return None

    def _check_interrupted(self) -> None:
        for stream in self.streams:
            if stream._interrupted:
                stream._give_up()
        while not self._at_once and any(stream._others for stream in self.streams):  # who asks for their figures
            sleep(0.0001)

    def _one_followed(self) -> Consumer:
        return next((one for one, handle in zip(self.streams, self._handles, strict=True) if handle), self.streams[0])

    def interrupt(self) -> None:
        """Make the wait in progress, or else the next one, raise Interrupted. Any thread may call this."""
        self._one_followed().interrupt()

    # ---- asyncio ----

    async def wait_async(self, timeout: float | None = None) -> tuple[Consumer, Frame] | None:
        """Do as receive(), for asyncio. However it ends, even cancelled, it leaves no thread and loses no frame."""
        from . import _asyncio

        return await _asyncio.receive(self, timeout)

    def aiter(self) -> AsyncIterator[tuple[Consumer, Frame]]:
        """Return an asynchronous iterator: ``async for stream, frame in cameras.aiter(): ...``."""
        from . import _asyncio

        return _asyncio.frames(self)

    def _receive_now(self) -> tuple[Consumer, Frame] | None:
        """Return a stream and its frame if one is there, else None. Never waits, not even for another thread's call."""
        held = []
        try:
            for stream in self.streams:
                if not stream._lock.acquire(blocking=False):
                    return None
                held.append(stream)
                stream._at_once = True
            self._at_once = True
            return self.receive(0)
        finally:
            self._at_once = False
            for stream in held:
                stream._at_once = False
                stream._lock.release()

    def _look_ahead(self, timeout: float | None, is_wanted: Callable[[], bool]) -> None:
        """Wait until a call would not wait, or is_wanted() returns False, at the latest after _wake() was called."""
        try:
            self._wait(timeout, is_wanted)
        except VideoShmError as error:
            self._error = error

    def _wake(self) -> None:
        """Make the wait in progress check whether it is still wanted."""
        self._one_followed()._wake()

    # ---- the end ----

    def close(self) -> None:
        """Leave all rings, and end a wait in another thread. Closing twice is allowed."""
        for stream in self.streams:
            stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Consumers {', '.join(printable(stream.ring) for stream in self.streams)}>"
