# SPDX-License-Identifier: Apache-2.0
"""vshm relay import: makes rings of other machines here."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import ExitStack

from ...bridges.figures import Link, StreamFigures
from ...bridges.publication import Shown
from ...bridges.report import report_until
from ...commandline.ending import End, heeding
from ...commandline.output import complain, counted, print_json, say
from ...commandline.verb import Exit, positive
from ...printable import printable
from ...rings import ring_name
from . import network
from .clock import Offset
from .figures import RelayStatistics
from .importing import RingImport
from .keys import Source, source_of

MOST_MEMORY_MIB = 512.0


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", nargs="+", metavar="BOARD/RING", help="what to import; vshm relay list shows it")
    name = "name of the ring here: channel number, NAME or /NAME (default: as on the other machine)"
    parser.add_argument("--as", dest="name", metavar="NAME", help=name)
    memory = f"refuse a ring of more than MIB mebibytes (default: {MOST_MEMORY_MIB:g})"
    parser.add_argument("--most-memory", type=positive, default=MOST_MEMORY_MIB, metavar="MIB", help=memory)
    parser.add_argument("-t", "--seconds", type=positive, metavar="S", help="end after S seconds")
    network.add_arguments(parser, "none; without any of these, connects to an exporter on this machine")


def _rings(sources: list[Source], name: str | None) -> list[str]:
    """Return the names here. Raises ValueError."""
    if name is None:
        rings = [source.ring for source in sources]
    elif len(sources) > 1:
        raise ValueError("--as names one ring: import one BOARD/RING only, or each by a vshm of its own")
    else:
        rings = [ring_name(name)]
    if len(set(rings)) < len(rings):
        raise ValueError(f"{' '.join(map(printable, sources))}: two rings of one name: import one of them with --as")
    return rings


def run(arguments: Namespace) -> int:
    """Import until Ctrl-C or SIGTERM. Returns 0; 1: nothing was written, or the network can't be used."""
    sources = list(dict.fromkeys(map(source_of, arguments.source)))
    rings = _rings(sources, arguments.name)
    statistics = RelayStatistics("relay import", network.far_of(arguments, network.HERE), rings)
    end = End()
    with ExitStack() as stack:
        stack.enter_context(heeding(end.set))
        session = network.open_session(arguments, listen=[], connect=[network.HERE])
        stack.callback(network.close_session, session)
        imports = []
        for source, ring, counts in zip(sources, rings, statistics.streams, strict=True):
            most_bytes = int(arguments.most_memory * 2**20)
            imports.append(RingImport(session, source, ring, most_bytes, counts, complain))
            stack.callback(imports[-1].close)

        def look() -> tuple[tuple[str, ...], None, tuple[Offset | None, ...]]:
            statistics.show(Link.UP if any(one.connected for one in imports) else Link.CONNECTING)
            return tuple(map(printable, sources)), None, tuple(one.offset() for one in imports)

        statistics.look = look
        shown = stack.enter_context(Shown(statistics))
        report_until(end, statistics, shown, as_json=arguments.json, seconds=arguments.seconds)
    statistics.end()
    figures = statistics.figures()
    if arguments.json:
        print_json(figures)
    else:
        for source, told in zip(sources, figures.streams, strict=True):
            say(f"{source} -> {told.ring}: {_summary(told)}")
    return Exit.HEALTHY if any(told.sent for told in figures.streams) else Exit.FINDING


def _summary(told: StreamFigures) -> str:
    words = [f"{counted(told.sent, 'frame')} written, {told.sent_bytes / 1e6:.1f} MB"]
    if told.missed:
        words.append(f"{told.missed} lost on the way")
    causes = [f"{count} {cause.replace('_', ' ')}" for cause, count in sorted((told.dropped or {}).items())]
    if causes:
        words.append(f"dropped: {', '.join(causes)}")
    if told.p50_ms is not None:
        words.append(f"{told.p50_ms:g} ms since the publication there (p50), {told.p99_ms:g} ms (p99)")
    return ", ".join(words)
