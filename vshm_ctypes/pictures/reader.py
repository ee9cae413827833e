# SPDX-License-Identifier: Apache-2.0
"""Reads the pictures of a ring as OpenCV's VideoCapture reads those of a camera."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from ..consumer import Consumer
from ..errors import ProducerClosed, ProducerDied
from ..frame import Frame
from ..info import RingInfo
from ..printable import printable
from ..rings import Ring
from .arrays import Array
from .picture import FORMATS, Picture, Shaper
from .stream import Decoded, DecodedStream, Lost, PictureBooks, begins_anew, stands_alone
from .turns import Turns

if TYPE_CHECKING:
    from ..consumer import Policy

__all__ = ["Picture", "PictureBooks", "Pictures"]

_ROUNDS = 8  # that "newest" catches up with what came while it was decoding
_AT_ONCE = 0.0  # a deadline that is over: nothing is waited for


class Pictures:
    """The pictures of a ring, decoded where it carries H.264, H.265, JPEG or AV1, one by one as numpy arrays.

    ``ok, picture = pictures.read()`` reads one as OpenCV does; ``for picture in pictures`` yields Pictures, with times
    and losses beside the array. A ring of raw pictures is read by the same calls, only that nothing is decoded. Needs
    numpy, and PyAV for all but raw pictures that have the format asked for: ``pip install 'video-shm[pictures]'``.

    Decoding begins at the newest keyframe in the ring. After a gap or a damaged frame it begins anew at the next
    keyframe: no picture is returned that refers to one that was lost. Pictures are returned in the order in which
    they are shown; a stream with B-frames delays them by as many as it reorders, and nothing else does. Several threads
    may read: each picture goes to one of them.

    Args:
        ring: channel number, NAME or /NAME; None is /video_stream.
        channel: channel number, an alternative to ring.
        policy: "newest": the newest picture there is at each call; whatever it needs is decoded, nothing else is
            converted, and with a newer keyframe in the ring it goes on from there. "every": each picture in order.
            "keyframes": keyframes only, which costs least.
        format: "bgr24", as OpenCV takes them, "rgb24" or "grey", of full range whatever the stream's is.
        reconnect: when the ring ends, go on with the next ring of its name.
        publish: show this reader's counters to ``vshm``, through a shared memory object of its own.
        options: options of FFmpeg's decoder, by name.

    Attributes:
        picture: the last Picture that was returned, with its times; None before the first.
        ended: the ProducerClosed or ProducerDied that ended the ring; None while it goes on.
        books: what became of the frames read.

    Raises:
        ModuleNotFoundError: numpy is not installed.
        ValueError: an argument is out of range.
        VideoShmError: what Consumer raises.
    """

    def __init__(
        self,
        ring: Ring = None,
        *,
        channel: int | None = None,
        policy: Policy = "newest",
        format: str = "bgr24",  # noqa: A002 - as numpy, PyAV and FFmpeg call it
        reconnect: bool = False,
        publish: bool = False,
        options: dict[str, str] | None = None,
    ) -> None:
        if format not in FORMATS:
            raise ValueError(f"format={format!r}: it must be one of {', '.join(FORMATS)}")
        self.picture: Picture | None = None
        self.ended: ProducerClosed | ProducerDied | None = None
        self.books = PictureBooks()
        self._policy = policy
        self._ready: deque[Decoded] = deque()
        self._passed_over: int | None = None  # frames that the library has skipped, by its books
        self._told = Lost()  # until the last picture that was returned
        self._shaper = Shaper(format)
        self._turns = Turns()
        self._consumer = Consumer(
            ring,
            channel=channel,
            start="keyframe",
            policy="every" if policy == "newest" else policy,
            reconnect=reconnect,
            publish=publish,
        )
        self._stream = DecodedStream(self._consumer.ring, self.books, policy == "newest", options or {})

    # ---- reading ----

    def read(self, timeout: float | None = None) -> tuple[bool, Array | None]:
        """Return (True, array) of the next picture, or (False, None) at the ring's end or after timeout seconds.

        The array is (height, width, 3) of uint8, or (height, width) for grey; it belongs to the program. ended tells
        whether the ring ended, and picture has the times and losses of what was returned.

        Raises what receive() does, but not for the end of the ring.
        """
        try:
            picture = self.receive(timeout)
        except (ProducerClosed, ProducerDied):
            picture = None
        return (False, None) if picture is None else (True, picture.array())

    def receive(self, timeout: float | None = None) -> Picture | None:
        """Return the next picture, or None if none came within timeout seconds (0: do not wait; None: wait for ever).

        Raises:
            ProducerClosed: the ring was closed, and all its pictures have been read (never with reconnect).
            ProducerDied: the producer died, and all its pictures have been read (never with reconnect).
            IncompatibleRing: the ring carries sound, or a codec that this version does not know.
            ModuleNotFoundError: the ring's pictures have to be decoded, and PyAV is not installed.
            Interrupted: interrupt() ended the wait.
            HandleClosed: it is closed.
        """
        deadline = None if timeout is None else monotonic() + timeout
        with self._turns.take(timeout) as is_my_turn:
            return self._received(deadline) if is_my_turn else None

    def _received(self, deadline: float | None) -> Picture | None:
        while not self._ready:
            if self.ended is not None:
                self._keep(self._stream.end())  # what was held back for pictures that do not come any more
                if not self._ready:
                    raise self.ended
                break
            frame = self._next(deadline)
            if frame is not None:
                self._take(frame)
            elif self.ended is None:
                return None
        return self._returned(self._ready.popleft())

    def __iter__(self) -> Iterator[Picture]:
        """Yield pictures until the producer closes the ring; with reconnect, go on with the next ring for ever."""
        try:
            while True:
                picture = self.receive()
                if picture is not None:
                    yield picture
        except ProducerClosed:
            return

    async def aiter(self) -> AsyncIterator[Picture]:
        """Yield pictures until the ring is closed: ``async for picture in pictures.aiter()``.

        Only the wait for frames is asynchronous; decoding runs in the loop's thread, some milliseconds a picture.
        """
        while True:
            while not self._ready:
                if self.ended is not None:
                    self._keep(self._stream.end())
                    if self._ready:
                        break
                    if isinstance(self.ended, ProducerDied):
                        raise self.ended
                    return
                try:
                    silence = self._stream.silence
                    frame = await self._consumer.wait_async(silence.until(None) if self._is_silent else None)
                    if frame is None and self._is_silent:
                        silence.look(self._consumer)
                except (ProducerClosed, ProducerDied) as error:
                    self.ended = error
                    continue
                if frame is not None:
                    self._take(frame)
            yield self._returned(self._ready.popleft())

    # ---- the ring ----

    @property
    def ring(self) -> str:
        """The ring's name, with its slash."""
        return self._consumer.ring

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._consumer.closed

    def info(self) -> RingInfo:
        """Return the figures of the ring and of the reader of its frames. Raises HandleClosed."""
        return self._consumer.info()

    def interrupt(self) -> None:
        """Make the wait in progress, or else the next one, raise Interrupted. Any thread may call this."""
        self._consumer.interrupt()

    def close(self) -> None:
        """Leave the ring, and end a wait in another thread. Closing twice is allowed."""
        self._consumer.close()

    def __enter__(self) -> Self:
        self._consumer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"Pictures can't be pickled: pass {self.ring!r}, and open Pictures in the other process")

    def __repr__(self) -> str:
        return f"<Pictures {printable(self.ring)}, {'closed' if self.closed else 'open'}>"

    # ---- decoding ----

    @property
    def _is_silent(self) -> bool:
        """Whether no frame has come yet, and it may have to be said why."""
        return not (self._stream.silence.is_over or self.books.span)

    def _next(self, deadline: float | None) -> Frame | None:
        """Return the next frame, or None if there is none in time or the ring has ended, as self.ended then tells."""
        silence = self._stream.silence
        try:
            while self._is_silent:
                if (frame := self._consumer.receive(silence.until(deadline))) is not None:
                    return frame
                silence.look(self._consumer)
                if deadline is not None and monotonic() >= deadline:
                    return None
            return self._consumer.receive(None if deadline is None else max(deadline - monotonic(), 0))
        except (ProducerClosed, ProducerDied) as error:
            self.ended = error
            return None

    def _take(self, frame: Frame) -> None:
        """Decode a frame, and with "newest" all that came meanwhile."""
        if self._policy != "newest":
            is_alone = self._policy == "keyframes"
            if is_alone:
                self._count_passed_over()
            self._keep(self._stream.take(frame, alone=is_alone))
            return
        waiting: Frame | None = frame
        for _ in range(_ROUNDS):
            if waiting is None:
                return
            self._catch_up(waiting)
            waiting = self._next(_AT_ONCE) if self.ended is None else None
        if waiting is not None:
            self._catch_up(waiting)

    def _catch_up(self, frame: Frame) -> None:
        """Decode a frame and all that are in the ring by now, from the newest keyframe among them on."""
        frames: list[Frame] = []
        following: Frame | None = frame
        while following is not None:
            if frames and begins_anew(following):
                self._stream.jump(frames)
                frames.clear()
            frames.append(following)
            if stands_alone(following.codec):
                self._pass_over()
            following = self._next(_AT_ONCE)
        for one in frames:
            self._keep(self._stream.take(one))

    def _pass_over(self) -> None:
        """Pass over all frames that are in the ring but the newest, without copying them, as each stands alone."""
        info = self._consumer.info()
        for _ in range(info.frames - info.next_frame - 1):
            with suppress(TimeoutError), self._consumer.borrow(0) as frame:
                self._stream.jump([frame])
                frame.give_back()

    def _count_passed_over(self) -> None:
        """Count frames that the library has passed over, as it does for a reader of keyframes."""
        skipped = self._consumer.info().skipped
        over = skipped - (skipped if self._passed_over is None else self._passed_over)
        self._passed_over = skipped
        self.books.skipped += over
        self.books.span += over

    def _keep(self, decoded: list[Decoded]) -> None:
        """Keep what was decoded for the next calls: with "newest", only the last picture."""
        self._ready.extend(decoded)
        if self._policy == "newest":
            while len(self._ready) > 1:
                self._ready.popleft()
                self.books.skipped += 1

    def _returned(self, decoded: Decoded) -> Picture:
        self.books.returned += 1
        lost = self.books.lost if self._policy == "newest" else decoded.lost
        since = Lost(*(now - before for now, before in zip(lost, self._told, strict=True)))
        self._told = lost
        self.picture = Picture(decoded, self._shaper, since)
        return self.picture
