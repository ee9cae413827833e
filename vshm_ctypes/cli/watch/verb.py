# SPDX-License-Identifier: Apache-2.0
"""vshm watch: shows one ring live, or all of them, a line each."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ...commandline.ending import heeding
from ...commandline.output import print_json
from ...commandline.place import check_place
from ...commandline.verb import Exit, add_ring_argument, positive
from ...errors import Interrupted, VideoShmError
from ..events import lost_event
from ..public_reader import public_reader
from ..sigbus import check_whole, outlive_faults
from .all_rings import watch_all
from .lines import HISTORY, block, line_of, tell
from .log import WatchLog
from .screen import Screen
from .second import Second
from .watcher import Summary, Watch


def add_arguments(parser: ArgumentParser) -> None:
    add_ring_argument(parser, default="all of them")
    parser.add_argument("-t", "--seconds", type=positive, metavar="S", help="end after S seconds (default: at Ctrl-C)")
    log = "write a JSON line for each second and each event to FILE; full parts become FILE.1.gz and so on"
    parser.add_argument("--log", type=Path, metavar="FILE", help=log)


def _show(watch: Watch, arguments: Namespace, screen: Screen, log: WatchLog | None) -> None:
    history: deque[Second] = deque(maxlen=HISTORY)
    end = time.monotonic() + arguments.seconds if arguments.seconds else None
    for second in watch.seconds():
        check_whole(second.ring)
        history.append(second)
        if log is not None:
            log.write(second)
        if arguments.json:
            print_json(second)
        elif screen.is_there:
            screen.show(block(second, list(history), screen.width()))
        else:
            print(line_of(second), flush=True)
        if end is not None and time.monotonic() >= end:
            return


@contextmanager
def _telling_losses(ring: str, log: WatchLog | None) -> Iterator[None]:
    """Log the error that ends the watch, if the ring can't be read any more."""
    try:
        yield
    except Interrupted:
        raise
    except VideoShmError as error:
        if log is not None:
            log.note(ring, lost_event(error.strerror))
        raise


def _watch(arguments: Namespace) -> Summary:
    """Watch one ring until the end."""
    outlive_faults()
    with public_reader(arguments.ring, reconnect=True) as stream, ExitStack() as stack:
        watch = Watch(stream)
        try:
            with heeding(stream.interrupt):
                log = stack.enter_context(WatchLog(arguments.log)) if arguments.log else None
                stack.enter_context(_telling_losses(stream.ring, log))
                _show(watch, arguments, stack.enter_context(Screen(not arguments.json)), log)
        except Interrupted:
            pass
        return watch.summary()


def run(arguments: Namespace) -> int:
    """Watch until Ctrl-C or the given time.

    Returns exit code 0, 1 if frames were missed or a writer is gone at the end, or 3 if there is no such ring.
    """
    if arguments.log is not None:
        check_place(arguments.log)
    if arguments.ring is None:
        return watch_all(arguments)
    summary = _watch(arguments)
    tell([summary], arguments.json)
    return Exit.FINDING if summary.is_finding else Exit.HEALTHY
