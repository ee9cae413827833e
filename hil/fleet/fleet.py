# SPDX-License-Identifier: Apache-2.0
"""Runs one writer and its consumers through a plan, from their start to their end."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from hil.host.priority import Priority
from hil.workers.child import Site
from hil.workers.consumers import Consumer
from hil.workers.programs import loaded_library
from hil.workers.saved import found_in_stream
from hil.workers.worker import WorkerError
from hil.workers.writers import Writer
from vshm_ctypes import RingInfo, inspect, ring_name

from ..workers.shared_memory import ring_names
from .crew import Crew, Member
from .faults import Fault, FaultResult
from .guard import Guard
from .result import ConsumerResult, FleetResult, WriterResult
from .witness import all_written

DRAIN_EVERY_S = 0.1
_numbers = itertools.count()

Progress = Callable[[float], object]  # called with the seconds that have passed


class FleetError(RuntimeError):
    """The fleet could not start, or failed. The message contains the worker's last words."""


def own_channel() -> int:
    """Return a channel number that no other fleet on this machine uses."""
    return 100_000 + os.getpid() % 10_000_000 * 100 + next(_numbers) % 100


class Fleet:
    """A fleet. It is a context manager, and leaves nothing behind whatever happens.

    seconds: how long it runs once all are attached, without the time in which a writer restarts. library: the file
    under test, or None for the one that this process uses. seed: for random times, or None for a new one. patience_s:
    how long anything may take to start or to end; what takes longer is killed. priority: of all its processes.
    contained: each of them in a container of its own. Raises FleetError, ProgramError or PriorityError.
    """

    def __init__(
        self,
        writer: Writer,
        consumers: Sequence[Consumer],
        seconds: float,
        *,
        library: Path | None = None,
        faults: Sequence[Fault] = (),
        seed: int | None = None,
        priority: Priority = "normal",
        sample_every_s: float = 2.0,
        patience_s: float = 120.0,
        contained: bool = False,
    ) -> None:
        self.writer = writer
        self.seconds = seconds
        self.seed = random.SystemRandom().randrange(2**32) if seed is None else seed
        self.channel = own_channel()
        self.ring = ring_name(self.channel)
        self._library = (library or loaded_library()).resolve(strict=True)
        self._faults = faults
        self._priority = priority
        self._contained = contained
        self._patience_s, self._sample_every_s = patience_s, sample_every_s
        dice = random.Random(self.seed)
        plans = [consumer.behaviour.plan(seconds, dice) for consumer in consumers]
        self._members = [
            Member(f"{at}-{consumer.name}", consumer, deeds)
            for at, (consumer, deeds) in enumerate(zip(consumers, plans, strict=True))
        ]
        self._fault_results: list[FaultResult] = []
        self._next_sample_s = 0.0
        self._begin_ns = 0
        self._over = False

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hil-fleet-")))
            guard = Guard(self.channel, folder)
            stack.callback(guard.release)
            self.site = Site(self.channel, self.ring, folder, guard.group, self._library, self._contained)
            self.crew = Crew(self.site, self.writer, self._members, self._priority, self._patience_s)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.crew.kill()
        self._stack.close()
        self.crew.reap()

    def run(self, progress: Progress | None = None) -> FleetResult:
        """Run the fleet once, and return the result. Raises FleetError."""
        crew = self.crew
        try:
            crew.gather()
            assert crew.writer is not None
            self._begin_ns = time.monotonic_ns()
            crew.writer.go()
            ring = inspect(self.ring)
            self._follow_time_line(progress)
            end_ns = time.monotonic_ns()
            crew.end_writer()
            names_left = [path.name for path in ring_names(self.channel) if path.exists()]
            crew.end_consumers()
        except WorkerError as error:
            raise FleetError(str(error)) from None
        return self._result(end_ns, ring, names_left)

    def end_early(self) -> None:
        """Let run() end now as if its time were over. Can be called by a signal handler or by progress."""
        self._over = True

    def _follow_time_line(self, progress: Progress | None) -> None:
        """Do all that is planned, each at its time. The time in which a writer restarts does not count.

        What comes late on a busy host is not cut short: whoever is stopped late goes on later, too.
        """
        waited_s, late_s = 0.0, defaultdict[str, float](float)
        for at_s, whose, act in self._time_line():
            self._until(at_s + waited_s + late_s[whose], progress)
            if self._over:
                return
            late_s[whose] = max(0.0, self._passed_s() - at_s - waited_s)
            act()
            waited_s += self._await_writer(progress)
        self._until(self.seconds + waited_s, progress)

    def _time_line(self) -> list[tuple[float, str, Callable[[], None]]]:
        line: list[tuple[float, str, Callable[[], None]]] = []
        for member in self._members:
            line += [(deed.at_s, member.name, partial(self.crew.do, member, deed)) for deed in member.deeds]
        line += [(fault.at_s, "the writer", partial(self._disturb, fault)) for fault in self._faults]
        return sorted(line, key=lambda entry: entry[0])

    def _disturb(self, fault: Fault) -> None:
        self._fault_results.append(self.crew.disturb(fault))

    def _passed_s(self) -> float:
        return (time.monotonic_ns() - self._begin_ns) / 1e9

    def _until(self, at_s: float, progress: Progress | None) -> None:
        while (left_s := at_s - self._passed_s()) > 0 and not self._over:
            time.sleep(min(left_s, DRAIN_EVERY_S))
            self.crew.drain()
            for worker in self.crew.workers():
                worker.check()
            if self._passed_s() >= self._next_sample_s:
                self._next_sample_s = self._passed_s() + self._sample_every_s
                for worker in self.crew.workers():
                    worker.sample()
            if progress is not None:
                progress(min(self._passed_s(), self.seconds))

    def _await_writer(self, progress: Progress | None) -> float:
        """Wait until the writer is writing, if there is one. Returns how many seconds that took."""
        begin_s, writer = self._passed_s(), self.crew.writer
        if writer is None or writer.is_ready():
            return 0.0
        while not writer.is_ready():
            if self._passed_s() > begin_s + self._patience_s:
                raise WorkerError(
                    f"{writer.name} was not ready within {self._patience_s:g} s: {writer.child.complaints}"
                )
            self._until(self._passed_s() + 0.02, progress)
        self.crew.welcome(writer)
        return self._passed_s() - begin_s

    def _result(self, end_ns: int, ring: RingInfo, names_left: list[str]) -> FleetResult:
        writer = WriterResult(self.ring, self.crew.writer_lives)
        consumers = [ConsumerResult(member.name, member.consumer, member.lives) for member in self._members]
        written = all_written(writer.lives, [consumer.received for consumer in consumers])
        for life in (life for consumer in consumers for life in consumer.lives):
            if life.saved is not None:
                life.received = found_in_stream(life.saved, written)
        return FleetResult(self._begin_ns, end_ns, self.seed, ring, writer, consumers, self._fault_results, names_left)
