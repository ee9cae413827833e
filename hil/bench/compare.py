# SPDX-License-Identifier: Apache-2.0
"""Runs the comparison: every case and every peer in turn, in new processes, round after round."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from vshm_ctypes import __version__, machine
from vshm_ctypes.commandline.ending import held

from ..blocks.block import Block, BlockError
from ..gate.libraries import cache_folder
from ..host.board import Board
from ..host.progress import Tell
from ..host.watch import HostWatch
from .block import run_block
from .comparison import Case, Comparison, Row, row_of, title
from .in_c import NAMES_IN_C, InC
from .peers import OF_FRAMES, PEERS, peer_class

ROUNDS = 2
SIZES = (64 * 1024, 512 * 1024)
RECEIVERS = (1, 4)
RATES = (30, 0)
FULL_RATE_SHARE = 0.2  # of the seconds, since that is time for thousands of frames
CASES = tuple(Case(size, receivers, fps) for fps, size, receivers in product(RATES, SIZES, RECEIVERS))
NAMES = (*OF_FRAMES, *NAMES_IN_C)
PICTURE = 1920 * 1080 * 3 // 2  # bytes, in NV12
PICTURE_SLOTS = 4
CASES_OF_PICTURES = tuple(
    Case(PICTURE, receivers, fps, PICTURE_SLOTS, newest=True) for fps, receivers in product(RATES, RECEIVERS)
)


@dataclasses.dataclass
class Bench:
    """A comparison. names: the peers. seconds: per row. All its processes have ended when run() returns or raises."""

    names: Sequence[str]
    board: Board
    seconds: float
    tell: Tell = lambda what, share: None
    cases: Sequence[Case] = CASES

    def run(self) -> Comparison:
        """Run all of it. Raises HiccupError or OSError."""
        begin = time.monotonic()
        missing = self._missing()
        names = [name for name in self.names if name not in missing]
        found = Comparison(_told(machine.read_machine()), _versions(names), ROUNDS, missing=missing)
        with held() as hold, HostWatch() as watch, contextlib.ExitStack() as stack, hold.lifted():
            found.rows = self._rows(names, stack)
            seen = watch.take()
        found.others_share = seen.others_share
        # Peers in turn are equally affected by single stalls, but not by a slowed down or busy host.
        found.reasons += seen.fitness(self.board.fitness.bearing_single_stalls()).reasons
        found.seconds = time.monotonic() - begin
        return found

    def _missing(self) -> dict[str, str]:
        obstacles = {name: peer_class(name).obstacle() for name in self.names if name in PEERS}
        return {name: obstacle for name, obstacle in obstacles.items() if obstacle is not None}

    def _rows(self, names: list[str], stack: contextlib.ExitStack) -> list[Row]:
        blocks: dict[tuple[Case, str], list[Block]] = {}
        errors: dict[tuple[Case, str], str] = {}
        in_c = None
        if set(names) & set(NAMES_IN_C):
            cache_folder().mkdir(parents=True, exist_ok=True)
            with held():
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=cache_folder()))
            in_c = InC(Path(folder))
        turns = [
            (case, name)
            for round_ in range(ROUNDS)
            for case in self.cases
            for name in (names if round_ % 2 == 0 else reversed(names))
        ]
        for number, (case, name) in enumerate(turns):
            self.tell(f"{name}: {title(case)}", number / len(turns))
            seconds = self.seconds * (1 if case.fps else FULL_RATE_SHARE) / ROUNDS
            run = in_c.run_block if in_c and name in NAMES_IN_C else run_block
            try:
                blocks.setdefault((case, name), []).append(run(name, case, seconds))
            except BlockError as error:
                errors[case, name] = str(error)
        return [_row(case, name, blocks.get((case, name), []), errors) for case in self.cases for name in names]


def _row(case: Case, name: str, blocks: list[Block], errors: dict[tuple[Case, str], str]) -> Row:
    if name in NAMES_IN_C:
        about = (name, "C", 2, "into the ring, out of it")
    else:
        kind = peer_class(name)
        about = (name, "Python", kind.copies, kind.how)
    if (case, name) in errors:
        return Row(*about, case, error=errors[case, name])
    return row_of(about, case, blocks)


def _versions(names: Sequence[str]) -> dict[str, str]:
    packages = {peer_class(name).package for name in names if name in PEERS}
    return {"video-shm": __version__} | {
        package: importlib.metadata.version(package) for package in sorted(filter(None, packages))
    }


def _told(board: machine.Machine) -> dict[str, object]:
    return {
        "model": board.model,
        "kernel": board.kernel,
        "architecture": board.architecture,
        "processors": board.processors,
    }
