# SPDX-License-Identifier: Apache-2.0
"""One process of a block: sends or receives all of it, and prints what it saw as JSON. Who started it judges.

Its standard input is a pipe that nobody writes to: at its end, whoever started this is gone, and so is this.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .payload import FILLER, Payload, number_of
from .peer import Link, Peer
from .peers import peer_class
from .progress_words import Progress, ProgressWords

SETTLING = 5  # frames at the begin that count in the books only: caches are cold
FEWEST = 2 * SETTLING
POLL_S = 0.002
FILL_S = 0.01  # from one frame that does not count to the next
DRAIN_S = 0.1  # for what a peer's own threads still have to do


@dataclass(frozen=True, slots=True)
class Job:
    """fps 0: as fast as it goes. seconds: for all of it."""

    peer: str
    folder: str
    name: str
    size: int
    receivers: int
    fps: int
    seconds: float
    receiver: int | None = None

    @property
    def link(self) -> Link:
        """For the peer."""
        return Link(Path(self.folder), self.name, self.size, self.receivers, self.receiver)

    @property
    def board(self) -> ProgressWords:
        """The block's."""
        return ProgressWords(Path(self.folder) / "board")


@dataclass(slots=True)
class Sent:
    """at_ns: when send() was entered, of each frame. cpu_ns: of frames after the first SETTLING."""

    at_ns: list[int] = field(default_factory=list)
    cpu_ns: int = 0


@dataclass(slots=True)
class Received:
    """numbers, at_ns: of each frame, in the order it came. cpu_ns: for cpu_frames of them.

    altered: frames that are not as they were sent. missed: between the first and the last, as the peer itself says;
    None: it does not tell.
    """

    numbers: list[int] = field(default_factory=list)
    at_ns: list[int] = field(default_factory=list)
    cpu_ns: int = 0
    cpu_frames: int = 0
    altered: int = 0
    missed: int | None = None


def _fill(peer: Peer, payload: Payload, board: ProgressWords, receivers: int, stage: Progress) -> None:
    """Send what does not count, until all receivers are that far."""
    while not board.all_at(receivers, stage):
        peer.send(payload.numbered(FILLER))
        time.sleep(FILL_S)


def send(job: Job, peer: Peer) -> Sent:
    """All frames, at their time."""
    board, payload, sent = job.board, Payload(job.size), Sent()
    peer.open_to_send()
    board.sender = Progress.READY
    _fill(peer, payload, board, job.receivers, Progress.READY)
    time.sleep(DRAIN_S)
    begin_ns = time.monotonic_ns()
    frames = max(round(job.fps * job.seconds), FEWEST) if job.fps else sys.maxsize
    end_ns = begin_ns + round(job.seconds * 1e9)
    begin_cpu_ns = 0
    for number in range(frames):
        if job.fps:
            time.sleep(max(begin_ns + number * 10**9 // job.fps - time.monotonic_ns(), 0) / 1e9)
        elif number >= FEWEST and time.monotonic_ns() > end_ns:
            break
        if number == SETTLING:
            begin_cpu_ns = time.process_time_ns()
        frame = payload.numbered(number)
        sent.at_ns.append(time.monotonic_ns())
        peer.send(frame)
    time.sleep(DRAIN_S)
    sent.cpu_ns = time.process_time_ns() - begin_cpu_ns
    board.sent = len(sent.at_ns)
    _fill(peer, payload, board, job.receivers, Progress.DONE)
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


def receive(job: Job, peer: Peer) -> Received:
    """All frames that come, until what does not count says that it is over."""
    board, books = job.board, _Books()
    assert job.receiver is not None
    while board.sender < Progress.READY:
        time.sleep(POLL_S)
    peer.open_to_receive()
    while True:
        data = peer.receive()
        at_ns = time.monotonic_ns()
        number = number_of(data, job.size)
        whole = peer.release()
        if number == FILLER:
            if board.sent:
                break
            board.tell(job.receiver, Progress.READY)
        elif not whole:
            continue  # as if it had not come: it was missed
        elif number is None:
            books.received.altered += 1
        else:
            books.good(number, at_ns, peer.missed)
    received = books.end()
    board.tell(job.receiver, Progress.DONE)
    peer.close()
    return received


def _end_with_parent(job: Job) -> None:
    os.read(sys.stdin.fileno(), 1)  # not by sys.stdin, which nobody may be reading when the interpreter ends
    peer_class(job.peer).sweep(job.link)
    shutil.rmtree(job.folder, ignore_errors=True)
    os._exit(1)


def main() -> None:
    """The job is the one word of the command line, as JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this
    job = Job(**json.loads(sys.argv[1]))
    threading.Thread(target=_end_with_parent, args=(job,), daemon=True).start()
    gc.disable()  # a collection would be a delay of our own
    peer = peer_class(job.peer)(job.link)
    seen = send(job, peer) if job.receiver is None else receive(job, peer)
    print(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main()
