# SPDX-License-Identifier: Apache-2.0
"""What verbs are made of: their arguments, exit codes, and the command line that chooses one of them."""

from __future__ import annotations

import enum
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .. import __version__
from .shell_completions import COMPLETE_RING, completed


class Exit(enum.IntEnum):
    """Exit codes, the same for all verbs."""

    HEALTHY = 0
    FINDING = 1
    USAGE = 2
    NO_RING = 3
    INTERRUPTED = 130  # 128 + SIGINT, as in shells


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb. run takes the parsed arguments, json among them, and returns an exit code. aliases are older names."""

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    aliases: tuple[str, ...] = ()


def parser_of(
    name: str, description: str, verbs: Iterable[Verb], epilog: str, parents: Sequence[ArgumentParser] = ()
) -> ArgumentParser:
    """Return the parser of a command line. epilog explains exit codes; parents have the arguments of every verb."""
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
    """Add the optional argument RING. default tells what is meant without it."""
    text = f"channel number, NAME or /NAME (default: {default})"
    completed(parser.add_argument("ring", nargs="?", metavar="RING", help=text), COMPLETE_RING)


def positive(text: str) -> float:
    """Parse a number above zero. Raises ArgumentTypeError."""
    value = float(text)
    if not 0 < value < 1e9:
        raise ArgumentTypeError(f"{text}: must be a number above zero")
    return value


def port(text: str) -> int:
    """Parse a TCP port, of which 0 is any free one. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) > 65535:
        raise ArgumentTypeError(f"{text}: must be a port number from 0 to 65535")
    return int(text)


def add_seconds_argument(parser: ArgumentParser) -> None:
    """Add the option that sets how long rates are measured."""
    parser.add_argument(
        "-s", "--seconds", type=positive, default=1.0, metavar="S", help="measure rates for S seconds (default: 1)"
    )
