# SPDX-License-Identifier: Apache-2.0
"""What verbs are made of: their arguments, exit codes, and the command line that chooses one of them."""

from __future__ import annotations

import enum
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from .. import __version__
from ..printable import printable
from .shell_completions import COMPLETE_RING, completed


class Exit(enum.IntEnum):
    """Exit codes, the same for all verbs."""

    HEALTHY = 0
    FINDING = 1
    USAGE = 2
    NO_RING = 3
    INTERRUPTED = 130  # 128 + SIGINT, as in shells


class Verb(NamedTuple):
    """A verb.

    Attributes:
        name: what is typed.
        help: what it does, in a line.
        module: the module, relative to the command's package, that has its add_arguments(parser), and its
            run(arguments), which is given the parsed arguments and returns an exit code.
        aliases: its older names.
    """

    name: str
    help: str
    module: str
    aliases: tuple[str, ...] = ()


class Parser(ArgumentParser):
    """A parser that escapes the control characters of what was typed where it complains about that."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


class VerbParser(Parser):
    """The parser of one verb, whose module is loaded when it is used: all of them take ten times as long as one."""

    def __init__(self, *words: Any, load: Callable[[], Any] | None = None, **more: Any) -> None:
        super().__init__(*words, **more)
        self._load = load
        self._is_intermixing = False

    def load(self) -> None:
        """Add the verb's arguments. A second call does nothing."""
        if self._load is not None:
            verb, self._load = self._load(), None
            verb.add_arguments(self)
            self.set_defaults(run=verb.run)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Load the verb, and parse. Options may also stand between words of which there may be several.

        Not before a --, behind which all are words: argparse's own way for the former takes those for options.
        """
        self.load()
        takes_several = any(one.nargs in ("*", "+") for one in self._get_positional_actions())
        if self._is_intermixing or not takes_several or "--" in (args or ()):
            return super().parse_known_args(args, namespace)
        self._is_intermixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)  # which comes here again
        finally:
            self._is_intermixing = False


def parser_of(
    package: str,
    name: str,
    description: str,
    verbs: Iterable[Verb],
    epilog: str,
    parents: Sequence[VerbParser] = (),
    *,
    whole: bool = False,
) -> ArgumentParser:
    """Return the parser of the command line of that name. package: from where verbs name their modules.

    epilog explains exit codes; parents have the arguments of every verb. whole: with those of all verbs, for shells.
    """
    parser = Parser(name, description=description, epilog=epilog)
    parser.add_argument("--version", action="version", version=f"{name} {__version__}")
    chooser = parser.add_subparsers(title="verbs", metavar="VERB", required=True, parser_class=VerbParser)
    for verb in verbs:
        one = chooser.add_parser(
            verb.name,
            aliases=verb.aliases,
            help=verb.help,
            description=verb.help,
            epilog=epilog,
            parents=parents,
            load=partial(import_module, verb.module, package),
        )
        if whole:
            one.load()
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


def add_seconds_argument(parser: ArgumentParser, default: float | None = 1.0) -> None:
    """Add the option that sets how long rates are measured. default: None for what the frames' own times tell."""
    told = "what the frames in the ring tell at once" if default is None else f"{default:g}"
    text = f"measure rates for S seconds (default: {told})"
    parser.add_argument("-s", "--seconds", type=positive, default=default, metavar="S", help=text)
