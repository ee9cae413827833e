# SPDX-License-Identifier: Apache-2.0
"""The faults that can be injected into a fleet's writer while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

FaultKind = Literal[
    "kill_writer",  # SIGKILL
    "end_writer",  # told to end, it closes the ring
    "start_writer",  # again, with the same arguments
    "stop_writer",  # SIGSTOP, like a machine that hangs
    "continue_writer",
    "second_producer",  # another writer wants the same ring
    "replace_ring",  # the writer is killed, and the next one creates a ring of another geometry
    "remove_name",  # the ring's name is deleted, as by a session manager at logout
]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. at_s: seconds after all workers were attached."""

    at_s: float
    kind: FaultKind

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"{self.kind}: no such fault; there are {', '.join(get_args(FaultKind))}")


@dataclass(slots=True)
class FaultResult:
    """What came of a fault. at_ns: when it was injected, CLOCK_MONOTONIC.

    code, said: exit code and last words of a second producer.
    """

    kind: str
    at_ns: int
    code: int | None = None
    said: str = ""
