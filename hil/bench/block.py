# SPDX-License-Identifier: Apache-2.0
"""A block: one peer, one size, one rate, in new processes; and what comes out of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vshm_ctypes.commandline.ending import held

from ..processes.environment import child_environment
from .outcome import BlockError, Outcome, outcome_of
from .peers import peer_class
from .worker import Job, Received, Sent

PATIENCE_S = 60.0  # besides the block's own time
POLL_S = 0.01


@contextmanager
def _processes(jobs: list[Job]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A process for each job, with its output in files; none of them is left afterwards."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number, job in enumerate(jobs):
            with _file(job, number, "out").open("wb") as out, _file(job, number, "err").open("wb") as errors:
                words = json.dumps(dataclasses.asdict(job))
                command = [sys.executable, "-m", "hil.bench.worker", words]
                one = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=out, stderr=errors, env=child_environment()
                )
                started.append(one)
        yield started
    finally:
        for one in started:
            with one:  # closes its pipes, and waits
                one.kill()


def _file(job: Job, number: int, ending: str) -> Path:
    return Path(job.folder) / f"{number}.{ending}"


def _await(processes: list[subprocess.Popen[bytes]], jobs: list[Job]) -> None:
    """Until all have ended well. Raises BlockError as soon as one has not."""
    deadline = time.monotonic() + jobs[0].seconds + PATIENCE_S
    while True:
        codes = [process.poll() for process in processes]
        for number, code in enumerate(codes):
            if code:
                said = _file(jobs[number], number, "err").read_text(errors="replace").strip()[-1000:]
                raise BlockError(f"{jobs[number].peer}: {said or f'a process ended with {code}'}")
        if None not in codes:
            return
        if time.monotonic() > deadline:
            raise BlockError(f"{jobs[0].peer}: no end after {jobs[0].seconds + PATIENCE_S:g} s")
        time.sleep(POLL_S)


def run_block(peer: str, size: int, receivers: int, fps: int, seconds: float) -> Outcome:
    """Run one of a peer that speaks Python. Raises BlockError."""
    prefix = f"vshm-bench-{os.getpid()}-"
    with held() as hold, tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        job = Job(peer, folder, Path(folder).name, size, receivers, fps, seconds)
        jobs = [job, *(dataclasses.replace(job, receiver=number) for number in range(receivers))]
        try:
            with _processes(jobs) as processes, hold.lifted():
                _await(processes, jobs)
                told: list[dict[str, Any]] = [
                    json.loads(_file(one, number, "out").read_bytes()) for number, one in enumerate(jobs)
                ]
        finally:
            with contextlib.suppress(ImportError):
                peer_class(peer).sweep(job.link)
    return outcome_of(Sent(**told[0]), [Received(**one) for one in told[1:]])
