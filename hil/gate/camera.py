# SPDX-License-Identifier: Apache-2.0
"""Paced blocks on a camera: camera-streamer writes through the library under test, and a fleet's C readers read.

Their own ledgers tell latencies, and the fleet's witness what was torn, altered or lost.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy

from ..fleet import CameraStreamer, Consumer, ConsumerResult, Fleet, FleetError, FleetResult
from ..fleet.witness import Account
from ..workers.programs import ProgramError
from ..workers.records import RESULTS
from .block import Block, BlockError, BlockPlan, Tally, run_block

SECONDS = 2.0  # that a block watches the camera, without the time that it takes to come up
PATIENCE_S = 60.0
PROGRAMS = "VIDEO_SHM_PROGRAMS"

# What the witness finds, as the gate counts it; anything else is unaccounted.
FAULTS = {"altered": "altered", "never written": "altered", "repeated": "repeated", "reordered": "reordered"}


def run_any(program: Path, library: Path, plan: BlockPlan) -> Block:
    """A block of either kind. Raises BlockError."""
    return run_camera(library, plan) if plan.camera else run_block(program, library, plan)


def run_camera(library: Path, plan: BlockPlan) -> Block:
    """One with the plan's camera and as many readers. Raises BlockError."""
    readers = [Consumer("c")] * plan.readers
    try:
        with Fleet(CameraStreamer(plan.camera), readers, SECONDS, library=library, patience_s=PATIENCE_S) as fleet:
            result = fleet.run()
    except (FleetError, ProgramError) as error:
        raise BlockError(f"{plan.camera}: {error}") from None
    return block_of(result, library)


def block_of(result: FleetResult, library: Path) -> Block:
    """What a fleet saw, as a block. Raises BlockError where a process ended otherwise, or used another library."""
    (writer,) = result.writer.lives
    (books,) = result.writer.books
    if books is None:
        raise BlockError(f"camera-streamer ended with {writer.code}: {writer.complaints}")
    if writer.library is not None and writer.library != library.resolve():
        raise BlockError(f"camera-streamer used {writer.library}, and not {library}")
    counts = {name: int((result.writer.written["result"] == at).sum()) for at, name in enumerate(RESULTS)}
    ring_us = float(books["ring_cpu_us_per_frame"])  # of the thread that hands frames over: the encoder's is left out
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
        complete=False,  # the witness's word stands for the sums
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


@contextmanager
def programs_in(folder: Path) -> Iterator[None]:
    """Readers are compiled against libraries that are gone afterwards: they go with them."""
    before = os.environ.get(PROGRAMS)
    os.environ[PROGRAMS] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[PROGRAMS]
        else:
            os.environ[PROGRAMS] = before
