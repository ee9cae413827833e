# SPDX-License-Identifier: Apache-2.0
"""A signal at every point of a program, one after the other: each operation of ours, each line of Python's library."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from vshm_ctypes.commandline.ending import heeding

OURS = str(Path(__file__).resolve().parents[2])


class _At:
    """Sends the signal at a step; 0: only counts them."""

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
    """Run the scene over and over: once to its end, and once for each of its steps; check looks at what came of it.

    of: where there are many steps, one of so many.
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
