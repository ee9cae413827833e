# SPDX-License-Identifier: Apache-2.0
"""Loads the machine while a fleet runs: every processor, memory bandwidth, page cache and disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

import psutil

from hil.processes.process_group import end_group
from hil.workers.programs import find_program, loaded_library

LoadKind = Literal["none", "cpu", "memory", "disk"]
KINDS: tuple[LoadKind, ...] = get_args(LoadKind)
END_S = 60.0  # a killed process stays until a slow disk has finished its writes
STRESS_NG = {"cpu": ["--cpu"], "memory": ["--stream"], "disk": ["--hdd-bytes", "256m", "--hdd"]}


class LoadError(RuntimeError):
    """The load did not start, last, or end, so that nothing was measured under it alone."""


class Load:
    """A load during a block. Nothing of it remains afterwards, also if this process is killed.

    It is made by stress-ng if installed, unless own is set, else by a small program of the harness. processors: how
    many are kept busy; 0 means all. folder: on the disk to load. Raises LoadError or ProgramError.
    """

    def __init__(self, kind: LoadKind, *, processors: int = 0, folder: Path | None = None, own: bool = False) -> None:
        if kind not in KINDS:
            raise ValueError(f"{kind}: no such load; there are {', '.join(KINDS)}")
        self.kind = kind
        self._processors = processors or len(os.sched_getaffinity(0))
        self._folder = folder or Path(tempfile.gettempdir())
        self._stress_ng = None if own else shutil.which("stress-ng")
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def tool(self) -> str:
        """What makes the load."""
        return "stress-ng" if self._stress_ng else "burner"

    def _commands(self) -> list[list[str]]:
        if self.kind == "none":
            return []
        burner = [str(find_program("burner", loaded_library())), str(os.getpid())]
        if self._stress_ng:
            words = [*STRESS_NG[self.kind], str(self._processors), "--temp-path", str(self._folder), "--quiet"]
            return [[*burner, "run", self._stress_ng, *words]]
        place = [str(self._folder)] if self.kind == "disk" else []
        return [[*burner, self.kind, *place]] * self._processors

    def __enter__(self) -> Self:
        try:
            for command in self._commands():
                self._processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True))
        except BaseException:
            self._end()
            raise
        return self

    def check(self) -> None:
        """Raise LoadError unless all of it still runs."""
        codes = [code for process in self._processes if (code := process.poll()) is not None]
        if codes:
            raise LoadError(f"the {self.kind} load by {self.tool} ended by itself with {codes[0]}: see above")

    def cpu_s(self) -> float:
        """Return the CPU seconds that it has used so far."""
        total = 0.0
        for process in self._processes:
            with suppress(psutil.Error):
                root = psutil.Process(process.pid)
                for one in (root, *root.children(recursive=True)):
                    times = one.cpu_times()
                    total += times.user + times.system
        return total

    def _end(self) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM if self._stress_ng else signal.SIGKILL)
        deadline, stubborn = time.monotonic() + END_S, False
        for process in self._processes:
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                stubborn = True
            end_group(process.pid)
            process.wait()
        self._processes.clear()
        if stubborn:
            raise LoadError(f"the {self.kind} load by {self.tool} had to be killed: it did not end within {END_S:g} s")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.check()
        finally:
            self._end()
