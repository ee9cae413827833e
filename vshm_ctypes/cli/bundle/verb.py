# SPDX-License-Identifier: Apache-2.0
"""vshm bundle: packs everything that helps to find a fault into one file to send, and renders such a file as a page."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ...bundles.archive import ENDING, Writer
from ...bundles.members import KINDS, MANIFEST, VERSION, kind_of
from ...commandline.ending import held
from ...commandline.output import can_redraw, complain, counted, print_json, say_over, tell
from ...commandline.place import check_place
from ...commandline.table import print_table
from ...commandline.verb import Exit, positive
from ...errors import VideoShmError
from ...inspect import list_rings
from .. import units
from .contents import contents
from .streams import capture

MEASURE_S = 0.5


def add_arguments(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"make a bundle, such as case{ENDING}")
    what.add_argument("--open", type=Path, metavar="FILE", help="render a bundle as a page, FILE.html")
    what.add_argument("--what", action="store_true", help="list what a bundle contains, without making one")
    parser.add_argument("--no-video", action="store_true", help="leave out pictures and sound")
    parser.add_argument(
        "--seconds", type=positive, default=10.0, metavar="S", help="capture S seconds of each stream (default: 10)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def _progress(seconds: float, rings: int) -> Callable[[float], None]:
    if not can_redraw(sys.stderr):
        return lambda share: None

    def told(share: float) -> None:
        say_over(f"{share * seconds:.0f} of {seconds:.0f} s of {counted(rings, 'stream')}" if share < 1 else "")

    return told


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Put the file's name into errors of functions that do not know it."""
    try:
        yield
    except OSError as error:
        if error.filename is None and not isinstance(error, VideoShmError):
            error.filename = str(path)
        raise


def _make(path: Path, seconds: float, video: bool, force: bool) -> list[tuple[str, int]]:
    check_place(path, force)
    rings = list(list_rings())
    with _named(path), held() as hold, ExitStack() as pictures, Writer(path, force) as bundle, hold.lifted():
        streams = capture(rings, seconds, video, path.parent, _progress(seconds, len(rings)))
        for stream in streams:
            if stream.picture is not None:
                pictures.enter_context(stream.picture)
        taken = [(member.name, bundle.add(member.name, member.content)) for member in contents(streams, MEASURE_S)]
        manifest = {
            "version": VERSION,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": seconds,
            "video": video,
            "members": {name: {"bytes": size, "what": KINDS[kind_of(name) or ""]} for name, size in taken},
        }
        text = json.dumps(manifest, indent=1).encode()
        return [*taken, (MANIFEST, bundle.add(MANIFEST, text))]


def _tell_kinds(as_json: bool) -> None:
    if as_json:
        print_json(KINDS)
    else:
        print_table(("MEMBER", "WHAT"), list(KINDS.items()))
        tell("no environment variables, and no other files")


def run(arguments: Namespace) -> int:
    """Return exit code 0, or 1 if FILE exists already, can't be written, or is not a bundle."""
    if arguments.what:
        _tell_kinds(arguments.json)
        return Exit.HEALTHY
    try:
        if arguments.open is not None:
            from .page import render

            page = render(arguments.open, arguments.force)
            print_json({"page": page}) if arguments.json else print(page)
            return Exit.HEALTHY
        if not arguments.output.name.endswith(ENDING):
            raise ValueError(f"{arguments.output}: its name must end with {ENDING}")
        taken = _make(arguments.output, arguments.seconds, not arguments.no_video, arguments.force)
    except ModuleNotFoundError as error:
        complain(f"a bundle needs {error.name}: pip install 'video-shm[cli]'")
        return Exit.FINDING
    if arguments.json:
        print_json({"file": arguments.output, "members": dict(taken)})
        return Exit.HEALTHY
    rows = [(name, units.size(size), KINDS[kind_of(name) or ""]) for name, size in taken]
    print_table(("MEMBER", "SIZE", "WHAT"), rows, right=("SIZE",))
    tell(f"{arguments.output}: {units.size(arguments.output.stat().st_size)}; nothing else was taken")
    return Exit.HEALTHY
