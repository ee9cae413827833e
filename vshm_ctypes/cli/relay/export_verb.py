# SPDX-License-Identifier: Apache-2.0
"""vshm relay export: publishes rings of this machine."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import ExitStack

from ...bridges.figures import Link
from ...bridges.publication import Shown
from ...bridges.report import report_until, tell_end
from ...commandline.ending import End, heeding
from ...commandline.output import complain, counted, say
from ...commandline.shell_completions import COMPLETE_RING, completed
from ...commandline.verb import Exit, positive
from ...printable import printable, shell_word
from ...rings import ring_name
from . import network
from .exporting import RingExport
from .figures import RelayStatistics
from .keys import Source, board_name, exportable


def add_arguments(parser: ArgumentParser) -> None:
    text = "channel number, NAME or /NAME (default: /video_stream)"
    completed(parser.add_argument("ring", nargs="*", metavar="RING", help=text), COMPLETE_RING)
    parser.add_argument("--board", metavar="NAME", help="what others call this machine (default: its host name)")
    parser.add_argument("-t", "--seconds", type=positive, metavar="S", help="end after S seconds")
    network.add_arguments(parser, f"{network.HERE}, for programs of this machine only")


def run(arguments: Namespace) -> int:
    """Export until Ctrl-C or SIGTERM. Returns 0; 1 if the network can't be used."""
    board = board_name(arguments.board)
    sources = [exportable(Source(board, name)) for name in dict.fromkeys(map(ring_name, arguments.ring or [None]))]
    statistics = RelayStatistics("relay export", network.far_of(arguments, network.HERE), [one.ring for one in sources])
    end = End()
    with ExitStack() as stack:
        stack.enter_context(heeding(end.set))
        session = network.open_session(arguments, listen=[network.HERE], connect=[])
        stack.callback(network.close_session, session)
        exports = []
        for source, counts in zip(sources, statistics.streams, strict=True):
            exports.append(RingExport(session, source, counts, complain))
            stack.callback(exports[-1].close)

        def look() -> tuple[tuple[str, ...], tuple[int, ...], None]:
            importers = tuple(one.importers for one in exports)
            statistics.show(Link.UP if any(importers) else Link.CONNECTING)
            return tuple(map(printable, sources)), importers, None

        statistics.look = look
        if not arguments.json:
            say(f"exporting {counted(len(sources), 'ring')} at {network.far_of(arguments, network.HERE)}:")
            for source in sources:
                say(f"  vshm relay import {shell_word(source)}")
        shown = stack.enter_context(Shown(statistics))
        report_until(end, statistics, shown, as_json=arguments.json, seconds=arguments.seconds)
    statistics.end()
    tell_end(statistics.figures(), as_json=arguments.json)
    return Exit.HEALTHY
