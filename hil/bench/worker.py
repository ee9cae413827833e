# SPDX-License-Identifier: Apache-2.0
"""One block of a peer that speaks Python: a sender and its receivers, new processes all of them.

It is told what the block worker in C is told, and answers in the same words, so that whoever runs blocks knows one
worker: ``COMMAND CHANNEL READERS [-p] [-m BYTES] [-s US] < SCHEDULE``, and one line of JSON. Here all frames are of one
size.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import shutil
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from ..blocks.block import Block, Tally
from ..blocks.schedule import Due
from ..processes.parent import die_with_parent
from .peer import Link
from .peers import PEERS, peer_class
from .progress_words import ProgressWords
from .sides import SETTLING, Received, Sent, Stream, receive, send

Work = Callable[[], Sent | Received]


def block_of(sent: Sent, receivers: list[Received]) -> Block:
    """Return what sender and receivers recorded as a block."""
    count = len(sent.entered_ns)
    return Block(
        latency_ns=[
            at_ns - sent.entered_ns[number]
            for one in receivers
            for number, at_ns in zip(one.numbers, one.at_ns, strict=True)
            if SETTLING <= number < count
        ],
        write_ns=[left - entered for entered, left in zip(sent.entered_ns, sent.left_ns, strict=True)][SETTLING:],
        written=count,
        refused=0,
        dropped=0,
        elapsed_ns=sent.left_ns[-1] - sent.entered_ns[SETTLING],
        recovery_ns=None,
        writer=Tally(count - SETTLING, sent.cpu_ns),
        readers=[_tally(one, count) for one in receivers],
        complete=True,
    )


def _tally(one: Received, sent: int) -> Tally:
    numbers = [number for number in one.numbers if number < sent]
    torn = one.torn + len(one.numbers) - len(numbers)  # a number that was never sent can't be right
    missed = sent - len(set(numbers))
    if one.missed is not None and numbers:
        missed = numbers[0] + one.missed + sent - 1 - numbers[-1]
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    return Tally(
        one.cpu_frames,
        one.cpu_ns if one.cpu_frames else None,
        received=len(numbers) + torn,
        missed=missed,
        torn=torn,
        repeated=sum(step == 0 for step in steps),
        reordered=sum(step < 0 for step in steps),
    )


def _play(work: Work, answer: Connection, parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent(parent)
    answer.send(work())


def _answers(works: list[Work]) -> list[Any]:
    """Do each work in a process of its own, and return the answers. Ends this process as soon as one fails."""
    context, parent = multiprocessing.get_context("fork"), os.getpid()
    processes, ears, answers = [], dict[Connection, int](), dict[int, Any]()
    try:
        for number, work in enumerate(works):
            ear, mouth = context.Pipe(duplex=False)
            processes.append(context.Process(target=_play, args=(work, mouth, parent)))
            processes[-1].start()
            mouth.close()  # when its process dies, this ends the pipe
            ears[ear] = number
        while ears:
            ready = wait(list(ears))
            for ear in [one for one in ears if one in ready]:
                number = ears.pop(ear)
                try:
                    answers[number] = ear.recv()
                except EOFError:
                    processes[number].join()
                    sys.exit(f"a process ended with {processes[number].exitcode}")
    finally:
        for process in processes:
            process.kill()
            process.join()
    return [answers[number] for number in range(len(works))]


def _parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=PEERS, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for sockets and files; its name is the link's")
    parser.add_argument("--parent", type=int, required=True, help="process that this one ends with")
    parser.add_argument("--seconds", type=float, default=0.0, help="unpaced, no frame is begun later; 0: all are sent")
    parser.add_argument("--slots", type=int, default=0, help="of a ring; 0: as many as the original ring has")
    parser.add_argument("--newest", action="store_true", help="receivers pass over all frames but the newest one")
    parser.add_argument("channel", type=int, help="the link has a name of its own instead")
    parser.add_argument("readers", type=int)
    parser.add_argument("-p", action="store_true", dest="paced")
    parser.add_argument("-m", type=int, help="marks are at begin and end alone")
    parser.add_argument("-s", type=int, choices=[0], help="a receiver makes no pause")
    return parser


def _frames() -> list[Due]:
    """Return the schedule from standard input."""
    rows = [line.split() for line in sys.stdin]
    return [Due(int(at_us), int(size), keyframe == "1") for at_us, size, keyframe in rows]


def _run(options: Namespace) -> Block:
    frames, kind = _frames(), peer_class(options.peer)
    size = frames[0].size if frames else 0
    if len(frames) <= SETTLING or any(frame.size != size for frame in frames):
        sys.exit(f"a block has more than {SETTLING} frames, all of one size")
    stream = Stream(frames, options.paced, options.seconds)
    link = Link(options.folder, options.folder.name, size, options.readers, slots=options.slots, newest=options.newest)
    words = ProgressWords()
    works: list[Work] = [lambda: send(stream, kind(link), link, words)]
    for number in range(options.readers):
        own = replace(link, receiver=number)
        works.append(lambda own=own: receive(kind(own), own, words))  # type: ignore[misc]
    sent, *received = _answers(works)
    return block_of(sent, received)


def main() -> None:
    """Run a block, and print it. Whatever ends this ends its processes, and leaves nothing of the link."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = _parser().parse_args()
    gc.disable()  # a collection would be a delay of our own
    try:
        die_with_parent(options.parent, signal.SIGTERM)
        told = asdict(_run(options))
    except BaseException:
        peer_class(options.peer).sweep(Link(options.folder, options.folder.name, 0, options.readers))
        shutil.rmtree(options.folder, ignore_errors=True)
        raise
    del told["complete"]  # the caller knows that
    print(json.dumps(told))


if __name__ == "__main__":
    main()
