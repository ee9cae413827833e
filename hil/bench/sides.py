# SPDX-License-Identifier: Apache-2.0
"""The processes of a block: one sends all frames, the others receive what comes of them, and each writes that down."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..gate.schedule import Due
from .payload import FILLER, Payload, number_of
from .peer import Link, Peer
from .progress_words import Progress, ProgressWords

SETTLING = 10  # frames at the begin that count in the books only: caches are cold
POLL_S = 0.002
FILL_S = 0.01  # from one frame that does not count to the next
DRAIN_S = 0.1  # for what a peer's own threads still have to do


@dataclass(frozen=True, slots=True)
class Stream:
    """What is sent. paced: as scheduled; else as fast as it goes. seconds: no frame is begun later; 0: all are sent."""

    frames: list[Due]
    paced: bool
    seconds: float


@dataclass(slots=True)
class Sent:
    """entered_ns, left_ns: send() of each frame. cpu_ns: of frames after the first SETTLING."""

    entered_ns: list[int] = field(default_factory=list)
    left_ns: list[int] = field(default_factory=list)
    cpu_ns: int = 0


@dataclass(slots=True)
class Received:
    """numbers, at_ns: of each frame that is as it was sent, in the order it came. cpu_ns: for cpu_frames of them.

    torn: frames that are not as they were sent. missed: between the first and the last, as the peer itself says;
    None: it does not tell.
    """

    numbers: list[int] = field(default_factory=list)
    at_ns: list[int] = field(default_factory=list)
    cpu_ns: int = 0
    cpu_frames: int = 0
    torn: int = 0
    missed: int | None = None


def _fill(peer: Peer, payload: Payload, words: ProgressWords, receivers: int, stage: Progress) -> None:
    """Send what does not count, until all receivers are that far."""
    while not words.all_at(receivers, stage):
        peer.send(payload.numbered(FILLER))
        time.sleep(FILL_S)


def send(stream: Stream, peer: Peer, link: Link, words: ProgressWords) -> Sent:
    """Send all frames, at their time. A host that stood still is not made up for by a burst."""
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
    """A receiver's, frame by frame."""

    def __init__(self) -> None:
        self.received = Received()
        self._missed: int | None = 0
        self._begin_cpu_ns: int | None = None
        self._begin_frames = 0

    def good(self, number: int, at_ns: int, missed: int | None) -> None:
        """One that is as it was sent."""
        received = self.received
        if not received.numbers:
            self._missed = missed
        received.numbers.append(number)
        received.at_ns.append(at_ns)
        received.missed = None if missed is None or self._missed is None else missed - self._missed
        if self._begin_cpu_ns is None and number >= SETTLING:
            self._begin_cpu_ns, self._begin_frames = time.process_time_ns(), len(received.numbers)

    def end(self) -> Received:
        """All of it."""
        if self._begin_cpu_ns is not None:
            self.received.cpu_ns = time.process_time_ns() - self._begin_cpu_ns
            self.received.cpu_frames = len(self.received.numbers) - self._begin_frames
        return self.received


def receive(peer: Peer, link: Link, words: ProgressWords) -> Received:
    """Receive all frames that come, until one that does not count says that it is over."""
    books = _Books()
    assert link.receiver is not None
    while words.sender < Progress.READY:
        time.sleep(POLL_S)
    peer.open_to_receive()
    while True:
        data = peer.receive()
        at_ns = time.monotonic_ns()
        number = number_of(data, link.size)
        whole = peer.release()
        if number == FILLER:
            if words.sent:
                break
            words.tell(link.receiver, Progress.READY)
        elif not whole:
            continue  # as if it had not come: it was missed
        elif number is None:
            books.received.torn += 1
        else:
            books.good(number, at_ns, peer.missed)
    received = books.end()
    words.tell(link.receiver, Progress.DONE)
    peer.close()
    return received
