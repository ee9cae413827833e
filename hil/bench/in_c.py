# SPDX-License-Identifier: Apache-2.0
"""Blocks in C, by the gate's worker: this library, and the bare futex floor under the same calls."""

from __future__ import annotations

import os
from pathlib import Path

from ..gate.block import Block, BlockPlan, build_worker
from ..gate.block import BlockError as WorkerError
from ..gate.block import run_block as run_worker
from ..gate.schedule import Due, Schedule
from ..processes.command import run_to_end
from ..workers.c_sources import LIB, include_folder
from ..workers.programs import loaded_library
from .outcome import BlockError, Outcome

HERE = Path(__file__).resolve().parent
FLOOR = LIB / "bench"
FULL_RATE = 8e9  # bytes a second: the worker is told how many frames, not how long
SHORTEST = 30  # frames
OURS, FUTEX_FLOOR = NAMES_IN_C = ("video-shm in C", "futex floor in C")


class InC:
    """What is built once, the worker and the floor, into folder. Raises BlockError where they can't be built."""

    def __init__(self, folder: Path) -> None:
        try:
            self._worker = build_worker(folder)
        except WorkerError as error:
            raise BlockError(str(error)) from None
        self.libraries = {OURS: loaded_library(), FUTEX_FLOOR: _build_floor(folder)}

    def run_block(self, peer: str, size: int, receivers: int, fps: int, seconds: float) -> Outcome:
        """Run one. Raises BlockError."""
        count = max(round((fps or FULL_RATE / size) * seconds), SHORTEST)
        frames = tuple(Due(round(number * 1e6 / fps) if fps else 0, size, True) for number in range(count))
        plan = BlockPlan(Schedule(peer, frames), receivers, paced=fps > 0, stride=size)
        try:
            return _outcome(run_worker(self._worker, self.libraries[peer], plan), peer)
        except WorkerError as error:
            raise BlockError(f"{peer}: {error}") from None


def _build_floor(folder: Path) -> Path:
    library = folder / "libfloor.so"
    command = [os.environ.get("CC", "cc"), "-O2", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC"]
    command += [f"-I{FLOOR}", f"-I{include_folder()}", str(HERE / "floor" / "library.c"), str(FLOOR / "floor.c")]
    done = run_to_end([*command, "-o", str(library)])
    if done.returncode != 0:
        raise BlockError(f"the floor does not compile: {done.stderr}")
    return library


def _outcome(block: Block, peer: str) -> Outcome:
    faults = block.faults()
    if peer == FUTEX_FLOOR:
        faults.pop("altered", None)  # it carries no metadata
    readers = [reader for reader in block.readers if reader.cpu_ns is not None and reader.frames]
    return Outcome(
        sent=block.written,
        sent_per_s=(block.counted_frames - 1) / (block.elapsed_ns / 1e9),
        received=[reader.received for reader in block.readers],
        missed=[reader.missed for reader in block.readers],
        latency_ns=block.latency_ns,
        sender_cpu_us=(block.writer.cpu_ns or 0) / 1e3 / max(block.writer.frames, 1),
        receiver_cpu_us=_mean([(reader.cpu_ns or 0) / 1e3 / reader.frames for reader in readers]),
        faults=faults,
    )


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
