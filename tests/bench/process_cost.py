# SPDX-License-Identifier: Apache-2.0
"""Runs programs that hand out pictures, and measures what a picture costs them: processor time, memory, the start."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import IO

from vshm_ctypes import Codec, Consumer, VideoShmError
from vshm_ctypes.bitstream import Splitter
from vshm_ctypes.commandline.child import end_child

PATIENCE_S = 300.0  # for a first picture; a virtual machine without KVM is slow
SETTLE_S = 2.0  # from the first picture to the measurement: what is imported and allocated once is over by then
LOOK_S = 0.25
END_S = 10.0


@dataclass(frozen=True)
class Program:
    """A program whose pictures come from a ring or a pipe.

    rings: those that it writes; without any its pictures come through standard output, or that of reader, a program
    whose own cost does not count, and which is started once the file meeting is there. mark: bytes that each JPEG
    picture has once.
    """

    arguments: Sequence[str]
    codec: Codec = Codec.H264
    rings: Sequence[str] = ()
    reader: Sequence[str] = ()
    meeting: Path = Path("/")
    mark: bytes = b""


@dataclass(frozen=True)
class Cost:
    """What programs that work side by side took together, in the time measured.

    cpu_ms: of a processor, for each picture of the first output. anon_mb: private memory (RssAnon), the most that was
    seen. first_s: from the start of the last program to its first picture. frames: of the first output.
    """

    cpu_ms: float
    anon_mb: float
    first_s: float
    frames: int


@dataclass
class _Counter:
    """Counts the pictures of one output."""

    frames: int = 0
    first: Event = field(default_factory=Event)
    first_s: float = 0.0

    def add(self, frames: int) -> None:
        if frames and not self.frames:
            self.first_s = time.monotonic()
            self.first.set()
        self.frames += frames


def _count_ring(counter: _Counter, ring: str, over: Event) -> None:
    """Count what comes into a ring, once it is there."""
    while not over.is_set():
        with suppress(VideoShmError), Consumer(ring) as consumer:
            while not over.is_set():
                counter.add(consumer.receive(timeout=0.1) is not None)
        time.sleep(0.002)


def _count_pipe(counter: _Counter, pipe: IO[bytes], codec: Codec, mark: bytes) -> None:
    """Count what comes through a pipe: access units, one of which is complete once the next one begins, or marks."""
    splitter, before = Splitter(codec) if codec != Codec.JPEG else None, b""
    while data := pipe.read1(1 << 20):  # type: ignore[attr-defined]
        if splitter is not None:
            counter.add(sum(1 for _ in splitter.feed(data)))
            if not counter.first.is_set():  # its beginning is what a reader waits for
                counter.first_s = time.monotonic()
                counter.first.set()
        else:
            joined = before + data
            counter.add(joined.count(mark))
            before = joined[1 - len(mark) :]


def cpu_ns(pid: int) -> int:
    """Return the processor time of a process with all its threads, those that ended too."""
    return time.clock_gettime_ns((~pid << 3) | 2)  # the clock that clock_getcpuclockid(3) names


def anonymous_mb(pid: int) -> float:
    """Return a process's private memory."""
    found = re.search(r"^RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found is not None else 0.0


@contextmanager
def _started(
    arguments: Sequence[str], environment: dict[str, str], log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment
    ) as process:
        try:
            yield process
        finally:
            end_child(process, END_S)


def _counted(program: Program, pipe: IO[bytes], over: Event) -> list[_Counter]:
    """Count the pictures of each output of a program, on threads that end with it."""
    counters = [_Counter() for _ in program.rings or [""]]
    for counter, ring in zip(counters, program.rings or [""], strict=True):
        call, rest = (_count_ring, (ring, over)) if ring else (_count_pipe, (pipe, program.codec, program.mark))
        Thread(target=call, args=(counter, *rest), daemon=True).start()
    return counters


def _wait(counter: _Counter, processes: Sequence[subprocess.Popen[bytes]], log_path: Path) -> None:
    """Wait for a first picture. Raises RuntimeError."""
    until_s = time.monotonic() + PATIENCE_S
    while not counter.first.wait(0.05):
        if time.monotonic() > until_s or any(process.poll() is not None for process in processes):
            raise RuntimeError(f"no picture came: {log_path.read_text()[-2000:]}")


def _wait_for_file(path: Path, process: subprocess.Popen[bytes], log_path: Path) -> None:
    """Wait for a file. Raises RuntimeError."""
    until_s = time.monotonic() + PATIENCE_S
    while not path.exists():
        if time.monotonic() > until_s or process.poll() is not None:
            raise RuntimeError(f"{path} did not come: {log_path.read_text()[-2000:]}")
        time.sleep(0.01)


def measured(programs: Sequence[Program], seconds: float, environment: dict[str, str], log_path: Path) -> Cost:
    """Run programs side by side and return their cost. Raises RuntimeError, with their words, if no picture comes."""
    over = Event()
    with ExitStack() as stack, log_path.open("wb") as log:
        stack.callback(over.set)
        processes: list[subprocess.Popen[bytes]] = []
        counters: list[_Counter] = []
        for program in programs:
            begin_s = time.monotonic()
            process = stack.enter_context(_started(program.arguments, environment, log))
            reader = process
            if program.reader:
                _wait_for_file(program.meeting, process, log_path)
                reader = stack.enter_context(_started(program.reader, environment, log))
            assert reader.stdout is not None
            processes.append(process)
            counters += _counted(program, reader.stdout, over)
        for counter in counters:
            _wait(counter, processes, log_path)
        first_s = counters[-1].first_s - begin_s
        time.sleep(SETTLE_S)
        pids = [process.pid for process in processes]
        frames, spent, anon_mb = counters[0].frames, sum(map(cpu_ns, pids)), 0.0
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            anon_mb = max(anon_mb, sum(map(anonymous_mb, pids)))
            time.sleep(min(LOOK_S, left_s))
        spent, frames = sum(map(cpu_ns, pids)) - spent, counters[0].frames - frames
        if not frames:
            raise RuntimeError(f"no more pictures came: {log_path.read_text()[-2000:]}")
        return Cost(spent / 1e6 / frames, anon_mb, first_s, frames)


def python_environment(compiled: Path) -> dict[str, str]:
    """Return the environment of programs in Python as after an installation: what is imported was compiled before."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment
