# SPDX-License-Identifier: Apache-2.0
"""What is done to a fleet's writer while it runs, on a time line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

FaultKind = Literal[
    "kill_writer",  # SIGKILL
    "end_writer",  # asked to end, it closes the ring
    "start_writer",  # anew, as it was
    "stop_writer",  # SIGSTOP: as a machine that hangs
    "continue_writer",
    "second_producer",  # another writer wants the same ring
    "replace_ring",  # the writer is killed, and the next one makes a ring of another geometry
    "remove_name",  # the ring's name is deleted, as by a session manager at logout
]


@dataclass(frozen=True, slots=True)
class Fault:
    """at_s: seconds after all were attached."""

    at_s: float
    kind: FaultKind

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"{self.kind}: no such fault; there are {', '.join(get_args(FaultKind))}")


@dataclass(slots=True)
class FaultResult:
    """at_ns: CLOCK_MONOTONIC, when it was done. code, said: how a second producer ended, and its last words."""

    kind: str
    at_ns: int
    code: int | None = None
    said: str = ""
