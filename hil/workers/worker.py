# SPDX-License-Identifier: Apache-2.0
"""A running process of a fleet: it is started, sampled, told to end, and reaped."""

from __future__ import annotations

import contextlib
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path

import psutil

from .child import Child, Site
from .life import Sample
from .tape import Tape


class WorkerError(RuntimeError):
    """A worker did not do what it was started for. The message contains its last words."""


class Worker(ABC):
    """The base class of all workers. name: of its files in the site's folder. tape: what it records on, or None."""

    def __init__(self, site: Site, name: str, tape: Tape | None = None) -> None:
        self.site = site
        self.name = name
        self.tape = tape
        self.written_down = bytearray()  # what was taken from the tape
        self.child = self.start()
        self.samples: list[Sample] = []
        self.library: Path | None = None
        self.told_to_end = False
        self.ended_ns = 0
        self._process: psutil.Process | None = None

    @abstractmethod
    def start(self) -> Child:
        """Start the process."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether it is attached, or has created its ring."""

    def drain(self) -> None:
        """Take what it has recorded. Called regularly, so that the tape does not fill up."""
        if self.tape is not None:
            self.written_down += self.tape.take(ended=not self.runs)

    def close(self) -> None:
        """Close its tape. A second call does nothing."""
        if self.tape is not None:
            self.tape.close()

    @property
    def runs(self) -> bool:
        """Whether it still runs."""
        if self.child.code is not None and not self.ended_ns:
            self.ended_ns = time.monotonic_ns()
        return self.child.code is None

    def check(self) -> None:
        """Raise WorkerError if it has ended before it was told to."""
        if not self.runs and not self.told_to_end:
            raise WorkerError(
                f"{self.name} ended by itself with {self.child.code}: {self.child.complaints or 'no word'}"
            )

    def sample(self) -> None:
        """Take a sample of its costs."""
        with contextlib.suppress(psutil.Error, FileNotFoundError):
            process = self._process = self._process or psutil.Process(self.child.pid)
            with process.oneshot():
                times, switches, memory = process.cpu_times(), process.num_ctx_switches(), process.memory_full_info()
                sample = Sample(
                    at_ns=time.monotonic_ns(),
                    cpu_s=times.user + times.system,
                    voluntary_switches=switches.voluntary,
                    involuntary_switches=switches.involuntary,
                    pss_bytes=memory.pss,
                    rss_bytes=memory.rss,
                    descriptors=process.num_fds(),
                    threads=process.num_threads(),
                    mappings=Path(f"/proc/{self.child.pid}/maps").read_bytes().count(b"\n"),
                )
            self.samples.append(sample)

    def note_library(self) -> None:
        """Note which library it has loaded, as the kernel shows it."""
        with contextlib.suppress(OSError):
            lines = [line.split(maxsplit=5) for line in Path(f"/proc/{self.child.pid}/maps").read_text().splitlines()]
            code = [Path(words[5]) for words in lines if len(words) == 6 and "x" in words[1]]
            ours = (path for path in code if path == self.site.library or "libvideo_shm" in path.name)
            self.library = next(ours, None)

    def waits_for_ring(self) -> bool:
        """Return whether it sleeps with its ring mapped. One that has only mapped it has no position in it yet."""
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            maps = f"/dev/shm{self.site.ring}\n" in Path(f"/proc/{self.child.pid}/maps").read_text()
            return maps and psutil.Process(self.child.pid).status() == psutil.STATUS_SLEEPING
        return False

    def tell_to_end(self) -> None:
        """Tell it to end by itself, also if it is stopped."""
        self.told_to_end = True
        self.child.send(signal.SIGTERM)
        self.child.send(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it."""
        self.told_to_end = True
        self.child.send(signal.SIGKILL)

    def reap(self, timeout_s: float) -> None:
        """Take its last records once it has ended. It is killed if it still runs after timeout_s seconds."""
        self.child.send(signal.SIGKILL)
        self.child.wait(timeout_s)
        self.drain()
        _ = self.runs  # notes the time of its end
