# SPDX-License-Identifier: Apache-2.0
"""Made-up measurements of two libraries, to test what a session concludes from them."""

from pathlib import Path

import numpy as np

from hil.blocks.block import Block, BlockError, BlockPlan, Tally
from hil.figures.verdict import FIT
from hil.gate.libraries import Library

BASELINE = Library("baseline", Path("a.so"), None, frozenset({"one", "two"}), 1000)
CANDIDATE = Library("candidate", Path("b.so"), None, frozenset({"one", "two"}), 1000)
RARE_NS = 10**8


def tally(frames: int = 100, cpu_us: float | None = 20.0, **changed: int) -> Tally:
    usual = {
        "instructions": None,
        "switches": frames,
        "system_calls": 2 * frames,
        "pss_bytes": 1 << 22,
        "descriptors": 6,
        "grown_bytes": 0,
        "received": frames,
        "missed": 0,
        "torn": 0,
        "repeated": 0,
        "reordered": 0,
        "altered": 0,
    }
    return Tally(frames=frames, cpu_ns=None if cpu_us is None else round(cpu_us * 1000 * frames), **usual | changed)  # type: ignore[arg-type]


class Host:
    """Blocks of two equal libraries except for the given change; it notes which blocks were run."""

    def __init__(self) -> None:
        self.chance = np.random.default_rng(1)
        self.runs: list[tuple[str, BlockPlan]] = []
        self.slower = 1.0
        self.changed: dict[str, int] = {}
        self.crashes = ""
        self.rare_every = 0
        self.stalls = 0.0  # of the host: the share of blocks that have one
        self.stranded = 0
        self.without_cpu = ""
        self.often_without_cpu = False
        self.gone_after = 10**9
        self.fitness = FIT
        self.real_time = False

    def run(self, program: Path, library: Path, plan: BlockPlan) -> Block:
        self.runs.append((library.name, plan))
        worse = library.name == "b.so"
        if library.name == self.crashes or len(self.runs) >= self.gone_after:
            raise BlockError("ended with signal 11")
        has_cpu = library.name != self.without_cpu and not (
            worse and self.often_without_cpu and self.chance.random() < 0.1
        )
        factor = self.chance.lognormal(0, 0.01)
        latency = self.chance.lognormal(10.5, 0.3, 400) * factor * (self.slower if worse else 1)
        if self.rare_every and len(self.runs) % self.rare_every == 0:
            latency[:4] = RARE_NS
        if self.chance.random() < self.stalls:
            latency[:40] *= self.chance.lognormal(2, 1)
        return Block(
            latency_ns=[int(ns) for ns in latency],
            write_ns=[int(10_000 * factor)] * 100,
            written=100,
            refused=0,
            dropped=0,
            elapsed_ns=int(10**9 * factor),
            recovery_ns=int(5e6 * factor) if plan.kill_after else None,
            writer=tally(cpu_us=20 * factor if has_cpu else None),
            readers=[tally(cpu_us=10 * factor, **self.changed if worse else {})],
            complete=plan.kill_after == 0,
            stranded=self.stranded if worse and plan.kill_after else 0,
            real_time=self.real_time,
        )
