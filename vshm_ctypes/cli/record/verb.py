# SPDX-License-Identifier: Apache-2.0
"""vshm record: records a stream into a file that any player opens."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal, cast

from ...codec import codec_name
from ...commandline.disk_advice import disk_advice
from ...commandline.ending import heeding, held
from ...commandline.output import complain, counted, is_terminal, print_json, say
from ...commandline.place import check_place
from ...commandline.shell_completions import COMPLETE_FILE, COMPLETE_RING, completed
from ...commandline.standard_output import OutputError
from ...commandline.verb import Exit, add_ring_argument, positive
from ...frame import Frame
from ...rings import AUDIO, ring_name
from .. import units
from ..public_reader import public_reader
from ..survey import codecs_now
from .container_sink import load_av
from .file_kinds import CONTAINERS, PICTURES, RAW, kind_of, misfit
from .files import Files, opened
from .progress import progress
from .recorder import Recorder
from .recording import Recording
from .sound_reader import Listener
from .timing import TimingSink

# Wherever it starts, the first frame in the file is a keyframe, because of resync.
_STARTS = {"keyframe": "keyframe", "now": "next", "oldest": "oldest"}
PATIENCE_S = 3.0  # at the end, with a pipe that nobody reads


def whole(text: str) -> int:
    """Parse a count on the command line. Raises ArgumentTypeError if it is less than 1."""
    count = int(text)
    if count < 1:
        raise ArgumentTypeError(f"{text}: must be 1 or more")
    return count


def add_arguments(parser: ArgumentParser) -> None:
    add_ring_argument(parser)
    output = (
        f"file; the ending of its name chooses the kind: {', '.join(CONTAINERS)} (with PyAV), or raw: "
        f"{', '.join(RAW)}, or no ending; - is stdout, raw"
    )
    completed(parser.add_argument("-o", "--output", required=True, metavar="FILE", help=output), COMPLETE_FILE)
    parser.add_argument("-c", "--count", type=whole, metavar="N", help="end after N frames")
    parser.add_argument("-t", "--seconds", type=positive, metavar="S", help="end after S seconds")
    start = "first frame: the ring's last keyframe (default), the next keyframe, or the oldest keyframe in the ring"
    parser.add_argument("--from", dest="start", choices=tuple(_STARTS), default="keyframe", help=start)
    parser.add_argument("--reconnect", action="store_true", help="go on with the next writer when this one ends")
    audio = "also record the sound of this ring (.mp4, .mkv, .mov, .ts; default: /audio_stream)"
    completed(parser.add_argument("--audio", nargs="?", const=AUDIO, metavar="RING", help=audio), COMPLETE_RING)
    timing = "also write when each frame was published, and its size, as JSON lines for hil gate --replay"
    completed(parser.add_argument("--timing", metavar="FILE", help=timing), COMPLETE_FILE)
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def _open_files(recording: Recording, force: bool, sound: Frame | None) -> tuple[Files, TimingSink | None]:
    """Open the recording's files, all or none of them. Raises SinkError, OSError."""
    files = Files(recording.file, force, sound)
    if recording.timing is None:
        return files, None
    try:
        return files, opened(TimingSink, recording.timing, force)
    except BaseException:
        files.close()
        _remove_empty(recording.file)
        raise


@contextmanager
def _files_of(recording: Recording, force: bool, sound: Frame | None) -> Iterator[tuple[Files, TimingSink | None]]:
    """Open the files, and remove them at the end if nothing was recorded. Use this within held()."""
    files, timing = _open_files(recording, force, sound)
    try:
        yield files, timing
    finally:
        if not recording.frames:
            for name in (*files.names, *([recording.timing] if recording.timing is not None else [])):
                _remove_empty(name)


def _check(arguments: Namespace) -> str:
    """Check the arguments, and return the muxer of the file. Raises ValueError, OSError, before anything is touched."""
    if not arguments.output:
        raise ValueError("-o: the name is empty")
    kind = kind_of(arguments.output)
    if arguments.json and arguments.output == "-":
        raise ValueError("--json and -o - both want stdout: choose a file")
    if arguments.output == "-" and is_terminal():
        raise ValueError("-o -: stdout is a terminal: redirect it into a pipe, or choose a file")
    if arguments.timing == arguments.output:
        raise ValueError("-o and --timing name the same file: choose another one")
    if arguments.audio is not None and not any(kind.muxer and kind.takes(codec) for codec in PICTURES):
        both = "pictures and sound go together into .mp4, .mkv, .mov and .ts"
        raise ValueError(f"{arguments.output}: --audio: {both}; sound alone is recorded from its own ring")
    rings = [arguments.ring, *([arguments.audio] if arguments.audio is not None else [])]
    for ring in rings:
        codecs = codecs_now(ring)
        has = f"{ring_name(ring)} has {', '.join(sorted(map(codec_name, codecs)))}"
        if codecs and not any(kind.takes(codec) for codec in codecs):
            raise ValueError(f"{arguments.output}: {has}, and {misfit(arguments.output, max(codecs))}")
        if ring is not arguments.ring and codecs & {*PICTURES}:
            raise ValueError(f"{has}: pictures, and --audio wants sound")
    for name in (arguments.output, arguments.timing):
        if name is not None and name != "-":
            check_place(Path(name))
    return kind.muxer


def run(arguments: Namespace) -> int:
    """Exit 0; 1: frames were missed, the writer died, the disk is full, or nothing was recorded."""
    muxer = _check(arguments)
    if muxer:
        load_av(arguments.output)  # it takes its time, in which a full ring's oldest frames would be overwritten
    start = cast(Literal["next", "oldest", "keyframe"], _STARTS[arguments.start])
    with ExitStack() as stack:
        # Likewise: what draws the bar is loaded.
        advance = stack.enter_context(progress(arguments.count, arguments.seconds, quiet=arguments.json))
        listener = None
        if arguments.audio is not None:  # first of all: while the first sound is waited for, pictures would be missed
            sound = public_reader(arguments.audio, start="oldest", reconnect=arguments.reconnect)
            listener = Listener(stack.enter_context(sound))
        pictures = public_reader(arguments.ring, start=start, resync=True, reconnect=arguments.reconnect)
        stream = stack.enter_context(pictures)
        recording = Recording(stream.ring, arguments.output, timing=arguments.timing)
        recording.sound_ring = sound.ring if listener else None
        files_of = _files_of(recording, arguments.force, listener.first if listener else None)
        with held() as hold, files_of as (files, timing), hold.lifted():
            recorder = Recorder(stream, recording, files, timing, listener)
            with heeding(stream.interrupt, patience_s=PATIENCE_S):
                failure = recorder.record(arguments.count, arguments.seconds, advance)
            stack.close()
            if failure is not None:
                with suppress(OSError):  # the disk is gone altogether, and what it holds can't be known
                    recorder.recount()
                complain(failure if isinstance(failure, OutputError) else _tell(failure, recording))
    if arguments.json:
        print_json(recording)
    else:
        say(_summary(recording))
    missed = recording.missed or recording.cut or recording.sound_missed
    found = failure is not None or missed or recording.ended == "died" or not recording.frames
    return Exit.FINDING if found else Exit.HEALTHY


def _tell(failure: OSError, recording: Recording) -> str:
    advice = disk_advice(failure)
    told = f"{failure.filename or recording.files[-1]}: {failure.strerror or failure}"
    return f"{told}: {'what is in the file plays; ' if recording.frames else ''}{advice}" if advice else told


def _remove_empty(name: str) -> None:
    path = Path(name)
    if path.is_file() and path.stat().st_size == 0:
        path.unlink()


def _summary(recording: Recording) -> str:
    missed, gaps = counted(recording.missed, "frame"), counted(recording.gaps, "gap")
    lost = f", {missed} missed in {gaps}" if recording.gaps else ""
    why = {"closed": "the writer closed the ring", "died": "the writer died"}.get(recording.ended)
    ended = f"; {why}" if why else ""
    size, seconds = units.size(recording.bytes), units.seconds(recording.seconds)
    if recording.sound_ring is not None:
        sound_lost = f", {recording.sound_missed} missed" if recording.sound_missed else ""
        ended = f"; {counted(recording.sound_frames, 'frame')} of sound{sound_lost}{ended}"
    frames, files = counted(recording.frames, "frame"), ", ".join(recording.files)
    return f"{recording.ring} -> {files}: {frames}, {size}, {seconds}{lost}{ended}"
