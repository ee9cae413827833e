# SPDX-License-Identifier: Apache-2.0
"""Several rings read as one: what was captured at the same time comes together."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar, cast, overload

from .errors import ProducerClosed, ProducerDied
from .frame import Frame

HELD_FRAMES = 256  # of each stream, at most, while it is not known yet where they belong
_SLICE_S = 0.02  # so long one stream is waited for before the others are looked at again


class Stream(Protocol):
    """What sync() reads from: a Consumer."""

    def receive(self, timeout: float | None = None) -> Frame | None:
        """The next frame, or None if none came within timeout seconds."""


@dataclass(slots=True)
class SyncBooks:
    """What became of the frames of one stream.

    received: read from its ring. matched: handed out beside a frame of another stream. unmatched: frames that nothing
    belonged to; of the first stream they were handed out alone, of the others left out. missed: lost to the ring's
    laps, as the frames themselves tell. ended: what ended the stream; None: it goes on.
    """

    received: int = 0
    matched: int = 0
    unmatched: int = 0
    missed: int = 0
    ended: ProducerClosed | ProducerDied | None = None


class _Held:
    """One stream: frames that wait for their place, each with its time of capture."""

    def __init__(self, stream: Stream, patience: float) -> None:
        self.books = SyncBooks()
        self.frames: deque[tuple[int, Frame]] = deque()
        self.reached_ns = 0  # the newest time of capture seen
        self._stream = stream
        self._patience = patience
        self._heard_s = time.monotonic()

    @property
    def is_awaited(self) -> bool:
        """Whether something may still come soon: it has not ended, and was not silent for too long."""
        return self.books.ended is None and time.monotonic() - self._heard_s < self._patience

    def read(self, timeout: float, gives_up: bool) -> None:
        """What is there; waits for the first up to timeout seconds. gives_up: the oldest make room for the newer."""
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
    """CLOCK_MONOTONIC. Never later than now: a time from the future would make all that is older look late."""
    now_ns = time.monotonic_ns()
    if frame.capture_ns:
        return min(frame.capture_ns, now_ns)
    return min(frame.timestamp_ms * 1_000_000 - (time.time_ns() - now_ns), now_ns)  # all that version 1 tells


Frames = tuple[Frame, ...]
Together = TypeVar("Together", bound=tuple[Any, ...])  # the first stream's frame, and of each other one its Frames


class Sync(Generic[Together]):
    """The iterator that sync() returns. books: one for each stream, in the order that they were given."""

    def __init__(self, streams: tuple[Stream, ...], tolerance: float, patience: float) -> None:
        self._tolerance_ns = round(tolerance * 1e9)
        self._leader, *self._followers = (_Held(stream, patience) for stream in streams)
        self._before_ns = 0  # time of capture of the leader's frame before
        self.books = tuple(held.books for held in (self._leader, *self._followers))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Together:
        while True:
            self._leader.read(0, gives_up=False)
            for held in self._followers:  # as long as there is no frame that they could belong to, the newest are kept
                held.read(0, gives_up=not self._leader.frames)
            awaited = self._awaited()
            if awaited is None:
                return self._hand_out()
            if awaited.books.ended is not None:
                raise awaited.books.ended if isinstance(awaited.books.ended, ProducerDied) else StopIteration
            awaited.read(_SLICE_S, gives_up=True)

    def _awaited(self) -> _Held | None:
        """The stream that has to come further before the leader's next frame can be handed out; None: none has to."""
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
        """The frames that belong to the leader's at at_ns. Those before it that belong to none are given up."""
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
    """Iterate over what was captured at the same time: ``for picture, sounds in sync(camera, microphone): ...``.

    Each frame of the first stream, once and in order, and of each other stream a tuple of the frames that belong to it:
    no further from it than tolerance seconds by capture_ns, and nearer to it than to its neighbours. With a tolerance
    below half the interval of another camera that tuple has one frame, or none.

    A gap in one of the others leaves its tuple empty; what falls into a gap of the first is left out. A stream from
    which nothing came for patience seconds, longer than its longest interval, is not waited for until it comes again;
    neither is one that has ended. The end is the first stream's: iteration stops, or raises ProducerDied, once all of
    it was handed out. The iterator's books tell what became of each stream's frames. No more than 256 frames of each
    stream are held; the writers never wait. Streams are Consumers, the iterator's own as long as it is used.

    Raises ValueError, and what Consumer.receive() raises.
    """
    if not 0 <= tolerance < 1e6 or not 0 <= patience < 1e6 or not others:
        raise ValueError(f"tolerance={tolerance}, patience={patience}: seconds from 0 on, and two streams at least")
    return Sync((first, *others), tolerance, patience)
