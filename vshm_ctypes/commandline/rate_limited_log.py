# SPDX-License-Identifier: Apache-2.0
"""Limits messages that strangers can provoke to one a minute, and counts the rest."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..limits import explain
from ..printable import printable

EVERY_S = 60.0
LONGEST_TEXT = 100
MOST_KINDS = 50


def in_a_line(error: BaseException) -> str:
    """Describe an unexpected error in one line: which limit of the host it comes from, or its type, text and place."""
    limit = explain(error)
    if limit is not None:
        return limit
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {first_line(error)}{where}"


def first_line(text: object) -> str:
    """Return the first line of foreign text, printable and not too long."""
    lines = str(text).splitlines() or [""]
    return printable(lines[0])[:LONGEST_TEXT]


class Seldom:
    """Passes lines to say at most once in every_s seconds. It may be called from any thread."""

    def __init__(self, say: Callable[[str], None], every_s: float = EVERY_S) -> None:
        self._say = say
        self._every_s = every_s
        self._lock = threading.Lock()
        self._next_s = 0.0
        self._held = 0

    def __call__(self, text: str) -> None:
        """Say the text, or count it if the last one was said too recently."""
        with self._lock:
            now_s = time.monotonic()
            if now_s < self._next_s:
                self._held += 1
                return
            held, self._held = self._held, 0
            self._next_s = now_s + self._every_s
        self._say(f"{text}; {held} such lines before were left out" if held else text)


class SeldomEach:
    """Does so for each kind of line by itself, so that none is lost for another. Those of a kind differ in numbers."""

    def __init__(self, say: Callable[[str], None], every_s: float = EVERY_S) -> None:
        self._say = say
        self._every_s = every_s
        self._lock = threading.Lock()
        self._kinds: dict[str, Seldom] = {}

    def __call__(self, text: str) -> None:
        """Say the text, or count it if the last one of its kind was said too recently."""
        kind = re.sub(r"[0-9]+", "", text)
        with self._lock:
            if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
                kind = ""  # the rest share one
            seldom = self._kinds.setdefault(kind, Seldom(self._say, self._every_s))
        seldom(text)
