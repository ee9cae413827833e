# SPDX-License-Identifier: Apache-2.0
"""The vshm command: finds the verb, and turns what goes wrong into a message and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from .. import __version__
from ..errors import ProducerNotRunning, VideoShmError
from .output import complain
from .verb import Exit, Verb

VERBS = ("list", "show", "watch", "record", "check", "completion")

EPILOG = "exit: 0 healthy, 1 there is a finding, 2 usage, 3 no such ring, 130 interrupted"


def verbs() -> list[Verb]:
    """All verbs, each from the file of its name."""
    return [importlib.import_module(f".{name}", __package__).VERB for name in VERBS]


def build_parser() -> ArgumentParser:
    """The parser of the whole command line."""
    parser = ArgumentParser("vshm", description="Looks at video rings in shared memory.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"vshm {__version__}")
    chooser = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in verbs():
        one = chooser.add_parser(verb.name, help=verb.help, description=verb.help, epilog=EPILOG)
        one.add_argument("--json", action="store_true", help="JSON for programs instead of text for people")
        verb.add_arguments(one)
        one.set_defaults(run=verb.run)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run vshm with the given words, or those of the command line. Returns the exit code; usage errors exit with 2."""
    arguments = build_parser().parse_args(words)
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
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough; nothing more may be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.HEALTHY
    except (VideoShmError, OSError) as error:
        complain(error)
        return Exit.FINDING
