# SPDX-License-Identifier: Apache-2.0
"""The processes of a fleet, which are started, awaited, disturbed and ended together."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from hil.host.priority import Priority, set_priority
from hil.workers.behaviours import Deed
from hil.workers.child import Site
from hil.workers.consumers import KINDS, Consumer, ConsumerWorker
from hil.workers.life import ConsumerLife, WriterLife
from hil.workers.worker import Worker, WorkerError
from hil.workers.writers import RingWriter, Writer, WriterWorker

from ..workers.shared_memory import ring_names
from .faults import Fault, FaultResult

SETTLED_S = 0.5


@dataclass(slots=True)
class Member:
    """A consumer and its processes, one after the other."""

    name: str
    consumer: Consumer
    deeds: list[Deed]
    worker: ConsumerWorker | None = None
    lives: list[ConsumerLife] = field(default_factory=list)


class Crew:
    """A writer and its consumers. Raises WorkerError or PriorityError.

    patience_s: how long anything may take; what takes longer is killed.
    """

    def __init__(
        self, site: Site, plan: Writer, members: Sequence[Member], priority: Priority, patience_s: float
    ) -> None:
        self.site = site
        self.members = members
        self.writer: WriterWorker | None = None
        self.writer_lives: list[WriterLife] = []
        self._plan, self._priority, self._patience_s = plan, priority, patience_s
        self._starts = itertools.count()

    def workers(self) -> Iterator[Worker]:
        """Yield the workers that are not known to have ended."""
        yield from filter(None, [self.writer, *(member.worker for member in self.members)])

    def drain(self) -> None:
        """Take what the workers have recorded."""
        for worker in self.workers():
            worker.drain()

    # ---- start ----

    def gather(self) -> None:
        """Start the writer, then all consumers, and wait until all of them are attached."""
        self._wait_for(self._start_writer(self._plan))
        workers = [self._start(member) for member in self.members if member.consumer.behaviour.begins]
        for worker in workers:
            self._wait_for(worker)

    def _start_writer(self, plan: Writer) -> WriterWorker:
        self.writer = plan.start(self.site, f"writer-{next(self._starts)}")
        return self.writer

    def _start(self, member: Member) -> ConsumerWorker:
        name = f"{member.name}-{len(member.lives)}"
        kind = KINDS[member.consumer.kind]
        site = replace(self.site, read_only=not kind.writes)
        member.worker = kind.make(site, name, member.consumer)
        return member.worker

    def _wait_for(self, worker: Worker) -> None:
        deadline = time.monotonic() + self._patience_s
        while not worker.is_ready():
            worker.check()
            if time.monotonic() > deadline:
                raise WorkerError(
                    f"{worker.name} was not ready within {self._patience_s:g} s: {worker.child.complaints}"
                )
            self.drain()  # the other workers may be recording already
            time.sleep(0.01)
        self.welcome(worker)

    def welcome(self, worker: Worker) -> None:
        """Note that a worker is ready."""
        worker.note_library()
        set_priority(worker.child.pid, self._priority)

    # ---- end ----

    def _await_end(self, worker: Worker) -> None:
        """Wait until a worker has ended. It is killed if that takes too long.

        Its records are taken meanwhile, since a worker waits while its tape is full, and would not end.
        """
        deadline = time.monotonic() + self._patience_s
        while worker.runs and time.monotonic() < deadline:
            self.drain()
            time.sleep(0.005)
        worker.reap(self._patience_s)

    def _retire(self, member: Member) -> None:
        if member.worker is not None:
            self._await_end(member.worker)
            member.lives.append(member.worker.life())
            member.worker = None

    def _retire_writer(self) -> None:
        if self.writer is not None:
            self._await_end(self.writer)
            self.writer_lives.append(self.writer.life())
            self.writer = None

    def end_writer(self) -> None:
        """Tell the writer to end, and wait until it has."""
        if self.writer is not None:
            self.writer.tell_to_end()
            self._retire_writer()

    def end_consumers(self) -> None:
        """Let the consumers read what is left in the ring, and end them."""
        self._settle()
        for member in self.members:
            if member.worker is not None:
                member.worker.tell_to_end()
        for member in self.members:
            self._retire(member)

    def _settle(self) -> None:
        """Wait until the consumers that can't be told to read the rest have done so."""
        deadline = time.monotonic() + self._patience_s
        seen, since = -1, time.monotonic()
        unmeasured = [m.worker for m in self.members if m.worker and not KINDS[m.consumer.kind].measures]
        while unmeasured and time.monotonic() < min(deadline, since + SETTLED_S):
            progress = sum(worker.progress for worker in unmeasured)
            if progress != seen:
                seen, since = progress, time.monotonic()
            self.drain()
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill all workers."""
        for worker in self.workers():
            worker.kill()

    def reap(self) -> None:
        """Wait until the killed workers are gone, and forget them."""
        for worker in self.workers():
            worker.child.wait(self._patience_s)
            worker.close()

    # ---- disturbances ----

    def do(self, member: Member, deed: Deed) -> None:
        """Do what is planned to a consumer."""
        worker = member.worker
        if deed.act == "start":
            self._wait_for(self._start(member))
        elif worker is not None and deed.act in ("leave", "kill"):
            (worker.tell_to_end if deed.act == "leave" else worker.kill)()
            self._retire(member)
        elif worker is not None:
            worker.child.send(signal.SIGSTOP if deed.act == "stop" else signal.SIGCONT)

    def disturb(self, fault: Fault) -> FaultResult:
        """Do what is planned to the writer or its ring, and return what came of it."""
        result = FaultResult(fault.kind, time.monotonic_ns())
        if fault.kind == "start_writer":
            self._start_writer(self._plan).go()
        elif fault.kind == "second_producer":
            self._try_second_producer(result)
        elif fault.kind == "remove_name":
            ring_names(self.site.channel)[0].unlink(missing_ok=True)
        elif self.writer is None:
            raise WorkerError(f"{fault.kind} at {fault.at_s:g} s: there is no writer at that time")
        elif fault.kind == "end_writer":
            self.end_writer()
        elif fault.kind in ("kill_writer", "replace_ring"):
            self.writer.kill()
            self._retire_writer()
            if fault.kind == "replace_ring":
                self._start_writer(replace(self._plan, slots=self._plan.slots + 2)).go()
        else:
            self.writer.child.send(signal.SIGSTOP if fault.kind == "stop_writer" else signal.SIGCONT)
        return result

    def _try_second_producer(self, result: FaultResult) -> None:
        second = RingWriter().start(self.site, f"second-{next(self._starts)}")
        second.go()
        self._await_end(second)
        result.code = second.child.code
        result.said = second.child.complaints
        second.life()
