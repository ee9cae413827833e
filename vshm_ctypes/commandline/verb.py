# SPDX-License-Identifier: Apache-2.0
"""What every verb is made of: its arguments, its run, and what its exit code means; and a command line of verbs."""

from __future__ import annotations

import enum
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .. import __version__
from .offers import COMPLETE_RING, completed


class Exit(enum.IntEnum):
    """Exit codes, the same for all verbs."""

    HEALTHY = 0
    FINDING = 1
    USAGE = 2
    NO_RING = 3
    INTERRUPTED = 130  # as a shell has it for Ctrl-C


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. run gets the parsed arguments (json among them) and returns an exit code. aliases: its older names."""

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    aliases: tuple[str, ...] = ()


def parser_of(
    name: str, description: str, verbs: Iterable[Verb], epilog: str, parents: Sequence[ArgumentParser] = ()
) -> ArgumentParser:
    """The parser of a whole command line. epilog: what its exit codes mean. parents: arguments that each verb takes."""
    parser = ArgumentParser(name, description=description, epilog=epilog)
    parser.add_argument("--version", action="version", version=f"{name} {__version__}")
    chooser = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in verbs:
        one = chooser.add_parser(
            verb.name, aliases=verb.aliases, help=verb.help, description=verb.help, epilog=epilog, parents=parents
        )
        verb.add_arguments(one)
        one.set_defaults(run=verb.run)
    return parser


def add_ring_argument(parser: ArgumentParser, default: str = "/video_stream") -> None:
    """The optional RING that most verbs take. default: what is meant without one."""
    text = f"channel number, NAME or /NAME (default: {default})"
    completed(parser.add_argument("ring", nargs="?", metavar="RING", help=text), COMPLETE_RING)


def positive(text: str) -> float:
    """Seconds on the command line: a number above zero."""
    value = float(text)
    if not 0 < value < 1e9:
        raise ArgumentTypeError(f"{text}: a number above zero")
    return value


def port(text: str) -> int:
    """A TCP port on the command line; 0 is any that is free."""
    if not text.isdecimal() or int(text) > 65535:
        raise ArgumentTypeError(f"{text}: a port is a number from 0 to 65535")
    return int(text)


def add_seconds_argument(parser: ArgumentParser) -> None:
    """How long rates are measured."""
    parser.add_argument(
        "-s", "--seconds", type=positive, default=1.0, metavar="S", help="measure rates for so long (default: 1)"
    )
