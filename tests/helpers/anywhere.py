# SPDX-License-Identifier: Apache-2.0
"""Sends a signal at every point of a program in turn: at each operation of ours, and each line of Python's library."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from vshm_ctypes.commandline.ending import heeding

OURS = str(Path(__file__).resolve().parents[2])


class _At:
    """Sends the signal at the given step; with step 0 it only counts the steps."""

    def __init__(self, step: int) -> None:
        self.steps = 0
        self._at = step

    def look(self, frame: FrameType, event: str, _argument: object) -> Any:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            frame.f_trace_opcodes = True
        if event in ("line", "opcode"):
            self.steps += 1
            if self.steps == self._at:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return self.look


def _run(scene: Callable[[], object], step: int) -> int:
    at, before = _At(step), sys.gettrace()
    try:
        with heeding():
            sys.settrace(at.look)
            try:
                scene()
            finally:
                sys.settrace(before)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return at.steps


def interrupted_anywhere(
    begin: Callable[[], object], scene: Callable[[], object], check: Callable[[], object], of: int = 1
) -> None:
    """Run the scene once to its end, and once interrupted at each of its steps; check examines the result.

    of: interrupt only one of so many steps.
    """
    begin()
    steps = _run(scene, 0)
    check()
    for step in range(1, steps + 1, of):
        begin()
        _run(scene, step)
        try:
            check()
        except AssertionError as error:
            error.add_note(f"interrupted at step {step} of {steps}")
            raise
