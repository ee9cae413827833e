# SPDX-License-Identifier: Apache-2.0
"""A process of a fleet while it lives: started, looked at, told to end, and what is left of it."""

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
    """A worker did not do what it was started for; the message has its last words."""


class Worker(ABC):
    """What all workers have in common. name: of its files in the site's folder. tape: what it writes down on, if so."""

    def __init__(self, site: Site, name: str, tape: Tape | None = None) -> None:
        self.site = site
        self.name = name
        self.tape = tape
        self.written_down = bytearray()  # taken from the tape
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
        """Whether it is attached, or has its ring."""

    def drain(self) -> None:
        """Once in a while: take what it has written down."""
        if self.tape is not None:
            self.written_down += self.tape.take(ended=not self.runs)

    def close(self) -> None:
        """Let go of what it was written down on. Twice is fine."""
        if self.tape is not None:
            self.tape.close()

    @property
    def runs(self) -> bool:
        """Whether it still lives."""
        if self.child.code is not None and not self.ended_ns:
            self.ended_ns = time.monotonic_ns()
        return self.child.code is None

    def check(self) -> None:
        """Raises WorkerError if it has ended before it was told to."""
        if not self.runs and not self.told_to_end:
            raise WorkerError(
                f"{self.name} ended by itself with {self.child.code}: {self.child.complaints or 'no word'}"
            )

    def sample(self) -> None:
        """A look at what it costs."""
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
        """Which library it has loaded, as the kernel knows it."""
        with contextlib.suppress(OSError):
            lines = [line.split(maxsplit=5) for line in Path(f"/proc/{self.child.pid}/maps").read_text().splitlines()]
            code = [Path(words[5]) for words in lines if len(words) == 6 and "x" in words[1]]
            ours = (path for path in code if path == self.site.library or "libvideo_shm" in path.name)
            self.library = next(ours, None)

    def waits_for_ring(self) -> bool:
        """Whether it sleeps with its ring mapped. One that only maps it has no place in it yet."""
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            maps = f"/dev/shm{self.site.ring}\n" in Path(f"/proc/{self.child.pid}/maps").read_text()
            return maps and psutil.Process(self.child.pid).status() == psutil.STATUS_SLEEPING
        return False

    def tell_to_end(self) -> None:
        """Ask it to end by itself, also while it is stopped."""
        self.told_to_end = True
        self.child.send(signal.SIGTERM)
        self.child.send(signal.SIGCONT)

    def kill(self) -> None:
        """End it now, whatever it does."""
        self.told_to_end = True
        self.child.send(signal.SIGKILL)

    def reap(self, timeout_s: float) -> None:
        """Take what it wrote down last, once it has ended; it is killed if it still runs."""
        self.child.send(signal.SIGKILL)
        self.child.wait(timeout_s)
        self.drain()
        _ = self.runs  # notes the time
