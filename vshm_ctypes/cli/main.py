# SPDX-License-Identifier: Apache-2.0
"""The vshm command: runs the verb, and turns an error into a message and an exit code."""

from __future__ import annotations

import importlib
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from .._command import ends_with
from ..commandline.ending import heeding
from ..commandline.extras import remedy
from ..commandline.output import complain
from ..commandline.standard_output import named_output
from ..commandline.verb import Exit, Verb, parser_of
from ..descriptors import open_standard_streams
from ..errors import ProducerNotRunning, VideoShmError
from ..limits import explain, keep_to_own_threads
from .sigbus import tell_of_faults

VERBS = ("demo", "list", "show", "watch", "record", "check", "plot", "serve", "export", "bundle", "completion")

EPILOG = "exit codes: 0 healthy, 1 finding or failure, 2 usage error, 3 no such ring, 130 interrupted"


def verbs() -> list[Verb]:
    """Return all verbs, each from the module of its name."""
    return [importlib.import_module(f".{name}", __package__).VERB for name in VERBS]


def build_parser() -> ArgumentParser:
    """Return the parser of the whole command line."""
    common = ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="JSON for programs instead of text for people")
    return parser_of("vshm", "Inspect, watch and record video rings in shared memory.", verbs(), EPILOG, [common])


def main(words: Sequence[str] | None = None) -> int:
    """Run vshm with the given arguments, or sys.argv, and return the exit code. A usage error raises SystemExit."""
    open_standard_streams()
    keep_to_own_threads()
    with named_output("vshm"):
        try:
            with heeding():
                return ends_with(_run(words))
        except KeyboardInterrupt:  # also a request that comes while heeding() is entered
            return ends_with(Exit.INTERRUPTED)


def _run(words: Sequence[str] | None) -> int:
    arguments = build_parser().parse_args(words)
    tell_of_faults()
    try:
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
