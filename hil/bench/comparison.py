# SPDX-License-Identifier: Apache-2.0
"""The result of hil bench: a row for each peer and case, the machine, and its fitness."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vshm_ctypes.commandline.atomic_file import write_whole

from ..blocks.block import Block, Tally
from ..figures.statistic import percentile_us

SCHEMA = 2


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """A case. fps: 0 means full rate. size: bytes of a frame. slots, newest: as in Link."""

    size: int
    receivers: int
    fps: int
    slots: int = 0
    newest: bool = False


def title(case: Case) -> str:
    """Return the case in words."""
    rate = f"{case.fps} frames/s" if case.fps else "as fast as it goes"
    receivers = "1 receiver" if case.receivers == 1 else f"{case.receivers} receivers"
    size = f"{case.size / 1e6:.1f} MB" if case.size >= 1e6 else f"{case.size // 1024} KB"
    return f"{size}, {receivers}, {rate}" + ", the newest only" * case.newest


@dataclass(frozen=True, slots=True)
class Row:
    """A peer's blocks of one case. received, missed: of all receivers together. CPU: per frame and process.

    receiver_cpu_us: None if no receiver had a frame that counts. error: why there is no figure.
    """

    peer: str
    language: str
    copies: int
    how: str
    case: Case
    sent: int = 0
    sent_per_s: float = 0.0
    received: int = 0
    missed: int = 0
    p50_us: float | None = None
    p99_us: float | None = None
    sender_cpu_us: float | None = None
    receiver_cpu_us: float | None = None
    faults: dict[str, int] = field(default_factory=dict)
    error: str = ""


@dataclass(slots=True)
class Comparison:
    """A run. rounds: blocks of each row. missing: peers that are not available, and why.

    others_share: other programs' share of the processors, 0 to 1. reasons: why the host was not fit for timing.
    """

    machine: dict[str, Any]
    versions: dict[str, str]
    rounds: int
    seconds: float = 0.0
    others_share: float = 0.0
    reasons: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    @property
    def broken(self) -> list[Row]:
        """The rows whose counts do not balance, or whose peer fails."""
        return [row for row in self.rows if row.faults or row.error]

    def write(self, path: Path) -> None:
        """Write JSON. Raises OSError."""
        write_whole(path, json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, allow_nan=False) + "\n")


def row_of(about: tuple[str, str, int, str], case: Case, blocks: list[Block]) -> Row:
    """Return the row of a peer's blocks of one case. about: peer, language, copies, how."""
    latency_ns = [ns for block in blocks for ns in block.latency_ns]
    readers = [reader for block in blocks for reader in block.readers]
    return Row(
        *about,
        case,
        sent=sum(block.written for block in blocks),
        sent_per_s=sum((block.counted_frames - 1) / (block.elapsed_ns / 1e9) for block in blocks) / len(blocks),
        received=sum(reader.received for reader in readers),
        missed=sum(reader.missed for reader in readers),
        p50_us=percentile_us(latency_ns, 50),
        p99_us=percentile_us(latency_ns, 99),
        sender_cpu_us=_cpu_us(block.writer for block in blocks),
        receiver_cpu_us=_cpu_us(readers),
        faults=dict(sum((Counter(block.faults()) for block in blocks), Counter())),
    )


def _cpu_us(tallies: Iterable[Tally]) -> float | None:
    """Return the CPU time per frame in us, or None if nobody had a frame that counts."""
    measured = [(tally.cpu_ns, tally.frames) for tally in tallies if tally.cpu_ns is not None and tally.frames]
    return sum(ns for ns, _ in measured) / 1e3 / sum(frames for _, frames in measured) if measured else None
