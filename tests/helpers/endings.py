# SPDX-License-Identifier: Apache-2.0
"""Runs commands that a test tells to end, by a signal, as any process of a namespace."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from writers import meanwhile, wait_until

from vshm_ctypes import Codec, Producer

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AS_PROCESS_1 = ("unshare", "--fork", "--pid", "--mount-proc")


@contextmanager
def started(*words: str, before: Sequence[str] = (), program: str = "vshm_ctypes") -> Iterator["subprocess.Popen[str]"]:
    """Start vshm, with a command before it."""
    command = [*before, sys.executable, "-m", program, *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def filming(ring: str) -> Iterator[int]:
    """Write pictures that can be recorded, without a pause, and yield the size of each."""
    pytest.importorskip("av")
    from jpegs import jpeg

    picture = jpeg()
    with Producer(ring) as producer:

        def write() -> None:
            producer.write(picture, keyframe=True, codec=Codec.JPEG)

        with meanwhile(write, 0.0005):
            yield len(picture)


def pid_of(process: "subprocess.Popen[str]", before: Sequence[str]) -> int:
    """Return the pid of vshm itself, which unshare has forked."""
    if before != AS_PROCESS_1:
        return process.pid
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: children.read_text() != "", "unshare has forked")
    return int(children.read_text())


def heeds(pid: int, number: int = signal.SIGTERM) -> bool:
    """Return whether the process has a handler for a signal."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")]
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)


def needs_root(before: Sequence[str]) -> None:
    if before == AS_PROCESS_1 and os.geteuid() != 0:
        pytest.skip("needs root, for a pid namespace")
