# SPDX-License-Identifier: Apache-2.0
"""Prints what vshm says: text for people, in colours if the terminal has them, or JSON."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TextIO
from unicodedata import combining, east_asian_width

from ..descriptors import open_null
from ..limits import explain
from ..printable import printable, utf8
from .disk_advice import disk_advice


def utf8_throughout(value: Any) -> Any:
    """Return a JSON value with utf8() applied to all text in it, for readers that take no other."""
    if isinstance(value, dict):
        return {utf8(key): utf8_throughout(item) for key, item in value.items()}
    if isinstance(value, list):
        return [utf8_throughout(item) for item in value]
    return utf8(value) if isinstance(value, str) else value


def plain(value: object) -> Any:
    """Convert a value for JSON: dataclasses to objects, enums to names in lower case, paths to text, bytes to hex."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, enum.Enum):
        return value.name.lower() if value.name else value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def print_json(value: object) -> None:
    """Print a JSON document on one line."""
    print(json.dumps(plain(value)), flush=True)


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


# What programs set TERM to that know nothing of the terminal: Emacs, serial consoles, getty, telnetd.
_UNKNOWN = ("", "dumb", "unknown", "network", "dialup", "switch")


def can_redraw(stream: TextIO) -> bool:
    """Return whether the stream is a terminal that can move its cursor as we do, so that text can be redrawn."""
    return stream.isatty() and os.environ.get("TERM", "") not in _UNKNOWN and _takes_ansi()


@cache
def _takes_ansi() -> bool:
    """Return whether the terminal that TERM names takes the sequences of ECMA-48. Older ones, such as a VT52, do not.

    Those that the machine has no description of are newer than it, and do.
    """
    try:
        from _curses import error, setupterm, tigetstr
    except ImportError:  # the interpreter has been built without
        return True
    try:
        setupterm(fd=2)
        return (tigetstr("el") or b"").startswith(b"\x1b[K")
    except error:
        return True


def shows_colours() -> bool:
    """Return whether stdout is a terminal with colours, and its user wants them: https://no-color.org."""
    return can_redraw(sys.stdout) and not os.environ.get("NO_COLOR")


def tell(text: object, flush: bool = False) -> None:
    """Print a line on stdout, with control characters escaped."""
    print(printable(text), flush=flush)


def say(text: object) -> None:
    """Print a line on stderr, with control characters escaped.

    Nothing happens if stderr is gone, as a closed terminal is.
    """
    _to_stderr(f"{printable(text)}\n")


def say_over(text: object) -> None:
    """Print text on stderr, a terminal that can redraw, in place of what its last line has."""
    _to_stderr(f"\r{printable(text)}\x1b[K")


def _to_stderr(text: str) -> None:
    with suppress(OSError):
        print(text, end="", file=sys.stderr, flush=True)


def let_go_of_output() -> None:
    """Flush stdout and stderr, and redirect one that can't be written to /dev/null.

    Otherwise the interpreter would try again as it exits, and exit with 120.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # nobody reads it any more
            os.dup2(open_null(os.O_WRONLY), stream.fileno())


def width_of(text: str) -> int:
    """Return how many columns printable text takes on a terminal; Chinese characters take two, and accents none."""
    return len(text) if text.isascii() else sum(map(_width_of, text))


def _width_of(letter: str) -> int:
    return 0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Shorten printable text to width columns."""
    if width_of(text) <= width:
        return text
    taken = 0
    for at, letter in enumerate(text):
        taken += _width_of(letter)
        if taken > width - 1:
            return f"{text[:at]}…"
    return text


def painted(text: str, style: str) -> str:
    """Return text in a style of rich, such as "bold red"; unchanged if stdout has no colours or rich is missing."""
    if not style or not shows_colours():
        return text
    try:
        from rich.color import ColorSystem
        from rich.style import Style
    except ImportError:
        return text
    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)


def counted(count: int, noun: str) -> str:
    """Return the count and the noun, in the plural unless count is 1."""
    return f"{count} {noun}{'' if count == 1 else 's' if not noun.endswith('s') else 'es'}"


def describe(error: object) -> str:
    """Return an error as text: the ring or file, what happened, and what to do."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        advice = disk_advice(error)
        error = f"{where}{explain(error) or error.strerror}{f': {advice}' if advice else ''}"
    return printable(error)


def complain(error: object, program: str = "vshm") -> None:
    """Print an error on stderr."""
    say(f"{program}: {describe(error)}")
