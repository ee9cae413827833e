# SPDX-License-Identifier: Apache-2.0
"""Runs all boards of a farm at once, each in a process of its own, and collects their output and results."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from vshm_ctypes.commandline.ending import Hold, held
from vshm_ctypes.commandline.own_module import own_module

from ..figures.exit import Exit
from ..processes.environment import child_environment
from ..report.merge import FILE, Run, RunError, load
from .board_process import INTERRUPTED, RESULT
from .places import Farm, Place

GRACE_S = 150.0  # after Ctrl-C, until each board has ended cleanly and its place is released


@dataclass(frozen=True, slots=True)
class BoardResult:
    """What came of a board. run: its run.json, or None if none came back. problem: why the board did not finish."""

    place: Place
    run: Run | None
    exit_code: int | None
    problem: str | None

    @property
    def code(self) -> int:
        """The board's contribution to the exit code."""
        if self.problem == INTERRUPTED:
            return Exit.INTERRUPTED
        return Exit.FAIL if self.problem is not None or self.exit_code is None else self.exit_code


@dataclass(frozen=True, slots=True)
class Order:
    """What to do on each board. wheels: one per architecture. words: for hil run."""

    wheels: Sequence[Path]
    words: Sequence[str]
    wait_s: float
    report: Path


def run_boards(farm: Farm, order: Order, say: Callable[[str], None]) -> list[BoardResult]:
    """Return what came of each board, in the file's order.

    Ctrl-C ends all cleanly, and what they have is still returned.
    """
    order.report.mkdir(parents=True, exist_ok=True)
    for place in farm.places:
        shutil.rmtree(order.report / place.target, ignore_errors=True)
    # labgrid leaves a folder for each failed attempt to connect. The name is short because of the sockets in it.
    with held() as hold, TemporaryDirectory(prefix="hil-") as scratch:
        processes = [_start_board(farm, order, place, scratch) for place in farm.places]
        threads = [
            threading.Thread(target=_hand_on, args=(process, place.target, say), daemon=True)
            for process, place in zip(processes, farm.places, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            with hold.lifted():
                for process in processes:
                    process.wait()
        except KeyboardInterrupt:
            say("interrupted: waiting until every board has ended")
            _end(processes, hold)
    for thread in threads:
        thread.join(5)
    return [_result(order.report / place.target, place) for place in farm.places]


def _start_board(farm: Farm, order: Order, place: Place, scratch: str) -> subprocess.Popen[str]:
    command = own_module("hil.farm.board_process", "--env", str(farm.file.resolve()), "--target", place.target)
    command += ["--folder", str(order.report / place.target), "--wait", str(order.wait_s)]
    for wheel in order.wheels:
        command += ["--wheel", str(wheel.resolve())]
    return subprocess.Popen(
        [*command, "--", *order.words],
        env=child_environment() | {"TMPDIR": scratch},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )


def _hand_on(process: subprocess.Popen[str], name: str, say: Callable[[str], None]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            say(f"{name}: {line.rstrip()}")


def _end(processes: Sequence[subprocess.Popen[str]], hold: Hold) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            with hold.lifted():
                process.wait(GRACE_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):  # a second Ctrl-C kills at once
            process.kill()
            process.wait()


def _result(folder: Path, place: Place) -> BoardResult:
    try:
        told = json.loads((folder / RESULT).read_text())
    except (OSError, ValueError):
        give_back = f"labgrid-client -p {place.place} release gives its place back, if it is still reserved"
        told = {"exit_code": None, "problem": f"its process died; {give_back}"}
    run, problem = None, told["problem"]
    if (folder / FILE).exists() or problem is None:
        try:
            run = load(folder)
        except (RunError, OSError) as error:
            problem = problem or str(error)
    return BoardResult(place, run, told["exit_code"], problem)


def exit_code(results: Sequence[BoardResult]) -> int:
    """Return FAIL if any board failed, else the most serious of their codes."""
    codes = {result.code for result in results}
    for serious in (Exit.FAIL, Exit.USAGE, Exit.INTERRUPTED, Exit.NO_CAMERA, Exit.INVALID):
        if serious in codes:
            return serious
    return Exit.PASS if codes == {0} else Exit.FAIL
