# SPDX-License-Identifier: Apache-2.0
"""What vshm prints: text for people, in colours where their terminal has some, and JSON where it is asked for."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO
from unicodedata import combining, east_asian_width

from ..limits import explain
from .disk_advice import disk_advice


def printable(text: object) -> str:
    """Text of unknown origin (names of rings, of processes); what would drive a terminal is shown escaped: \\x1b."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in str(text))


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # a byte of a file's name that is no text
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def plain(value: object) -> Any:
    """What json takes: dataclasses become objects, enums their names in lower case, paths text."""
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
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def print_json(value: object) -> None:
    """One JSON document on one line."""
    print(json.dumps(plain(value)), flush=True)


def is_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def can_redraw(stream: TextIO) -> bool:
    """Whether what a stream shows can be shown anew in its place: it is a terminal, and one that moves its cursor.

    Emacs and many a serial console say TERM=dumb, or nothing.
    """
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def shows_colours() -> bool:
    """Whether stdout is a terminal that has some, and its user wants them: https://no-color.org."""
    return can_redraw(sys.stdout) and not os.environ.get("NO_COLOR")


def say(text: object, end: str = "\n") -> None:
    """A line for people, on stderr; nothing where that is gone, as a terminal that was closed is."""
    with suppress(OSError):
        print(text, end=end, file=sys.stderr, flush=True)


def let_go_of_output() -> None:
    """What can't be printed any more, since whoever read it is gone, shall not be tried at the interpreter's end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # Python keeps it, and would try again, and exit with 120
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def width_of(text: str) -> int:
    """Columns that printable text takes on a terminal: Chinese letters, for one, take two each, and accents none."""
    return len(text) if text.isascii() else sum(map(_width_of, text))


def _width_of(letter: str) -> int:
    return 0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1


def cut(text: str, width: int) -> str:
    """As much of printable text as fits into so many columns."""
    if width_of(text) <= width:
        return text
    taken = 0
    for at, letter in enumerate(text):
        taken += _width_of(letter)
        if taken > width - 1:
            return f"{text[:at]}…"
    return text


def painted(text: str, style: str) -> str:
    """In a style of rich's, such as "bold red", where stdout has colours and rich is installed; elsewhere as it is."""
    if not style or not shows_colours():
        return text
    try:
        from rich.color import ColorSystem
        from rich.style import Style
    except ImportError:
        return text
    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)


def counted(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count} {noun}{'' if count == 1 else 's' if not noun.endswith('s') else 'es'}"


def describe(error: object) -> str:
    """An error for people: of which ring or file, what happened and what to do."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        advice = disk_advice(error)
        error = f"{where}{explain(error) or error.strerror}{f': {advice}' if advice else ''}"
    return printable(error)


def complain(error: object, program: str = "vshm") -> None:
    """An error, for people, on stderr: what happened and what to do."""
    say(f"{program}: {describe(error)}")
