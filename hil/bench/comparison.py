# SPDX-License-Identifier: Apache-2.0
"""What hil bench found: a row for each peer and case, the machine, and how fit it was."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vshm_ctypes.commandline.atomic_file import write_whole

from ..figures.statistic import percentile_us
from .outcome import Outcome

SCHEMA = 1


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """fps 0: full rate. size: bytes of a frame."""

    size: int
    receivers: int
    fps: int


@dataclass(frozen=True, slots=True)
class Row:
    """A peer in a case, all blocks together. received, missed: of all receivers, each. CPU: of one frame, one process.

    cpu: None: no receiver had a frame that counts. error: why there is no figure.
    """

    peer: str
    language: str
    copies: int
    how: str
    size: int
    receivers: int
    fps: int
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
    """A run. others_share: of the processors, used by programs that are not ours, 0 to 1. reasons: why the host was not
    fit for timing. missing: peers that are not here, and why. rounds: blocks of each row.
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
        """Rows whose books do not balance, or whose peer does not work."""
        return [row for row in self.rows if row.faults or row.error]

    def write(self, path: Path) -> None:
        """As JSON. Raises OSError."""
        write_whole(path, json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, allow_nan=False) + "\n")


def row_of(about: tuple[str, str, int, str], case: Case, outcomes: list[Outcome]) -> Row:
    """Of a peer's blocks of one case. about: peer, language, copies, how."""
    latency_ns = [ns for one in outcomes for ns in one.latency_ns]
    received = [count for one in outcomes for count in one.received]
    costs = [(one.receiver_cpu_us, sum(one.received)) for one in outcomes if one.receiver_cpu_us is not None]
    faults: dict[str, int] = {}
    for one in outcomes:
        for name, count in one.faults.items():
            faults[name] = faults.get(name, 0) + count
    sent = sum(one.sent for one in outcomes)
    return Row(
        *about,
        case.size,
        case.receivers,
        case.fps,
        sent=sent,
        sent_per_s=sum(one.sent_per_s for one in outcomes) / len(outcomes),
        received=sum(received),
        missed=sum(count for one in outcomes for count in one.missed),
        p50_us=percentile_us(latency_ns, 50),
        p99_us=percentile_us(latency_ns, 99),
        sender_cpu_us=sum(one.sender_cpu_us * one.sent for one in outcomes) / sent,
        receiver_cpu_us=sum(us * count for us, count in costs) / sum(count for _, count in costs) if costs else None,
        faults=faults,
    )
