# SPDX-License-Identifier: Apache-2.0
"""vshm record: a stream into a file that any player opens."""

from __future__ import annotations

import errno
import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Literal, cast

from ..consumer import Consumer
from ..errors import ProducerClosed, ProducerDied
from ..frame import Frame
from ..rings import AUDIO
from . import units
from .container_sink import ContainerSink, is_container
from .listener import Listener
from .output import complain, print_json
from .progress import progress
from .recording import Recording
from .sink import Sink
from .sinks import open_sink, opened
from .timing import TimingSink
from .verb import COMPLETE_FILE, COMPLETE_RING, Exit, Verb, add_ring_argument, completed, positive

TICK_S = 0.5  # how long the progress stands still at most, also where no frame comes
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
    completed(parser.add_argument("-o", "--output", required=True, metavar="FILE", help=output), COMPLETE_FILE)
    parser.add_argument("-c", "--count", type=whole, metavar="N", help="end after N frames")
    parser.add_argument("-t", "--seconds", type=positive, metavar="S", help="end after S seconds")
    start = "first frame: the ring's last keyframe (default), the next keyframe, or the oldest keyframe in the ring"
    parser.add_argument("--from", dest="start", choices=tuple(_STARTS), default="keyframe", help=start)
    parser.add_argument("--reconnect", action="store_true", help="go on with the next writer when this one ends")
    audio = "put this ring's sound into the file too (.mp4, .mkv; default: /audio_stream)"
    completed(parser.add_argument("--audio", nargs="?", const=AUDIO, metavar="RING", help=audio), COMPLETE_RING)
    timing = "when each frame was published, and its size: JSON lines, for hil gate --replay"
    completed(parser.add_argument("--timing", metavar="FILE", help=timing), COMPLETE_FILE)
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def _note_gap(recording: Recording, frame: Frame, missed: int) -> None:
    lost = missed - recording.missed
    recording.missed = missed
    if recording.frames and (lost or frame.discontinuity):
        recording.gaps += 1
        why = f"{lost} frames missed" if lost else "the stream was interrupted"
        complain(f"gap before frame {frame.number}: {why}; it goes on at this keyframe")


def _frames(
    stream: Consumer, recording: Recording, seconds: float | None, advance: Callable[[Recording], None]
) -> Iterator[Frame]:
    """Until the time is over; the progress moves also where no frame comes."""
    begin = time.monotonic()
    while True:
        left = TICK_S if seconds is None else begin + seconds - time.monotonic()
        frame = stream.receive(min(max(left, 0), TICK_S))
        recording.seconds = time.monotonic() - begin
        if frame is not None:
            yield frame
        advance(recording)
        if left <= 0:
            recording.ended = "time"
            return


def _record(frames: Iterator[Frame], sinks: list[Sink], recording: Recording, count: int | None) -> None:
    for frame in frames:
        _note_gap(recording, frame, recording.missed + frame.missed_before)
        for sink in sinks:
            sink.write(frame)
        recording.frames += 1
        recording.bytes += frame.size
        if count is not None and recording.frames >= count:
            recording.ended = "count"
            return


def _open_sinks(recording: Recording, force: bool, sound: Frame | None) -> list[Sink]:
    """All or none. Raises SinkError, OSError."""
    with_sound = partial(ContainerSink, sound=sound)
    sinks = [open_sink(recording.file, force) if sound is None else opened(with_sound, recording.file, force)]
    if recording.timing is not None:
        try:
            sinks.append(opened(TimingSink, recording.timing, force))
        except BaseException:
            sinks[0].close()
            _remove_empty(recording.file)
            raise
    return sinks


def _record_all(
    stream: Consumer, listener: Listener | None, sinks: list[Sink], recording: Recording, arguments: Namespace
) -> OSError | None:
    """Until it ends, whyever. Returns what went wrong with the files."""
    failure: OSError | None = None

    def listen() -> None:
        if listener is not None and isinstance(sinks[0], ContainerSink):
            listener.hand_over(sinks[0], recording)

    try:
        with progress(arguments.count, arguments.seconds, quiet=arguments.json) as advance:

            def go_on(recording: Recording) -> None:
                listen()
                advance(recording)

            _record(_frames(stream, recording, arguments.seconds, go_on), sinks, recording, arguments.count)
    except KeyboardInterrupt:
        recording.ended = "interrupt"
    except ProducerClosed:
        recording.ended = "closed"
    except ProducerDied:
        recording.ended = "died"
    except OSError as error:
        failure = error
    endings = [sink.close for sink in sinks]
    for end in endings if failure else [listen, *endings]:
        try:
            end()
        except OSError as error:  # such as a disk that is still full
            failure = failure or error
    if failure is not None:
        recording.ended = "error"
    return failure


def run(arguments: Namespace) -> int:
    """Exit 0; 1: frames were missed, the writer died, the disk is full, or nothing was recorded."""
    if arguments.json and arguments.output == "-":
        raise ValueError("--json and -o - both want stdout: choose a file")
    if arguments.audio is not None and not is_container(arguments.output):
        raise ValueError("--audio: a raw stream has no room for sound: record to .mp4 or .mkv")
    if arguments.timing == arguments.output:
        raise ValueError("-o and --timing name the same file: choose another one")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager's Ctrl-C
    start = cast(Literal["next", "oldest", "keyframe"], _STARTS[arguments.start])
    with ExitStack() as stack:
        listener = None
        if arguments.audio is not None:  # first of all: while the first sound is waited for, pictures would be missed
            sound = Consumer(arguments.audio, start="oldest", reconnect=arguments.reconnect)
            listener = Listener(stack.enter_context(sound))
        stream = stack.enter_context(Consumer(arguments.ring, start=start, resync=True, reconnect=arguments.reconnect))
        recording = Recording(stream.ring, arguments.output, timing=arguments.timing)
        recording.sound_ring = sound.ring if listener else None
        sinks = _open_sinks(recording, arguments.force, listener.first if listener else None)
        failure = _record_all(stream, listener, sinks, recording, arguments)
    if arguments.json:
        print_json(recording)
    else:
        print(_summary(recording), file=sys.stderr)
    if failure is not None:
        complain(f"{failure.filename or recording.file}: {_tell(failure)}")
    if not recording.frames:
        _remove_empty(recording.file)
        if recording.timing is not None:
            _remove_empty(recording.timing)
    missed = recording.missed or recording.sound_missed
    found = failure is not None or missed or recording.ended == "died" or not recording.frames
    return Exit.FINDING if found else Exit.HEALTHY


def _tell(failure: OSError) -> str:
    told = failure.strerror or str(failure)
    if failure.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        told += ": what is in the file plays; free some space, or record to another disk"
    return told


def _remove_empty(name: str) -> None:
    """So that the next try does not find a file that is there."""
    path = Path(name)
    if path.is_file() and path.stat().st_size == 0:
        path.unlink()


def _summary(recording: Recording) -> str:
    gaps = f", {recording.missed} frames missed in {recording.gaps} gaps" if recording.gaps else ""
    why = {"closed": "the writer closed the ring", "died": "the writer died"}.get(recording.ended)
    ended = f"; {why}" if why else ""
    size, seconds = units.size(recording.bytes), units.seconds(recording.seconds)
    if recording.sound_ring is not None:
        lost = f", {recording.sound_missed} missed" if recording.sound_missed else ""
        ended = f"; {recording.sound_frames} frames of sound{lost}{ended}"
    return f"{recording.ring} -> {recording.file}: {recording.frames} frames, {size}, {seconds}{gaps}{ended}"


VERB = Verb("record", "a stream into a file: raw, .mp4 or .mkv", add_arguments, run)
