# SPDX-License-Identifier: Apache-2.0
"""Reads several rings together: frames that were captured at the same time are returned together."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar, cast, overload

from .errors import ProducerClosed, ProducerDied
from .frame import Frame

HELD_FRAMES = 256  # at most, of each stream, while it is not known yet where they belong
_SLICE_S = 0.02  # how long to wait for one stream before reading the others again


class Stream(Protocol):
    """What sync() reads from, such as a Consumer."""

    def receive(self, timeout: float | None = None) -> Frame | None:
        """Return the next frame, or None if none came within timeout seconds."""


@dataclass(slots=True)
class SyncBooks:
    """What became of the frames of one stream.

    Attributes:
        received: frames read from the ring.
        matched: frames returned beside a frame of another stream.
        unmatched: frames without a match; those of the first stream were returned alone, the others left out.
        missed: frames overwritten in the ring before they could be read.
        ended: the exception that ended the stream; None while it goes on.
    """

    received: int = 0
    matched: int = 0
    unmatched: int = 0
    missed: int = 0
    ended: ProducerClosed | ProducerDied | None = None


class _Held:
    """One stream, with the frames that are not matched yet and their times of capture."""

    def __init__(self, stream: Stream, patience: float) -> None:
        self.books = SyncBooks()
        self.frames: deque[tuple[int, Frame]] = deque()
        self.reached_ns = 0  # the newest time of capture seen
        self._stream = stream
        self._patience = patience
        self._heard_s = time.monotonic()

    @property
    def is_awaited(self) -> bool:
        """Whether frames may still come soon: the stream has not ended, and has not been silent for too long."""
        return self.books.ended is None and time.monotonic() - self._heard_s < self._patience

    def read(self, timeout: float, gives_up: bool) -> None:
        """Read the frames that are there, waiting up to timeout seconds for the first.

        With gives_up, the oldest frames are discarded to make room for newer ones.
        """
        for _ in range(HELD_FRAMES):
            if self.books.ended is not None or (len(self.frames) == HELD_FRAMES and not gives_up):
                return
            try:
                frame = self._stream.receive(timeout)
            except (ProducerClosed, ProducerDied) as error:
                self.books.ended = error
                return
            if frame is None:
                return
            self._heard_s, timeout = time.monotonic(), 0
            self.books.received += 1
            self.books.missed += frame.missed_before
            captured_ns = _captured_ns(frame)
            self.reached_ns = max(self.reached_ns, captured_ns)
            self.frames.append((captured_ns, frame))
            if len(self.frames) > HELD_FRAMES:
                self.frames.popleft()
                self.books.unmatched += 1


def _captured_ns(frame: Frame) -> int:
    """Return the frame's time of capture, ns of CLOCK_MONOTONIC, but not later than now.

    A time in the future would make all older frames look late.
    """
    now_ns = time.monotonic_ns()
    if frame.capture_ns:
        return min(frame.capture_ns, now_ns)
    return min(frame.timestamp_ms * 1_000_000 - (time.time_ns() - now_ns), now_ns)  # all that version 1 tells


Frames = tuple[Frame, ...]
Together = TypeVar("Together", bound=tuple[Any, ...])  # the first stream's frame, then the Frames of each other stream


class Sync(Generic[Together]):
    """The iterator that sync() returns.

    Attributes:
        books: one for each stream, in the order of the arguments.
    """

    def __init__(self, streams: tuple[Stream, ...], tolerance: float, patience: float) -> None:
        self._tolerance_ns = round(tolerance * 1e9)
        self._leader, *self._followers = (_Held(stream, patience) for stream in streams)
        self._before_ns = 0  # time of capture of the leader's previous frame
        self.books = tuple(held.books for held in (self._leader, *self._followers))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Together:
        while True:
            self._leader.read(0, gives_up=False)
            for held in self._followers:  # the leader has none: keep their newest frames
                held.read(0, gives_up=not self._leader.frames)
            awaited = self._awaited()
            if awaited is None:
                return self._hand_out()
            if awaited.books.ended is not None:
                raise awaited.books.ended if isinstance(awaited.books.ended, ProducerDied) else StopIteration
            awaited.read(_SLICE_S, gives_up=True)

    def _awaited(self) -> _Held | None:
        """Return the stream to wait for before the leader's next frame can be returned, or None."""
        leader = self._leader
        if not leader.frames:
            return leader
        if len(leader.frames) == HELD_FRAMES:
            return None
        begin_ns = leader.frames[0][0]
        end_ns = begin_ns + self._tolerance_ns
        for held in self._followers:
            if held.reached_ns <= end_ns and held.is_awaited:
                return held
        may_be_nearer = any(begin_ns < at_ns <= end_ns for held in self._followers for at_ns, _ in held.frames)
        return leader if len(leader.frames) == 1 and may_be_nearer and leader.is_awaited else None

    def _hand_out(self) -> Together:
        at_ns, frame = self._leader.frames.popleft()
        after_ns = self._leader.frames[0][0] if self._leader.frames else None
        others = tuple(self._take(held, at_ns, after_ns) for held in self._followers)
        self._before_ns = at_ns
        if any(others):
            self._leader.books.matched += 1
        else:
            self._leader.books.unmatched += 1
        return cast("Together", (frame, *others))

    def _take(self, held: _Held, at_ns: int, after_ns: int | None) -> Frames:
        """Return the frames that match the leader's at at_ns, and discard older ones that match no frame."""
        taken = []
        frames, held.frames = held.frames, deque()
        for captured_ns, frame in frames:
            distance_ns = abs(captured_ns - at_ns)
            if captured_ns > at_ns + self._tolerance_ns or (
                after_ns is not None and abs(captured_ns - after_ns) < distance_ns
            ):
                held.frames.append((captured_ns, frame))
            elif distance_ns > self._tolerance_ns or abs(captured_ns - self._before_ns) < distance_ns:
                held.books.unmatched += 1
            else:
                held.books.matched += 1
                taken.append(frame)
        return tuple(taken)


@overload
def sync(
    first: Stream, second: Stream, /, *, tolerance: float = ..., patience: float = ...
) -> Sync[tuple[Frame, Frames]]: ...
@overload
def sync(
    first: Stream, second: Stream, third: Stream, /, *, tolerance: float = ..., patience: float = ...
) -> Sync[tuple[Frame, Frames, Frames]]: ...
@overload
def sync(first: Stream, /, *others: Stream, tolerance: float = ..., patience: float = ...) -> Sync[tuple[Any, ...]]: ...
def sync(first: Stream, /, *others: Stream, tolerance: float = 0.02, patience: float = 0.5) -> Sync[Any]:
    """Iterate over frames captured at the same time: ``for picture, sounds in sync(camera, microphone): ...``.

    Each step returns one frame of the first stream, in order, and for each other stream a tuple of the frames that
    match it. A frame matches if it is at most tolerance seconds away by capture_ns, and nearer to that frame than to
    its neighbours. With a tolerance below half the frame interval of another camera, its tuple has one frame or none.

    After a gap in another stream its tuple is empty; frames in a gap of the first stream are left out. A stream that
    has ended, or has been silent for patience seconds, is not waited for until it delivers again; choose patience
    longer than the longest interval. Iteration ends with the first stream, once all its frames were returned. The
    iterator's books count what became of the frames. It holds at most 256 frames of each stream, and no producer ever
    waits. While it is in use, nothing else may read from its Consumers.

    Args:
        first: the stream that sets the pace.
        others: the streams to match with it.
        tolerance: largest distance in time of a match, in seconds.
        patience: how long to wait for a silent stream, in seconds.

    Raises:
        ValueError: an argument is out of range, or there is only one stream.
        ProducerDied: the first stream's producer died, and all its frames were returned.
        VideoShmError: what Consumer.receive() raises.
    """
    if not 0 <= tolerance < 1e6 or not 0 <= patience < 1e6 or not others:
        raise ValueError(f"tolerance={tolerance}, patience={patience}: seconds from 0 on, and two streams at least")
    return Sync((first, *others), tolerance, patience)
