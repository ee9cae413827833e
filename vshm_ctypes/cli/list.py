# SPDX-License-Identifier: Apache-2.0
"""vshm list: lists every ring on the machine."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from ..commandline.extras import producer_advice
from ..commandline.output import counted, print_json, tell
from ..commandline.table import print_table
from ..commandline.verb import Exit, add_seconds_argument
from ..explained import tell_names
from ..inspect import list_rings
from ..processes import Process, Users, find_users
from ..rings import AUDIO, DEFAULT, DIRECTORY
from . import units
from .survey import Survey, survey

COLUMNS = ("RING", "CODEC", "STREAM", "FPS", "BITRATE", "GOP", "SLOTS", "WRITER", "AGE", "STATE", "READERS")
NUMBERS = ("FPS", "BITRATE", "GOP", "SLOTS", "AGE")
FIRST_TO_GO = ("SLOTS", "GOP", "AGE", "CODEC", "BITRATE", "WRITER", "READERS", "STREAM")
COLOURS = {"live": "green", "v1": "green", "closed": "yellow", "dead": "red"}


@dataclass(frozen=True, slots=True)
class ListedRing:
    """One line of the list."""

    survey: Survey
    readers: list[Process]


def add_arguments(parser: ArgumentParser) -> None:
    add_seconds_argument(parser, default=None)


def tell_process(process: Process) -> str:
    """Return pid and name, and (rw) for a writable mapping, as version 1 writers and readers have."""
    return f"{process.pid} {process.name}{' (rw)' if process.writes else ''}"


def tell_writer(ring: Survey) -> str:
    """Return the writer's pid and name; the name of a process in a container is not known."""
    if not ring.info.writer_pid:
        return units.DASH
    return f"{ring.info.writer_pid} {'(gone)' if ring.state == 'dead' else ring.writer_name or '?'}"


def tell_hidden(users: Users) -> str:
    """Return a note that some readers may not be shown."""
    return f"{counted(users.hidden, 'process')} of other users could not be examined: what they read is not shown"


def gop(ring: Survey) -> str:
    """Return the length of the GOP in frames; ">" and the number of slots if the ring has no keyframe."""
    if ring.gop is not None:
        return str(ring.gop)
    return f">{ring.info.slots}" if ring.gop_exceeds_ring else units.DASH


def _row(ring: ListedRing) -> list[str]:
    look = ring.survey
    return [
        look.name,
        look.codec or units.DASH,
        units.stream(look.width, look.height, look.audio),
        units.rate(look.fps),
        units.bits(look.bit_rate),
        gop(look),
        str(look.info.slots),
        tell_writer(look),
        units.seconds(look.age_s),
        look.state + (", stalled" if look.is_stalled else ""),
        ", ".join(map(tell_process, ring.readers)) or units.DASH,
    ]


def _style(column: str, cell: str) -> str:
    if column == "STATE":
        return "yellow" if "stalled" in cell else COLOURS.get(cell, "")
    return "bold" if column == "RING" else ""


def ring_json(ring: ListedRing) -> dict[str, object]:
    look = ring.survey
    return {
        "name": look.name,
        "state": look.state,
        "stalled": look.is_stalled,
        "codec": look.codec,
        "width": look.width,
        "height": look.height,
        "audio": look.audio,
        "fps": look.fps,
        "bit_rate": look.bit_rate,
        "gop": look.gop,
        "gop_exceeds_ring": look.gop_exceeds_ring,
        "keyframes": look.keyframes,
        "slots": look.info.slots,
        "slot_size": look.info.slot_size,
        "age_s": look.age_s,
        "writer": {"pid": look.info.writer_pid, "name": look.writer_name} if look.info.writer_pid else None,
        "readers": ring.readers,
        "info": look.info,
    }


def listed(names: list[str], seconds: float | None) -> tuple[list[ListedRing], Users]:
    """Return the surveys of these rings with their readers, and the users of all objects."""
    surveys = survey(names, seconds)
    users = find_users()
    return [ListedRing(look, users.readers_of(look.info)) for look in surveys], users


def named_as_rings() -> list[Path]:
    """Return the objects in /dev/shm with the usual names of rings, whether or not this user may read them."""
    usual = (DEFAULT[1:], AUDIO[1:])
    return sorted(path for path in Path(DIRECTORY).iterdir() if path.name.startswith(usual))


def unreadable() -> list[str]:
    """Return the names of objects named as rings that this user may not read."""
    return _unreadable_of(named_as_rings())


def perhaps_rings() -> list[str]:
    """Return the names of objects that this user may not read, and which may be rings of any name."""
    from .. import published  # which, as bridges, is not needed where rings are found
    from ..bridges import published as bridges

    ours = (".", "sem.", published.PREFIX, bridges.PREFIX)
    return _unreadable_of(sorted(path for path in Path(DIRECTORY).iterdir() if not path.name.startswith(ours)))


def _unreadable_of(paths: list[Path]) -> list[str]:
    return [f"/{path.name}" for path in paths if path.is_file() and not os.access(path, os.R_OK)]


def none_found() -> str:
    """Return what is told where no ring is seen."""
    if closed := perhaps_rings():
        return (
            f"no ring that this user may read: {tell_names(closed)} may be one: join its group (ls -l {DIRECTORY} "
            "shows it), or run as its producer's user"
        )
    return f"no ring: {producer_advice()}"


def run(arguments: Namespace) -> int:
    """Return exit code 0, or 3 if there is no ring."""
    rings, users = listed(list(list_rings()), arguments.seconds)
    closed = unreadable()
    if arguments.json:
        told = {"rings": [ring_json(ring) for ring in rings], "unreadable": closed, "hidden_processes": users.hidden}
        print_json(told)
    elif rings:
        print_table(COLUMNS, [_row(ring) for ring in rings], NUMBERS, FIRST_TO_GO, style=_style)
        if users.hidden:
            tell(tell_hidden(users))
    elif not closed:
        tell(none_found())
    if closed and not arguments.json:
        tell(f"this user may not read {', '.join(closed)}: vshm check says what to do")
    return Exit.HEALTHY if rings or closed else Exit.NO_RING
