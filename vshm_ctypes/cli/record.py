# SPDX-License-Identifier: Apache-2.0
"""vshm record: a stream into a file that any player opens."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Literal, cast

from ..consumer import Consumer
from ..errors import ProducerClosed, ProducerDied
from ..frame import Frame
from . import units
from .output import complain, print_json
from .progress import progress
from .recording import Recording
from .sinks import Sink, open_sink
from .verb import Exit, Verb, add_ring_argument, positive

# Wherever it starts, the first frame in the file is a keyframe: resync sees to it.
_STARTS = {"keyframe": "keyframe", "now": "next", "oldest": "oldest"}


def whole(text: str) -> int:
    """A count on the command line."""
    count = int(text)
    if count < 1:
        raise ArgumentTypeError(f"{text}: at least 1")
    return count


def add_arguments(parser: ArgumentParser) -> None:
    add_ring_argument(parser)
    output = "file: .mp4 or .mkv (needs PyAV), else the raw stream; - is stdout"
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help=output)
    parser.add_argument("-c", "--count", type=whole, metavar="N", help="end after N frames")
    parser.add_argument("-t", "--seconds", type=positive, metavar="S", help="end after S seconds")
    start = "first frame: the ring's last keyframe (default), the next keyframe, or the oldest keyframe in the ring"
    parser.add_argument("--from", dest="start", choices=tuple(_STARTS), default="keyframe", help=start)
    parser.add_argument("--reconnect", action="store_true", help="go on with the next writer when this one ends")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def _note_gap(recording: Recording, frame: Frame, missed: int) -> None:
    lost = missed - recording.missed
    recording.missed = missed
    if recording.frames and (lost or frame.discontinuity):
        recording.gaps += 1
        why = f"{lost} frames missed" if lost else "the stream was interrupted"
        complain(f"gap before frame {frame.number}: {why}; it goes on at this keyframe")


def _record(
    stream: Consumer,
    sink: Sink,
    recording: Recording,
    count: int | None,
    seconds: float | None,
    advance: Callable[[Recording], None],
) -> None:
    begin = time.monotonic()
    while True:
        left = None if seconds is None else begin + seconds - time.monotonic()
        frame = stream.receive(max(left, 0)) if left is not None else stream.receive()
        recording.seconds = time.monotonic() - begin
        if frame is None:
            recording.ended = "time"
            return
        missed = recording.missed + frame.missed_before
        _note_gap(recording, frame, missed)
        sink.write(frame)
        recording.frames += 1
        recording.bytes += frame.size
        advance(recording)
        if count is not None and recording.frames >= count:
            recording.ended = "count"
            return
        if left is not None and left <= 0:
            recording.ended = "time"
            return


def run(arguments: Namespace) -> int:
    """Exit 0; 1: frames were missed, the writer died, the disk is full, or nothing was recorded."""
    if arguments.json and arguments.output == "-":
        raise ValueError("--json and -o - both want stdout: choose a file")
    start = cast(Literal["next", "oldest", "keyframe"], _STARTS[arguments.start])
    failure: Exception | None = None
    with Consumer(arguments.ring, start=start, resync=True, reconnect=arguments.reconnect) as stream:
        recording = Recording(stream.ring, arguments.output)
        sink = open_sink(arguments.output, arguments.force)
        try:
            with progress(arguments.count, arguments.seconds, quiet=arguments.json) as advance:
                _record(stream, sink, recording, arguments.count, arguments.seconds, advance)
        except KeyboardInterrupt:
            recording.ended = "interrupt"
        except ProducerClosed:
            recording.ended = "closed"
        except ProducerDied:
            recording.ended = "died"
        except OSError as error:
            recording.ended, failure = "error", error
        try:
            sink.close()
        except OSError as error:  # such as a disk that is still full
            recording.ended, failure = "error", failure or error
    if arguments.json:
        print_json(recording)
    else:
        print(_summary(recording), file=sys.stderr)
    if failure is not None:
        complain(failure)
    found = failure is not None or recording.missed or recording.ended == "died" or not recording.frames
    return Exit.FINDING if found else Exit.HEALTHY


def _summary(recording: Recording) -> str:
    gaps = f", {recording.missed} frames missed in {recording.gaps} gaps" if recording.gaps else ""
    why = {"closed": "the writer closed the ring", "died": "the writer died"}.get(recording.ended)
    ended = f"; {why}" if why else ""
    size, seconds = units.size(recording.bytes), units.seconds(recording.seconds)
    return f"{recording.ring} -> {recording.file}: {recording.frames} frames, {size}, {seconds}{gaps}{ended}"


VERB = Verb("record", "a stream into a file: raw, .mp4 or .mkv", add_arguments, run)
