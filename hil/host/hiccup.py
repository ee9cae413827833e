# SPDX-License-Identifier: Apache-2.0
"""The hiccup control: a process beside the fleet that measures when the host itself stalled.

On each processor a thread repeatedly sleeps 1 ms, and records how much later it woke. It has real-time priority if
permitted, so that no load of ours can delay it; otherwise the time that it waited for a processor in use by others is
subtracted. What remains is due to the host: its hypervisor, firmware or kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from vshm_ctypes.commandline.own_module import own_module

from ..figures.latency import LatencyHistogram
from ..processes.environment import child_environment
from ..processes.readable import readable

ANSWER_TIMEOUT_S = 30.0  # a process in an emulated machine takes seconds to start
STALL_FLOOR_NS = 500_000  # shorter ones are in the histogram only
STALLS_KEPT = 2000  # the longest, per processor


class Stall(NamedTuple):
    """A stall of the host. at_ns: its end, CLOCK_MONOTONIC."""

    at_ns: int
    stall_ns: int
    cpu: int


@dataclass(frozen=True, slots=True)
class HostStalls:
    """What the control saw between two times of CLOCK_MONOTONIC.

    histogram: the delay of every wake-up. stalls: the long ones, in order of time. steal_share: the share of the
    processors' time that the hypervisor took, 0 to 1. realtime: whether real-time priority was permitted. processors:
    how many were watched.
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
        """The longest stall in ns, or 0 if there was none."""
        return max((stall.stall_ns for stall in self.stalls), default=0)


class HiccupError(RuntimeError):
    """The control does not answer, so that nothing is known of the host."""


class Hiccups:
    """The running control. It is a context manager. Raises HiccupError if its process does not start or answer.

    realtime: whether to use real-time priority if permitted.
    """

    def __init__(self, realtime: bool = True) -> None:
        self._wants_realtime = realtime
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = own_module("hil.host.hiccup_watch", *([] if self._wants_realtime else ["normal"]))
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
        """The control's process ID. Raises HiccupError if it does not run."""
        return self._running().pid

    def take(self) -> HostStalls:
        """Return what was seen since the start or the last call. Raises HiccupError."""
        process = self._running()
        assert process.stdin is not None
        try:
            os.write(process.stdin.fileno(), b"\n")  # unbuffered: what stays in a buffer would fail again at the close
        except OSError as error:
            raise HiccupError(f"the hiccup control has ended: {error.strerror}") from None
        return _parse(self._answer())

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise HiccupError("the hiccup control does not run: use it in a with statement")
        return self._process

    def _answer(self) -> str:
        process = self._running()
        assert process.stdout is not None
        if not readable([process.stdout.fileno()], ANSWER_TIMEOUT_S):
            raise HiccupError(f"the hiccup control has not answered for {ANSWER_TIMEOUT_S:g} s")
        line = process.stdout.readline()
        if not line:
            raise HiccupError(f"the hiccup control ended with exit code {process.wait()}")
        return line

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            process.kill()  # it holds nothing that has to be cleaned up

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
