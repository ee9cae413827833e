# SPDX-License-Identifier: Apache-2.0
"""Runs a block of a peer in Python, with a worker that has the interface of the gate's."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from vshm_ctypes.commandline.ending import held

from ..blocks.block import Block, BlockPlan, run_worker
from ..blocks.schedule import Due, Schedule
from ..processes.environment import child_environment
from .comparison import Case
from .peer import Link
from .peers import peer_class

PATIENCE_S = 60.0  # in addition to the block's own time
FULL_RATE = 64e9  # bytes per second that nobody reaches, for the length of a schedule
SHORTEST = 30  # frames


def plan_of(name: str, case: Case, seconds: float) -> BlockPlan:
    """Return how to run a block of a case. name: of the peer."""
    count = max(round((case.fps or FULL_RATE / case.size) * seconds), SHORTEST)
    frames = tuple(Due(round(number * 1e6 / case.fps) if case.fps else 0, case.size, True) for number in range(count))
    return BlockPlan(Schedule(name, frames), case.receivers, paced=case.fps > 0, stride=case.size)


def run_block(peer: str, case: Case, seconds: float) -> Block:
    """Run a block. seconds: at full rate, no frame is sent later than that. Raises BlockError."""
    plan = plan_of(peer, case, seconds)
    prefix = f"vshm-bench-{os.getpid()}-"
    with held() as hold, tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        kind = peer_class(peer)
        command = [kind.interpreter(), "-m", "hil.bench.worker", "--peer", peer, "--folder", name]
        command += ["--parent", str(os.getpid()), "--seconds", str(seconds)]
        command += ["--slots", str(case.slots)] + ["--newest"] * case.newest
        try:
            with hold.lifted():
                return run_worker(command, peer, plan, 0, child_environment(), seconds + PATIENCE_S)
        finally:
            with contextlib.suppress(ImportError):
                kind.sweep(Link(folder, folder.name, case.size, case.receivers))
