# SPDX-License-Identifier: Apache-2.0
"""Shows lines that change, on the terminal's alternate screen, and restores the previous screen at the end."""

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

# The sequences of xterm and its successors; a terminal without an alternate screen ignores them.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """The alternate screen, as a context manager. If the terminal has none, or it is not wanted, it does nothing.

    Each show() draws from the top, so it repairs whatever a resize has done. Ctrl-Z restores the shell's screen, and
    fg brings the lines back.

    Attributes:
        is_there: whether the screen is in use.
    """

    def __init__(self, wanted: bool = True) -> None:
        self.is_there = wanted and can_redraw(sys.stdout)
        self._shown = ""
        self._heeds_stops = False
        self._before: Any = None  # the previous handler of SIGTSTP

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
        """Handle Ctrl-Z. Writes to the descriptor: print() may be the very code that was interrupted."""
        with suppress(OSError):
            os.write(sys.stdout.fileno(), _LEAVE.encode())
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)  # SIGCONT lets it return
        with suppress(OSError):
            if os.tcgetpgrp(sys.stdout.fileno()) != os.getpgrp():  # continued by bg: the screen is the shell's
                signal.raise_signal(signal.SIGTTOU)
        signal.signal(number, self._stop)
        with suppress(OSError):
            os.write(sys.stdout.fileno(), (_ENTER + self._shown).encode(errors="replace"))

    @staticmethod
    def width() -> int:
        """Return how wide a line may be, one column less than the terminal: some wrap after the last column."""
        return max(shutil.get_terminal_size().columns - 1, 1)

    @staticmethod
    def height() -> int:
        """Return how many lines the terminal shows."""
        return max(shutil.get_terminal_size().lines, 1)

    def show(self, lines: Sequence[str]) -> None:
        """Show these lines in place of the previous ones. None may be wider than width(); excess lines are cut."""
        seen = lines[: self.height()]
        self._shown = _HOME + "\n".join(f"{line}{_REST_OF_LINE}" for line in seen) + _REST
        print(self._shown, end="", flush=True)
