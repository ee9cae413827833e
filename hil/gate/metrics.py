# SPDX-License-Identifier: Apache-2.0
"""The table of what the gate measures: unit, better direction, margin that counts as equal, and method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..blocks.block import Block, Tally
from ..figures.statistic import percentile_us

Better = Literal["lower", "higher"]
Phase = Literal["paced", "alone", "flood", "overload", "death", "traced"]
Value = Callable[[Sequence[Block]], float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of one side, from its blocks of one phase.

    margin: the share by which it may be worse and still counts as equal. value: returns None if the blocks do not show
    it. floor: in its unit, added to both sides, so that meaningless figures near zero make no ratio. is_tail: a group
    has too few frames to show the figure, which is therefore that of all blocks. is_rare: two blocks have too few
    frames even to compare it.
    """

    name: str
    unit: str
    better: Better
    margin: float
    phase: Phase
    how: str
    value: Value
    floor: float = 0.0
    is_tail: bool = False
    is_rare: bool = False

    @property
    def blocks_of_sample(self) -> int | None:
        """How many blocks in succession make a sample, or None for all of a group.

        It is two in the phase that has most of them, one of each side: a stall of the host then spoils one of many
        samples, and not the group around it.
        """
        return 2 if self.phase == "paced" and not self.is_rare else None

    def log_ratio(self, baseline: float, candidate: float) -> float:
        """Return the log of the ratio, above 0 if the candidate is worse."""
        ratio = math.log((candidate + self.floor) / (baseline + self.floor))
        return ratio if self.better == "lower" else -ratio


def _percentile(percent: float, name: str) -> Value:
    def value(blocks: Sequence[Block]) -> float | None:
        return percentile_us([ns for block in blocks for ns in getattr(block, name)], percent)

    return value


def _per_frame(tallies: Iterable[Tally], name: str, unit: float) -> float | None:
    amounts = [(getattr(tally, name), tally.frames) for tally in tallies]
    if not amounts or any(amount is None or frames == 0 for amount, frames in amounts):
        return None
    return float(sum(amount for amount, _ in amounts)) / sum(frames for _, frames in amounts) / unit


def _writer(name: str, unit: float = 1.0) -> Value:
    return lambda blocks: _per_frame([block.writer for block in blocks], name, unit)


def _readers(name: str, unit: float = 1.0) -> Value:
    return lambda blocks: _per_frame([reader for block in blocks for reader in block.readers], name, unit)


def _largest(name: str, unit: float) -> Value:
    def value(blocks: Sequence[Block]) -> float | None:
        all_of = [getattr(tally, name) for block in blocks for tally in (block.writer, *block.readers)]
        return max(all_of) / unit if all_of and None not in all_of else None

    return value


def _rate(blocks: Sequence[Block]) -> float | None:
    """Return the written frames per second; dropped ones do not count."""
    written = sum(block.counted_frames - block.refused for block in blocks)
    return max(written, 0) / (sum(block.elapsed_ns for block in blocks) / 1e9)


def _missed_share(blocks: Sequence[Block]) -> float | None:
    written = sum(block.written * len(block.readers) for block in blocks)
    return sum(reader.missed for block in blocks for reader in block.readers) / written if written else None


def _dropped_share(blocks: Sequence[Block]) -> float | None:
    offered = sum(block.written + block.refused for block in blocks)
    return sum(block.refused for block in blocks) / offered if offered else None


def _recovery(blocks: Sequence[Block]) -> float | None:
    times = [block.recovery_ns for block in blocks]
    return sum(time / 1e6 for time in times if time) / len(times) if times and None not in times else None


_LEDGER = "harness's clock at entry of write() to the reader's on return from its wait, over all readers"
_PERF = "perf_event_open, user space only; left out where the kernel or the machine has none"

# Measured again in every block, and compared by statistics.
TIMED = (
    Metric("latency_p50", "us", "lower", 0.05, "paced", _LEDGER, _percentile(50, "latency_ns")),
    Metric("latency_p99", "us", "lower", 0.25, "paced", _LEDGER, _percentile(99, "latency_ns"), is_tail=True),
    Metric(
        "latency_p999",
        "us",
        "lower",
        1.00,
        "paced",
        _LEDGER,
        _percentile(99.9, "latency_ns"),
        is_tail=True,
        is_rare=True,
    ),
    Metric("write_p50", "us", "lower", 0.05, "paced", "harness's clock around write()", _percentile(50, "write_ns")),
    Metric("writer_cpu", "us", "lower", 0.05, "paced", "process CPU clock, per frame", _writer("cpu_ns", 1e3)),
    Metric("reader_cpu", "us", "lower", 0.05, "paced", "likewise, per frame of a reader", _readers("cpu_ns", 1e3)),
    Metric("writer_instructions", "", "lower", 0.02, "paced", _PERF, _writer("instructions")),
    Metric("reader_instructions", "", "lower", 0.02, "paced", _PERF, _readers("instructions")),
    Metric("writer_switches", "", "lower", 0.10, "paced", "getrusage, per frame", _writer("switches"), 0.1),
    Metric("reader_switches", "", "lower", 0.10, "paced", "likewise, per frame of a reader", _readers("switches"), 0.1),
    Metric("paced_missed", "", "lower", 0.10, "paced", "share that readers missed", _missed_share, 0.001),
    Metric("paced_dropped", "", "lower", 0.10, "paced", "share that the writer dropped", _dropped_share, 0.001),
    Metric(
        "throughput", "1/s", "higher", 0.10, "alone", "frames written as fast as it goes, nobody reading", _rate, 1.0
    ),
    # Whether a reader falls asleep at full rate, and has to be woken, is chance, and makes the writer half as fast.
    Metric("throughput_read", "1/s", "higher", 1.00, "flood", "likewise, with a reader", _rate, 1.0),
    Metric("overload_missed", "", "lower", 0.10, "overload", "share that slow readers missed", _missed_share, 0.01),
    Metric("overload_dropped", "", "lower", 0.10, "overload", "share that the writer dropped", _dropped_share, 0.01),
    Metric("recovery", "ms", "lower", 0.25, "death", "writer's SIGKILL to its follower's first frame", _recovery, 0.5),
)

# Nearly the same every time. All runs of the candidate must be beyond all of the baseline's: a chance of 1 in 3432.
COUNTED_RUNS = 7
COUNTED = (
    Metric("writer_system_calls", "", "lower", 0.10, "traced", "ptrace, in a run of its own", _writer("system_calls")),
    Metric("reader_system_calls", "", "lower", 0.10, "traced", "likewise", _readers("system_calls")),
    Metric("memory_growth", "B", "lower", 0.10, "traced", "RssAnon, per frame", _largest("growth_per_frame", 1), 200.0),
    Metric("memory", "KiB", "lower", 0.05, "traced", "PSS at the end, largest process", _largest("pss_bytes", 1024)),
    Metric("descriptors", "", "lower", 0.0, "traced", "/proc/self/fd, largest process", _largest("descriptors", 1)),
)

# Each of these is a failure of the candidate, whatever the baseline does.
INTEGRITY = {
    "torn": "a frame's bytes are not all of one frame",
    "altered": "size or metadata are not what was written",
    "repeated": "a frame came twice",
    "reordered": "a frame came behind a later one",
    "unaccounted": "written is not received and missed, or dropped is not what write() said",
    "silent": "a reader got nothing at all",
    "stranded": "a reader got nothing of the writer that followed a dead one",
}
