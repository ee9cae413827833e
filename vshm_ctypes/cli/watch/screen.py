# SPDX-License-Identifier: Apache-2.0
"""Lines that are shown over and over, on a screen of their own, which gives back what was shown before."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

from ...commandline.output import can_redraw

# As xterm has it, and what came after; a terminal that has but one screen passes over what it does not know.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """A context manager. Where the terminal can't, or it is not wanted, is_there is False, and nothing is done.

    Each show() begins at the top, so whatever a resize did to what was shown is gone with the next one. Who is stopped
    by Ctrl-Z leaves the shell its own screen, and what was shown is there again once it goes on.
    """

    def __init__(self, wanted: bool = True) -> None:
        self.is_there = wanted and can_redraw(sys.stdout)
        self._shown = ""
        self._heeds_stops = False
        self._before: Any = None  # what SIGTSTP did

    def __enter__(self) -> Self:
        if self.is_there:
            main = threading.current_thread() is threading.main_thread()
            self._heeds_stops = main and signal.getsignal(signal.SIGTSTP) != signal.SIG_IGN
            if self._heeds_stops:
                self._before = signal.signal(signal.SIGTSTP, self._stop)
            print(_ENTER, end="", flush=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_there:
            with suppress(OSError):  # the terminal is gone
                print(_LEAVE, end="", flush=True)
            if self._heeds_stops:
                signal.signal(signal.SIGTSTP, self._before)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Ctrl-Z. Past what print() has in its hands: it may be the very code that was interrupted."""
        with suppress(OSError):
            os.write(sys.stdout.fileno(), _LEAVE.encode())
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)  # SIGCONT lets it return
        with suppress(OSError):
            if os.tcgetpgrp(sys.stdout.fileno()) != os.getpgrp():  # gone on by bg: the screen is the shell's
                signal.raise_signal(signal.SIGTTOU)
        signal.signal(number, self._stop)
        with suppress(OSError):
            os.write(sys.stdout.fileno(), (_ENTER + self._shown).encode(errors="replace"))

    @staticmethod
    def width() -> int:
        """So many columns a line may take: in the last one some terminals begin the next line."""
        return max(shutil.get_terminal_size().columns - 1, 1)

    @staticmethod
    def height() -> int:
        """So many lines can be seen."""
        return max(shutil.get_terminal_size().lines, 1)

    def show(self, lines: Sequence[str]) -> None:
        """In place of what was shown before. None may be wider than the screen; those below its end are not seen."""
        seen = lines[: self.height()]
        self._shown = _HOME + "\n".join(f"{line}{_REST_OF_LINE}" for line in seen) + _REST
        print(self._shown, end="", flush=True)
