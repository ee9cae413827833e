# SPDX-License-Identifier: Apache-2.0
"""Runs paced blocks on a camera: camera-streamer writes through the library under test to a fleet's C readers.

Latencies come from their own ledgers, and what was torn, altered or lost from the fleet's witness.
"""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

import numpy

from ..blocks.block import Block, BlockError, BlockPlan, Tally, run_block
from ..fleet import CameraStreamer, Consumer, ConsumerResult, Fleet, FleetError, FleetResult
from ..fleet.witness import Account
from ..processes.environment import with_variable
from ..workers.programs import ProgramError
from ..workers.records import RESULTS

SECONDS = 2.0  # how long a block watches the camera, without the time of its start
PATIENCE_S = 60.0
PROGRAMS = "VIDEO_SHM_PROGRAMS"

# How the gate counts the witness's findings; any other one is unaccounted.
FAULTS = {"altered": "altered", "never written": "altered", "repeated": "repeated", "reordered": "reordered"}


def run_any(program: Path, library: Path, plan: BlockPlan) -> Block:
    """Run a block of either kind. Raises BlockError."""
    return run_camera(library, plan) if plan.camera else run_block(program, library, plan)


def run_camera(library: Path, plan: BlockPlan) -> Block:
    """Run a block with the plan's camera and readers. Raises BlockError."""
    readers = [Consumer("c")] * plan.readers
    try:
        with Fleet(CameraStreamer(plan.camera), readers, SECONDS, library=library, patience_s=PATIENCE_S) as fleet:
            result = fleet.run()
    except (FleetError, ProgramError) as error:
        raise BlockError(f"{plan.camera}: {error}") from None
    return block_of(result, library)


def block_of(result: FleetResult, library: Path) -> Block:
    """Return a fleet's result as a block. Raises BlockError if a process failed or used another library."""
    (writer,) = result.writer.lives
    (books,) = result.writer.books
    if books is None:
        raise BlockError(f"camera-streamer ended with {writer.code}: {writer.complaints}")
    if writer.library is not None and writer.library != library.resolve():
        raise BlockError(f"camera-streamer used {writer.library}, and not {library}")
    counts = {name: int((result.writer.written["result"] == at).sum()) for at, name in enumerate(RESULTS)}
    ring_us = float(books["ring_cpu_us_per_frame"])  # of the writing thread: the encoder's time is not included
    accounts = [account for _, account in result.accounts()]
    latencies = [result.latencies_ns(consumer) for consumer in result.consumers]
    return Block(
        latency_ns=[int(ns) for ns in numpy.concatenate(latencies)],
        write_ns=[],
        written=counts["written"],
        refused=counts["refused"] + counts["ring_dropped"],
        dropped=counts["refused"] + counts["ring_dropped"],
        elapsed_ns=result.end_ns - result.begin_ns,
        recovery_ns=None,
        writer=_tally(counts["written"], ring_us, counts["written"], 0, Counter()),
        readers=[_reader(one, account) for one, account in zip(result.consumers, accounts, strict=True)],
        complete=False,  # the witness's account replaces the sums
        unaccounted=sum(_unaccounted(account) for account in accounts) + len(result.frame_book().imbalances()),
    )


def _reader(consumer: ConsumerResult, account: Account) -> Tally:
    closing = consumer.lives[0].closing or {}
    received = int(closing.get("received", 0))
    found = Counter(FAULTS[finding.kind] for finding in account.findings if finding.kind in FAULTS)
    cpu_us = float(closing["cpu_s"]) * 1e6 / received if received else None
    return _tally(received, cpu_us, received, account.missed or 0, found)


def _unaccounted(account: Account) -> int:
    return sum(finding.kind not in FAULTS for finding in account.findings)


def _tally(frames: int, cpu_us: float | None, received: int, missed: int, found: Counter[str]) -> Tally:
    return Tally(
        frames=frames,
        cpu_ns=None if cpu_us is None else round(cpu_us * 1e3 * frames),
        received=received,
        missed=missed,
        torn=0,  # a torn frame is an altered one: its CRC-32 is wrong
        repeated=found["repeated"],
        reordered=found["reordered"],
        altered=found["altered"],
    )


def programs_in(folder: Path) -> AbstractContextManager[None]:
    """Keep compiled readers in folder during the block, and remove them with the libraries that they are bound to."""
    return with_variable(PROGRAMS, str(folder))
