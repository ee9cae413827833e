# SPDX-License-Identifier: Apache-2.0
"""A block: new processes, one library, one schedule. Runs the worker, and reads what it prints."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from vshm_ctypes.commandline.ending import held

from ..processes.command import run_to_end
from ..workers.c_sources import include_folder
from ..workers.shared_memory import remove_channel
from .channel import free_channel
from .schedule import Schedule

WATCHDOG_S = 150.0


class BlockError(RuntimeError):
    """A process of the block crashed, hung or could not start. The message is its own."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What one process used for its counted frames, or None if not measured, and the counts of a reader."""

    frames: int
    cpu_ns: int | None
    instructions: int | None = None
    switches: int | None = None
    system_calls: int | None = None
    pss_bytes: int | None = None
    descriptors: int | None = None
    grown_bytes: int | None = None
    received: int = 0
    missed: int = 0
    torn: int = 0
    repeated: int = 0
    reordered: int = 0
    altered: int = 0

    @property
    def growth_per_frame(self) -> float | None:
        """The growth of its private memory, in bytes per counted frame."""
        return None if self.grown_bytes is None else max(0.0, self.grown_bytes / self.frames)


@dataclass(frozen=True, slots=True)
class Block:
    """What a block's processes saw.

    latency_ns: of every reader and counted frame. elapsed_ns: of the counted frames.
    """

    latency_ns: list[int]
    write_ns: list[int]
    written: int
    refused: int
    dropped: int
    elapsed_ns: int
    recovery_ns: int | None
    writer: Tally
    readers: list[Tally]
    complete: bool  # nobody was killed, so that the counts must balance
    unaccounted: int = 0  # what is missing by the account of a witness beside the ring
    stranded: int = 0  # readers that got no frame of the writer that followed a dead one
    real_time: bool = False  # no other program got in its way

    @property
    def counted_frames(self) -> int:
        """The number of frames in elapsed_ns."""
        return len(self.write_ns)

    def faults(self) -> dict[str, int]:
        """Return how many frames broke each promise, or an empty dict if none did."""
        names = ("torn", "altered", "repeated", "reordered")
        found = {name: sum(getattr(reader, name) for reader in self.readers) for name in names}
        found["unaccounted"] = self.unaccounted
        found["stranded"] = self.stranded
        found["silent"] = sum(reader.received == 0 for reader in self.readers)
        if self.complete:
            found["unaccounted"] += abs(self.refused - self.dropped) + sum(
                abs(self.written - reader.received - reader.missed) for reader in self.readers
            )
        return {name: count for name, count in found.items() if count}

    @classmethod
    def parse(cls, text: str, complete: bool) -> Self:
        """Parse the worker's output. Raises ValueError."""
        try:
            told: dict[str, Any] = json.loads(text)
            writer, readers = Tally(**told.pop("writer")), [Tally(**reader) for reader in told.pop("readers")]
            return cls(**told, writer=writer, readers=readers, complete=complete)
        except (TypeError, KeyError) as error:
            raise ValueError(f"not what a block worker prints: {error}") from None


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """How a block is run. pause_us: a reader's, after each frame. kill_after: frames, or 0 for never.

    camera: a device of camera-streamer, which writes instead of the worker, or empty. real_time: its processes run in
    the real-time class where that is permitted.
    """

    schedule: Schedule
    readers: int
    paced: bool = False
    traced: bool = False
    pause_us: int = 0
    kill_after: int = 0
    stride: int = 4096
    camera: str = ""
    real_time: bool = False

    def options(self) -> list[str]:
        """Return the worker's options."""
        words = ["-m", str(self.stride), "-s", str(self.pause_us)]
        if self.kill_after:
            words += ["-k", str(self.kill_after)]
        return words + ["-p"] * self.paced + ["-r"] * self.real_time + ["-t"] * self.traced


def build_worker(folder: Path) -> Path:
    """Compile the worker into folder. Raises BlockError if there is no C compiler, or it fails."""
    program = folder / "block-worker"
    sources = sorted(map(str, (Path(__file__).parent / "worker").glob("*.c")))
    compiler = os.environ.get("CC", "cc")
    command = [
        compiler,
        "-O2",
        "-std=c11",
        "-D_GNU_SOURCE",
        f"-I{include_folder()}",
        *sources,
        "-o",
        str(program),
        "-ldl",
    ]
    _run(command, "compiling the block worker")
    return program


def run_block(program: Path, library: Path, plan: BlockPlan) -> Block:
    """Run a block with the worker in C, which loads that library. Raises BlockError."""
    channel = free_channel()
    environment = os.environ | {"VSHM_LIBRARY": str(library)}
    with held():
        try:
            return run_worker([str(program)], library.name, plan, channel, environment)
        finally:
            remove_channel(channel)


def run_worker(
    command: Sequence[str],
    what: str,
    plan: BlockPlan,
    channel: int,
    environment: dict[str, str],
    limit_s: float = WATCHDOG_S,
) -> Block:
    """Run a block with any worker: COMMAND CHANNEL READERS OPTIONS, which reads the schedule and prints the block.

    what: is measured, for messages. channel: a number that nobody else uses. Raises BlockError.
    """
    words = [*command, str(channel), str(plan.readers), *plan.options()]
    text = _run(words, what, plan.schedule.text, environment, limit_s)
    try:
        return Block.parse(text, complete=plan.kill_after == 0)
    except ValueError as error:
        raise BlockError(f"{what}: the figures can't be read; does it print something? {error}") from None


def _run(
    command: Sequence[str],
    what: str,
    told: str = "",
    environment: dict[str, str] | None = None,
    limit_s: float = WATCHDOG_S,
) -> str:
    try:
        done = run_to_end(command, limit_s, told, environment)
    except subprocess.TimeoutExpired:
        raise BlockError(f"{what}: no end after {limit_s:g} s") from None
    except OSError as error:
        raise BlockError(f"{what}: {command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise BlockError(f"{what}: {done.stderr.strip()[-2000:] or f'ended with {done.returncode}'}")
    return done.stdout
