# SPDX-License-Identifier: Apache-2.0
"""Processes as a fleet starts them: programs, and Python modules in forks of a warm interpreter."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from . import bootstrap

# What takes long to import, and nothing of our own: each worker chooses its library, and loads it itself.
PRELOAD = ["asyncio", "av", "hil.streamer.sources.v4l2_abi", "json", "numpy", "psutil", "zlib"]

_context = multiprocessing.get_context("forkserver")


def warm_up() -> None:
    """Start the warm interpreter, which takes seconds on slow machines, while there is something else to do."""
    from multiprocessing import forkserver

    _context.set_forkserver_preload(PRELOAD)
    forkserver.ensure_running()


@dataclass(frozen=True, slots=True)
class Site:
    """Where a fleet's workers work. ring: channel number. group: their process group. library: the one under test."""

    channel: int
    ring: str
    folder: Path
    group: int
    library: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a worker's environment has besides the fleet's own."""
        return {"VSHM_LIBRARY": str(self.library)}


class Child:
    """One process. code: how it ended, negative for a signal; None: it runs."""

    def __init__(self, process: subprocess.Popen[bytes] | ForkServerProcess, out: Path, errors: Path) -> None:
        self._process = process
        self._out, self._errors = out, errors
        self.started_ns = time.monotonic_ns()
        assert process.pid is not None
        self.pid = process.pid

    @property
    def code(self) -> int | None:
        process = self._process
        return process.poll() if isinstance(process, subprocess.Popen) else process.exitcode

    def send(self, number: signal.Signals) -> None:
        """A signal, unless it has ended."""
        if self.code is None:
            with suppress(ProcessLookupError):  # a fork's parent is the warm interpreter, which knows of its end first
                os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> int | None:
        """Its code once it has ended, at most timeout_s seconds from now; None: it still runs."""
        deadline = time.monotonic() + timeout_s
        while self.code is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return self.code

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._out.read_text(errors="replace") if self._out.exists() else ""

    @property
    def complaints(self) -> str:
        """What it has said on stderr so far."""
        return self._errors.read_text(errors="replace").strip() if self._errors.exists() else ""

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines that it has printed whole."""
        return [json.loads(line) for line in self.output.splitlines(keepends=True) if line.endswith("\n")]


def _files(site: Site, name: str) -> tuple[Path, Path]:
    return site.folder / f"{name}.out", site.folder / f"{name}.err"


def start_program(site: Site, name: str, command: Sequence[str | Path]) -> Child:
    """Start a program. name: of its files in the site's folder."""
    out, errors = _files(site, name)
    with out.open("ab") as to_out, errors.open("ab") as to_errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_errors,
            process_group=site.group,
            env=os.environ | site.environment,
        )
    return Child(process, out, errors)


def start_python(site: Site, name: str, module: str, words: Sequence[str]) -> Child:
    """Start main(words) of a Python module."""
    warm_up()
    out, errors = _files(site, name)
    arguments = (module, tuple(words), str(out), str(errors), site.group, site.environment)
    process = _context.Process(target=bootstrap.run, args=arguments, name=name)
    process.start()
    return Child(process, out, errors)
