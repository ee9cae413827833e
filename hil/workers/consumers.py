# SPDX-License-Identifier: Apache-2.0
"""Consumers of every kind, each a process of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass

from hil.workers.behaviours import STEADY, Behaviour, behaviour

from .child import Child, Site, start_program, start_python
from .life import ConsumerLife
from .programs import find_program
from .records import received_on
from .saved import printed_by_example
from .tape import Tape
from .worker import Worker

TAPE_RECORDS = 8192  # some minutes at a camera's rate


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer of a fleet. kind: of KINDS. start: its first frame. records: capacity of its tape, a power of two."""

    kind: str = "c"
    behaviour: Behaviour = STEADY
    start: str = "next"
    records: int = TAPE_RECORDS

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind}: no such kind of consumer; there are {', '.join(KINDS)}")
        kind = KINDS[self.kind]
        if self.behaviour.decodes and not kind.python:
            raise ValueError(
                f"{self.kind} can't decode; these can: {', '.join(name for name in KINDS if KINDS[name].python)}"
            )
        if (self.behaviour.work_ms or self.behaviour.burst_frames) and not kind.measures:
            raise ValueError(f"{self.kind} can't be {self.behaviour.name}; these can: {', '.join(MEASURING)}")

    @property
    def name(self) -> str:
        """The name in reports and of files."""
        return self.kind if self.behaviour is STEADY else f"{self.kind}-{self.behaviour.name}"

    @property
    def skips(self) -> bool:
        """Whether it skips frames by its own policy."""
        return KINDS[self.kind].policy != "every"

    @classmethod
    def parse(cls, words: str) -> Consumer:
        """Parse a kind, and after an @ a behaviour: c, borrow@slow:20. Raises ValueError."""
        kind, _, how = words.partition("@")
        return cls(kind, behaviour(how) if how else STEADY)


class ConsumerWorker(Worker):
    """The process of a consumer."""

    good_codes: tuple[int, ...] = (0,)

    def __init__(self, site: Site, name: str, consumer: Consumer, tape: Tape | None = None) -> None:
        self.consumer = consumer
        super().__init__(site, name, tape)

    @property
    def progress(self) -> int:
        """A number that grows while it handles frames, for consumers that can't be told to read the rest and end."""
        return 0

    def life(self) -> ConsumerLife:
        """Return its record, once it has ended."""
        code = self.child.code
        assert code is not None
        return ConsumerLife(
            started_ns=self.child.started_ns,
            ended_ns=self.ended_ns,
            code=code,
            meant=self.told_to_end and code in self.good_codes,
            complaints=self.child.complaints,
            samples=self.samples,
            library=self.library,
        )


class TapedConsumer(ConsumerWorker):
    """A consumer of the harness, which records its frames on a tape."""

    tape: Tape

    def __init__(self, site: Site, name: str, consumer: Consumer) -> None:
        super().__init__(site, name, consumer, Tape(consumer.records))

    def start(self) -> Child:
        kind = KINDS[self.consumer.kind]
        if kind.python:
            return start_python(self.site, self.name, "hil.workers.python_consumer", self._python_words(kind))
        if self.consumer.kind == "v1":
            program = find_program("v1_consumer", self.site.library)
            return start_program(self.site, self.name, [program, str(self.site.channel), self.tape.path])
        return start_program(self.site, self.name, [find_program("consumer", self.site.library), *self._c_words(kind)])

    def _c_words(self, kind: ConsumerKind) -> list[str]:
        how = self.consumer.behaviour
        words = ["-n", self.site.ring, "-t", self.tape.path, "-p", kind.policy, "-f", self.consumer.start]
        return [*words, "-w", str(round(how.work_ms)), "-b", str(how.burst_frames), "-s", str(round(how.pause_ms))]

    def _python_words(self, kind: ConsumerKind) -> list[str]:
        how = self.consumer.behaviour
        words = ["--ring", self.site.ring, "--tape", self.tape.path, "--face", self.consumer.kind]
        words += ["--policy", kind.policy, "--start", self.consumer.start, "--work-ms", str(how.work_ms)]
        words += ["--burst-frames", str(how.burst_frames), "--pause-ms", str(how.pause_ms)]
        return [*words, "--decode"] if how.decodes else words

    def is_ready(self) -> bool:
        return "\n" in self.child.output

    def life(self) -> ConsumerLife:
        life = super().life()
        self.drain()
        life.received, life.events = received_on(bytes(self.written_down))
        said = self.child.lines()
        if said and self.consumer.kind != "v1":  # a v1 consumer is signalled only once it is registered
            life.attach_number = said[0]["attach_number"]
        life.closing = said[1] if len(said) > 1 else None
        life.stalls = self.tape.stalls
        self.close()
        return life


class Example(ConsumerWorker):
    """The library's example in C, known by what it printed and the stream that it saved."""

    def start(self) -> Child:
        self._saved = self.site.folder / f"{self.name}.stream"
        program = find_program("video_consumer", self.site.library)
        return start_program(self.site, self.name, [program, "-n", self.site.ring, "-o", self._saved])

    def is_ready(self) -> bool:
        return self.waits_for_ring()

    @property
    def progress(self) -> int:
        return len(self.child.output)

    def life(self) -> ConsumerLife:
        life = super().life()
        life.printed = self.child.output
        life.received, life.closing = printed_by_example(life.printed, self._saved.read_bytes())
        return life


class Recorder(ConsumerWorker):
    """vshm record, known by the stream that it saved. Which frames those are, only the writer's ledger can tell."""

    good_codes = (0, 1)  # 1: it missed frames, and reports so

    def start(self) -> Child:
        self._saved = self.site.folder / f"{self.name}.raw"
        words = ["record", self.site.ring, "--output", str(self._saved), "--reconnect", "--json"]
        return start_python(self.site, self.name, "vshm_ctypes.cli.main", words)

    def is_ready(self) -> bool:
        return self.waits_for_ring()

    @property
    def progress(self) -> int:
        return self._saved.stat().st_size if self._saved.exists() else 0

    def tell_to_end(self) -> None:
        self.told_to_end = True
        self.child.send(signal.SIGINT)

    def life(self) -> ConsumerLife:
        life = super().life()
        said = self.child.lines()
        if said:  # after missed frames it waits for a keyframe, without counting the frames that it skips
            skipped = None if said[-1]["gaps"] else 0
            life.closing = {"received": said[-1]["frames"], "missed": said[-1]["missed"], "skipped": skipped}
        life.saved = self._saved.read_bytes() if self._saved.exists() else b""
        return life


@dataclass(frozen=True, slots=True)
class ConsumerKind:
    """A kind of consumer. measures: it records when it was awake. python: it runs in the warm interpreter.

    writes: into the ring's header, and to its semaphores.
    """

    make: Callable[[Site, str, Consumer], ConsumerWorker]
    policy: str = "every"
    measures: bool = True
    python: bool = False
    writes: bool = False


KINDS = {
    "c": ConsumerKind(TapedConsumer),
    "example": ConsumerKind(Example, measures=False),
    "for": ConsumerKind(TapedConsumer, python=True),
    "borrow": ConsumerKind(TapedConsumer, python=True),
    "asyncio": ConsumerKind(TapedConsumer, python=True),
    "keyframes": ConsumerKind(TapedConsumer, policy="keyframes"),
    "newest": ConsumerKind(TapedConsumer, policy="newest"),
    "recorder": ConsumerKind(Recorder, measures=False),
    "v1": ConsumerKind(TapedConsumer, policy="newest", writes=True),
}
MEASURING = tuple(name for name, kind in KINDS.items() if kind.measures)
