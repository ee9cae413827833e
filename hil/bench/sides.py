# SPDX-License-Identifier: Apache-2.0
"""The processes of a block: one sends all frames, the others receive, and each records what it did."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..blocks.schedule import Due
from .payload import FILLER, Payload, number_of
from .peer import Buffer, Link, Peer
from .progress_words import Progress, ProgressWords

SETTLING = 10  # first frames, which are counted but not timed, since caches are cold
POLL_S = 0.002
FILL_S = 0.01  # between two frames that do not count
DRAIN_S = 0.1  # for what a peer's own threads still have to do


@dataclass(frozen=True, slots=True)
class Stream:
    """What is sent.

    paced: as scheduled, else as fast as possible. seconds: no frame is sent later; 0 means no limit.
    """

    frames: list[Due]
    paced: bool
    seconds: float


@dataclass(slots=True)
class Sent:
    """What the sender recorded. entered_ns, left_ns: send() of each frame. cpu_ns: after the first SETTLING frames."""

    entered_ns: list[int] = field(default_factory=list)
    left_ns: list[int] = field(default_factory=list)
    cpu_ns: int = 0


@dataclass(slots=True)
class Received:
    """What a receiver recorded. numbers, at_ns: of each intact frame, in the order of arrival.

    cpu_ns: for cpu_frames of these. torn: frames that are not as they were sent. missed: between the first and the
    last, by the peer's own count, or None if it has none.
    """

    numbers: list[int] = field(default_factory=list)
    at_ns: list[int] = field(default_factory=list)
    cpu_ns: int = 0
    cpu_frames: int = 0
    torn: int = 0
    missed: int | None = None


def _fill(peer: Peer, payload: Payload, words: ProgressWords, receivers: int, stage: Progress) -> None:
    """Send frames that do not count, until all receivers have reached that stage."""
    while not words.all_at(receivers, stage):
        peer.send(payload.numbered(FILLER))
        time.sleep(FILL_S)


def send(stream: Stream, peer: Peer, link: Link, words: ProgressWords) -> Sent:
    """Send all frames, each at its time. After a stall of the host, the missed time is not caught up by a burst."""
    payload, sent = Payload(link.size), Sent()
    peer.open_to_send()
    words.sender = Progress.READY
    _fill(peer, payload, words, link.receivers, Progress.READY)
    time.sleep(DRAIN_S)
    begin_ns, begin_cpu_ns = time.monotonic_ns(), 0
    end_ns = begin_ns + round(stream.seconds * 1e9)
    for number, due in enumerate(stream.frames):
        if stream.paced:
            early_ns = begin_ns + due.at_us * 1000 - time.monotonic_ns()
            if early_ns < 0:
                begin_ns -= early_ns
            else:
                time.sleep(early_ns / 1e9)
        elif stream.seconds and number > SETTLING and time.monotonic_ns() > end_ns:
            break
        if number == SETTLING:
            begin_cpu_ns = time.process_time_ns()
        frame = payload.numbered(number)
        sent.entered_ns.append(time.monotonic_ns())
        peer.send(frame)
        sent.left_ns.append(time.monotonic_ns())
    time.sleep(DRAIN_S)
    sent.cpu_ns = time.process_time_ns() - begin_cpu_ns
    words.sent = len(sent.entered_ns)
    _fill(peer, payload, words, link.receivers, Progress.DONE)
    peer.close()
    return sent


class _Books:
    """Counts a receiver's frames."""

    def __init__(self) -> None:
        self.received = Received()
        self._missed: int | None = 0
        self._begin_cpu_ns: int | None = None
        self._begin_frames = 0

    def good(self, number: int, at_ns: int, missed: int | None) -> None:
        """Count an intact frame."""
        received = self.received
        if not received.numbers:
            self._missed = missed
        received.numbers.append(number)
        received.at_ns.append(at_ns)
        received.missed = None if missed is None or self._missed is None else missed - self._missed
        if self._begin_cpu_ns is None and number >= SETTLING:
            self._begin_cpu_ns, self._begin_frames = time.process_time_ns(), len(received.numbers)

    def end(self) -> Received:
        """Return all counts."""
        if self._begin_cpu_ns is not None:
            self.received.cpu_ns = time.process_time_ns() - self._begin_cpu_ns
            self.received.cpu_frames = len(self.received.numbers) - self._begin_frames
        return self.received


def _array_of(link: Link) -> Callable[[Buffer], object] | None:
    """Return what makes an array of a picture, as its user does at once; of encoded frames nobody makes one."""
    if not link.newest or importlib.util.find_spec("numpy") is None:
        return None
    import numpy

    return lambda data: numpy.frombuffer(data, numpy.uint8)


def receive(peer: Peer, link: Link, words: ProgressWords) -> Received:
    """Receive all frames that come, until one that does not count says that it is over."""
    books = _Books()
    assert link.receiver is not None
    while words.sender < Progress.READY:
        time.sleep(POLL_S)
    peer.open_to_receive()
    as_array = _array_of(link)
    while True:
        data = peer.receive()
        if as_array is not None:
            as_array(data)
        at_ns = time.monotonic_ns()
        number = number_of(data, link.size)
        whole = peer.release()
        if number == FILLER:
            if words.sent:
                break
            words.tell(link.receiver, Progress.READY)
        elif not whole:
            continue  # as if it had not come: it counts as missed
        elif number is None:
            books.received.torn += 1
        else:
            books.good(number, at_ns, peer.missed)
    received = books.end()
    words.tell(link.receiver, Progress.DONE)
    peer.close()
    return received
