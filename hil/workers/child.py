# SPDX-License-Identifier: Apache-2.0
"""The processes of a fleet: programs, and Python modules in forks of a warm interpreter."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from hil.processes.environment import SAFE_PATH, child_environment, with_variable

from . import bootstrap
from .containers import RUNS_MODULE, contained, pid_of_content

# What is slow to import, and nothing that loads the library, since each worker chooses its own.
PRELOAD = ["asyncio", "av", "hil.streamer.sources.v4l2_abi", "json", "numpy", "psutil", "zlib"]

_context = multiprocessing.get_context("forkserver")


def warm_up() -> None:
    """Start the warm interpreter, which takes seconds on slow machines, while something else is being done."""
    from multiprocessing import forkserver

    _context.set_forkserver_preload(PRELOAD)
    with with_variable(SAFE_PATH, "1"):
        forkserver.ensure_running()


@dataclass(frozen=True, slots=True)
class Site:
    """Where a fleet's workers run. group: their process group. library: the one under test.

    contained: each in a container of its own. read_only: that has /dev/shm read-only.
    """

    channel: int
    ring: str
    folder: Path
    group: int
    library: Path
    contained: bool = False
    read_only: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a worker's environment has in addition to the fleet's."""
        return {"VSHM_LIBRARY": str(self.library)}


class Child:
    """A process. code: its exit code, negative for a signal, or None while it runs."""

    def __init__(
        self,
        process: subprocess.Popen[bytes] | ForkServerProcess,
        out: Path,
        errors: Path,
        pid: int | None = None,
    ) -> None:
        """pid: of the worker, if it is another process than the one that was started."""
        self._process = process
        self._out, self._errors = out, errors
        self.started_ns = time.monotonic_ns()
        started = pid or process.pid
        assert started is not None
        self.pid = started

    @property
    def code(self) -> int | None:
        process = self._process
        return process.poll() if isinstance(process, subprocess.Popen) else process.exitcode

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, unless it has ended."""
        if self.code is None:
            with suppress(ProcessLookupError):  # a fork's parent is the warm interpreter, which reaps it first
                os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code, or None if the process still runs after timeout_s seconds."""
        deadline = time.monotonic() + timeout_s
        while self.code is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return self.code

    @property
    def output(self) -> str:
        """The standard output so far."""
        return self._out.read_text(errors="replace") if self._out.exists() else ""

    @property
    def complaints(self) -> str:
        """The standard error so far."""
        return self._errors.read_text(errors="replace").strip() if self._errors.exists() else ""

    def lines(self) -> list[dict[str, Any]]:
        """Return the complete JSON lines of the standard output."""
        return [json.loads(line) for line in self.output.splitlines(keepends=True) if line.endswith("\n")]


def _files(site: Site, name: str) -> tuple[Path, Path]:
    return site.folder / f"{name}.out", site.folder / f"{name}.err"


def start_program(site: Site, name: str, command: Sequence[str | Path]) -> Child:
    """Start a program. name: of its output files in the site's folder."""
    out, errors = _files(site, name)
    command, kept = contained(command, site.read_only) if site.contained else (command, [])
    with out.open("ab") as to_out, errors.open("ab") as to_errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_errors,
            process_group=site.group,
            env=child_environment() | site.environment,
            pass_fds=kept,
        )
    return Child(process, out, errors, pid_of_content(process) if site.contained else None)


def start_python(site: Site, name: str, module: str, words: Sequence[str]) -> Child:
    """Start main(words) of a Python module. name: of its output files in the site's folder."""
    if site.contained:
        return start_program(site, name, [sys.executable, "-P", "-c", RUNS_MODULE, module, *words])
    warm_up()
    out, errors = _files(site, name)
    arguments = (module, tuple(words), str(out), str(errors), site.group, site.environment)
    process = _context.Process(target=bootstrap.run, args=arguments, name=name)
    process.start()
    return Child(process, out, errors)
