# SPDX-License-Identifier: Apache-2.0
"""Hiccup control: a process beside the fleet that sees when the host itself stood still.

On each processor a thread sleeps 1 ms again and again, and keeps how much later it woke. It runs at real-time priority
where that is permitted, so that no load of ours can delay it; where it is not, the time that it waited for a processor
that others used is taken off. What is left is the host's: a hypervisor, firmware, the kernel.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from ..figures.latency import LatencyHistogram
from ..processes.environment import child_environment

ANSWER_TIMEOUT_S = 30.0  # a process of an emulated machine takes seconds to start
STALL_FLOOR_NS = 500_000  # shorter ones are in the histogram only
STALLS_KEPT = 2000  # the longest, for each processor


class Stall(NamedTuple):
    """The host stood still. at_ns: CLOCK_MONOTONIC at its end."""

    at_ns: int
    stall_ns: int
    cpu: int


@dataclass(frozen=True, slots=True)
class HostStalls:
    """What the control saw between two clock readings (CLOCK_MONOTONIC).

    histogram: of every wake, how late it was. stalls: the long ones, in order of time. steal_share: how much of the
    processors' time the hypervisor gave to others, 0 to 1. realtime: whether real-time priority was permitted.
    processors: how many were watched.
    """

    begin_ns: int
    end_ns: int
    processors: int
    realtime: bool
    stalls: tuple[Stall, ...]
    histogram: LatencyHistogram
    steal_share: float

    @property
    def longest_ns(self) -> int:
        """The longest stall; 0: none was seen."""
        return max((stall.stall_ns for stall in self.stalls), default=0)


class HiccupError(RuntimeError):
    """The control does not answer: nothing is known of the host."""


class Hiccups:
    """The control at work; a context manager. Raises HiccupError where its process does not start or answer.

    realtime: at real-time priority where that is permitted; else at normal priority, as where it is not.
    """

    def __init__(self, realtime: bool = True) -> None:
        self._wants_realtime = realtime
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "hil.host.hiccup_watch", *([] if self._wants_realtime else ["normal"])]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=child_environment()
        )
        try:
            self._answer()  # it watches from now on
        except BaseException:
            self._end()
            raise
        return self

    @property
    def pid(self) -> int:
        """The control's process. Raises HiccupError where there is none."""
        return self._running().pid

    def take(self) -> HostStalls:
        """What was seen since the begin, or since the last time. Raises HiccupError."""
        process = self._running()
        assert process.stdin is not None
        try:
            os.write(process.stdin.fileno(), b"\n")  # past the buffer: what stays in it fails again at the close
        except OSError as error:
            raise HiccupError(f"the hiccup control is gone: {error.strerror}") from None
        return _parse(self._answer())

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise HiccupError("the hiccup control does not run: it is a context manager")
        return self._process

    def _answer(self) -> str:
        process = self._running()
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], ANSWER_TIMEOUT_S)[0]:
            raise HiccupError(f"the hiccup control said nothing for {ANSWER_TIMEOUT_S:g} s")
        line = process.stdout.readline()
        if not line:
            raise HiccupError(f"the hiccup control ended with {process.wait()}")
        return line

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            process.kill()  # it holds nothing that would have to be put away

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()


def _parse(line: str) -> HostStalls:
    told = json.loads(line)
    stalls = sorted(Stall(*stall) for stall in told["stalls"])
    return HostStalls(
        begin_ns=told["begin_ns"],
        end_ns=told["end_ns"],
        processors=told["processors"],
        realtime=told["realtime"],
        stalls=tuple(stalls),
        histogram=LatencyHistogram.decode(told["histogram"]),
        steal_share=told["steal_share"],
    )
