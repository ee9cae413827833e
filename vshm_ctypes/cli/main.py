# SPDX-License-Identifier: Apache-2.0
"""The vshm command: runs the verb, and turns an error into a message and an exit code."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from .._command import ends_with
from ..commandline.ending import heeding
from ..commandline.extras import remedy
from ..commandline.output import complain
from ..commandline.own_module import run_if_told
from ..commandline.quitting import put_away_when_quit
from ..commandline.standard_output import named_output
from ..commandline.verb import Exit, Verb, VerbParser, parser_of
from ..descriptors import open_standard_streams
from ..errors import ProducerNotRunning, VideoShmError
from ..limits import explain, keep_to_own_threads
from .sigbus import tell_of_faults

VERBS = (
    Verb("demo", "stream a test picture, and play it in a browser", ".demo"),
    Verb("list", "list every ring on the machine: stream, writer, readers", ".list"),
    Verb("show", "show one ring: header, geometry, counters, slots", ".show"),
    Verb("watch", "watch one ring live, or all of them: rate, latency, missed frames", ".watch.verb"),
    Verb("record", "record a stream into a file; the ending of its name chooses the kind", ".record.verb"),
    Verb("publish", "publish rings to a server or an NVR: RTSP, SRT, MPEG-TS", ".publish.verb"),
    Verb("check", "find faults: rings, writers, readers, leftovers, machine", ".check.verb"),
    Verb("plot", "draw a log of vshm watch --log: a picture, or a sketch in the terminal", ".plot.verb"),
    Verb("serve", "serve a page with the rings, live: picture, rates, latency, readers, board", ".serve"),
    Verb("relay", "make rings of another machine rings of this one, over Zenoh", ".relay.verb"),
    Verb(
        "export",
        "export metrics: OpenMetrics over HTTP, or a text file for node-exporter",
        ".export.verb",
    ),
    Verb(
        "bundle",
        "pack what helps to find a fault into one file, or show such a file as a page",
        ".bundle.verb",
    ),
    Verb("completion", "print a shell's completion script", ".completion"),
)

EPILOG = "exit codes: 0 healthy, 1 finding or failure, 2 usage error, 3 no such ring, 130 interrupted"


def build_parser(whole: bool = False) -> ArgumentParser:
    """Return the parser of the command line. whole: with the arguments of all verbs, which are loaded for that."""
    common = VerbParser(add_help=False)
    common.add_argument("--json", action="store_true", help="JSON for programs instead of text for people")
    return parser_of(
        __package__,
        "vshm",
        "Inspect, watch and record video rings in shared memory.",
        VERBS,
        EPILOG,
        [common],
        whole=whole,
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run vshm with the given arguments, or sys.argv, and return the exit code. A usage error raises SystemExit."""
    open_standard_streams()
    run_if_told()  # where another freezer than PyInstaller has made this program
    keep_to_own_threads()
    with named_output("vshm"):
        try:
            with heeding():
                return ends_with(_run(words))
        except KeyboardInterrupt:  # also a request that comes while heeding() is entered
            return ends_with(Exit.INTERRUPTED)


def _run(words: Sequence[str] | None) -> int:
    tell_of_faults()
    put_away_when_quit()
    try:
        arguments = build_parser().parse_args(words)  # which loads the verb
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except ProducerNotRunning as error:
        complain(error)
        return Exit.NO_RING
    except ValueError as error:
        complain(error)
        return Exit.USAGE
    except BrokenPipeError:  # the reader of our output has closed it
        return Exit.HEALTHY
    except (VideoShmError, OSError) as error:
        complain(error)
        return Exit.FINDING
    except (MemoryError, RuntimeError, ImportError) as error:
        told = (remedy(error) if isinstance(error, ModuleNotFoundError) else None) or explain(error)
        if told is None:
            raise
        complain(told)
        return Exit.FINDING
