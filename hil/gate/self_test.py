# SPDX-License-Identifier: Apache-2.0
"""``hil gate --self-test``: the gate measures itself. Each finished step is stored, and is not repeated.

1. One long session of the library against itself, and label permutations of it: how often is there a false alarm?
2. Sessions of the library against itself, as in use: likewise.
3. Every planted defect that this processor can show: is it found, by which metric, in how many seconds?
4. Injected delays: how likely is a session to find each?
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from vshm_ctypes.commandline.ending import held

from ..blocks.block import build_worker
from ..host.board import choose_board
from .arguments import PARTS
from .defects import Defect, build_defect, read_defects
from .libraries import Library, build, find_repository, inspect_library, workshop
from .result import Answer, Result
from .self_test_report import DELAYS_US, LONG_SESSION, REAL_SESSIONS, report
from .session import Session
from .state import State, fingerprint

DELAY = "busy_wait_in_write"
ATTEMPTS = 3  # at a session that is INVALID because the host was not fit, as in CI
Step = Callable[[], Result]


@dataclass
class TreeUnderTest:
    """The tree under test, its library and worker, and the folder of builds."""

    root: Path
    folder: Path
    program: Path
    clean: Library
    minutes: float
    board: str | None

    def session(self, candidate: Library, minutes: float, thorough: bool = False) -> Result:
        """Run a session of the library against candidate, each as a new file: their placement differs in use too."""
        board = choose_board(self.board)
        with held() as hold, tempfile.TemporaryDirectory(dir=self.folder) as folder, hold.lifted():
            ours, theirs = _copied(self.clean, Path(folder) / "a"), _copied(candidate, Path(folder) / "b")
            return Session(self.program, ours, theirs, board, minutes * 60, thorough=thorough).run()

    @contextmanager
    def defective(self, defect: Defect, defines: Sequence[str] = ()) -> Iterator[Library]:
        """Yield the library with a defect in it."""
        folder = self.folder / defect.name
        try:
            yield inspect_library(defect.name, build_defect(self.root, defect, folder, defines), None)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _copied(library: Library, folder: Path) -> Library:
    folder.mkdir()
    return replace(library, path=Path(shutil.copy2(library.path, folder)))


def _bench(options: argparse.Namespace, root: Path, folder: Path) -> TreeUnderTest:
    program = build_worker(folder)
    clean = inspect_library("this tree", build(root / "lib", folder / "clean"), None)
    return TreeUnderTest(root, folder, program, clean, options.minutes, options.board)


def run(options: argparse.Namespace, console: Console, errors: Console) -> int:
    """Run all parts, or those that were asked for, and print what is known.

    Returns 0 if all is as promised, 1 if not, 3 if not all is done.
    """
    root, begin = find_repository(Path.cwd()), time.monotonic()
    source = fingerprint(root, options.minutes, choose_board(options.board).name)
    state, parts = State.read(options.state, source), options.part or PARTS
    defects = read_defects(root)
    if unknown := set(options.only or ()) - {defect.name for defect in defects}:
        raise ValueError(f"no planted defect {', '.join(sorted(unknown))}: there are {_names(defects)}")
    defects = [defect for defect in defects if not options.only or defect.name in options.only]
    with held() as hold, workshop("self-test-") as folder, hold.lifted():
        bench = _bench(options, root, folder)
        for name, step in _steps(bench, parts, defects):
            if state.answered(name) is not None:
                continue
            if options.until is not None and time.monotonic() - begin > options.until * 60:
                break
            errors.print(f"{name} ...", markup=False)
            state.add(name, _valid(step, errors))
            last = state.steps[name]
            errors.print(f"{name}: {last['answer']} {last['worse']} in {last['seconds']:.0f} s", markup=False)
        return report(state, parts, defects, console)


def _valid(step: Step, errors: Console) -> Result:
    """Return the result of the first attempt that is not INVALID, else of the last one."""
    for attempt in range(1, ATTEMPTS + 1):
        result = step()
        if result.answer is not Answer.INVALID or attempt == ATTEMPTS:
            break
        errors.print(f"again, since nothing can be said: {'; '.join(result.reasons)}", markup=False)
    return result


def _names(defects: Sequence[Defect]) -> str:
    return ", ".join(defect.name for defect in defects)


def _steps(bench: TreeUnderTest, parts: Sequence[str], defects: Sequence[Defect]) -> Iterator[tuple[str, Step]]:
    if "permutations" in parts:
        yield "long", partial(bench.session, bench.clean, bench.minutes * LONG_SESSION, thorough=True)
    if "defects" in parts:
        for defect in defects:
            if not defect.model:
                yield f"defect {defect.name}", partial(_with, bench, defect)
    if "delays" in parts:
        delay = next(defect for defect in read_defects(bench.root) if defect.name == DELAY)
        for delay_us in DELAYS_US:
            defines = (f"VIDEO_SHM_BUSY_WAIT_NS={delay_us * 1000}",)
            yield f"delay {delay_us}", partial(_with, bench, delay, defines, thorough=True)
    if "sessions" in parts:
        for number in range(1, REAL_SESSIONS + 1):
            yield f"session {number}", partial(bench.session, bench.clean, bench.minutes)


def _with(bench: TreeUnderTest, defect: Defect, defines: Sequence[str] = (), thorough: bool = False) -> Result:
    with bench.defective(defect, defines) as library:
        return bench.session(library, bench.minutes, thorough)
