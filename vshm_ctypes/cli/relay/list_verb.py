# SPDX-License-Identifier: Apache-2.0
"""vshm relay list: lists what is exported on the network."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING

from ...codec import codec_name
from ...commandline.output import complain, describe, print_json
from ...commandline.table import print_table
from ...commandline.verb import Exit, positive
from ...printable import printable
from . import network
from .clock import Clock, Offset
from .clock_link import FIRST, ask
from .directory import MOST_RUNS
from .keys import Export, any_export
from .mirror import ask_about
from .wire import About, Refused

if TYPE_CHECKING:
    import zenoh

SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Found:
    """A ring that is exported.

    Attributes:
        source: BOARD/RING.
        run: which run of it.
        about: what its exporter tells; None if it did not answer.
        clock: how its clock differs from ours; None if it did not answer.
    """

    source: str
    run: str
    about: About | None
    clock: Offset | None


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-t", "--seconds", type=positive, default=SECONDS, metavar="S", help="look for S seconds (default: 2)"
    )
    network.add_arguments(parser, "none; without any of these, connects to an exporter on this machine")


def run(arguments: Namespace) -> int:
    """Return 0; 1: nothing is exported, or the network can't be used."""
    session = network.open_session(arguments, listen=[], connect=[network.HERE])
    try:
        found = [_look(session, export) for export in _exports(session, arguments.seconds)]
    finally:
        network.close_session(session)
    if arguments.json:
        print_json({"exports": [_told(one) for one in found]})
    elif found:
        print_table(("EXPORT", "STREAM", "SLOTS", "SLOT SIZE", "CLOCK"), [_row(one) for one in found])
    else:
        complain(f"nothing is exported at {network.far_of(arguments, network.HERE)}: start vshm relay export there")
    return Exit.HEALTHY if found else Exit.FINDING


def _exports(session: zenoh.Session, seconds: float) -> list[Export]:
    """Return what has a token, as soon as there is one that answers, or after that many seconds."""
    found: set[Export] = set()
    deadline = monotonic() + seconds
    while monotonic() < deadline and not found:
        for reply in session.liveliness().get(any_export(), timeout=max(deadline - monotonic(), 0.1)):
            try:
                if reply.ok is not None and len(found) < MOST_RUNS:
                    found.add(Export.of(str(reply.ok.key_expr)))
            except ValueError:  # a stranger's token
                continue
    return sorted(found)


def _look(session: zenoh.Session, export: Export) -> Found:
    clock, about = Clock(), None
    try:
        about = ask_about(session, export)
    except (Refused, TimeoutError) as error:
        complain(describe(error))
    else:
        for trip in (ask(session, export) for _ in range(FIRST)):
            if trip is not None:
                clock.add(trip)
    return Found(printable(export.source), export.run, about, clock.estimate(monotonic_ns()))


def _told(found: Found) -> dict[str, object]:
    about = found.about
    told: dict[str, object] | None = None
    if about is not None:  # by name, as vshm list tells it; sound has no picture's sides
        codec = None if about.codec is None else codec_name(about.codec)
        told = about._asdict() | {"codec": codec}
        if about.media:
            told |= dict.fromkeys(("width", "height", "fps"))
    return {"source": found.source, "run": found.run, "about": told, "clock": found.clock}


def _row(found: Found) -> list[str]:
    about, clock = found.about, found.clock
    if about is None:
        return [found.source, "does not answer", "", "", ""]
    stream = "" if about.codec is None else codec_name(about.codec)
    if about.codec is not None and not about.media:
        stream += f" {about.width}x{about.height}@{about.fps}"
    told = "" if clock is None else f"{clock.offset_ns / 1e9:+.6f} s ± {clock.uncertainty_ns / 1e6:.3f} ms"
    return [found.source, stream, str(about.slots), str(about.slot_size), told]
