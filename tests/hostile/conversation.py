# SPDX-License-Identifier: Apache-2.0
"""One program, from its start to its end: what it said, how it ended, and what processes it left."""

from __future__ import annotations

import ctypes
import os
import pty
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ANSWER_S = 60.0  # a watchdog, for a machine that is busy with much else; how long it took stands in the report
GONE_S = 10.0  # the kernel takes its time to end a process that was killed
BLIND_S = 3.0  # a program without standard streams is left alone for so long, since it can't tell that it works
LAST_WORDS_S = 1.0
MARK = "VSHM_TEST_PLACE"  # in the environment of a program and of all that it starts
PR_SET_CHILD_SUBREAPER = 36


@dataclass(slots=True)
class Talk:
    """code: as subprocess has it; None: it had to be killed. left: the command lines of processes that it left."""

    code: int | None = None
    out: str = ""
    err: str = ""
    seconds: float = 0.0
    left: list[str] = field(default_factory=list)

    @property
    def said(self) -> str:
        return self.out + self.err


def adopt_orphans(adopt: bool = True) -> None:
    """Become the parent of what a program leaves behind, so that none of it becomes a zombie."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def _remaining(session: int, mark: bytes) -> dict[int, str]:
    """Return {pid: name} of a session's living processes, and of those with the mark in their environment."""
    found = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            name, _, rest = (folder / "stat").read_text().partition(" (")[2].rpartition(") ")
            words = rest.split()
            is_of_it = int(words[3]) == session or mark in (folder / "environ").read_bytes()
            if is_of_it and words[0] not in "ZX":
                found[int(folder.name)] = name
    return found


def _end(session: int, mark: bytes) -> list[str]:
    """Wait until the processes have ended. Returns those that have not, which are killed."""
    deadline = time.monotonic() + GONE_S
    while (there := _remaining(session, mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in there:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):  # where we have not adopted it
            os.waitpid(pid, 0)
    return sorted(there.values())


class Conversation:
    """A program that is running. stop() ends it from any thread."""

    def __init__(self, command: Sequence[str], terminal: bool, environment: Mapping[str, str], folder: Path) -> None:
        self._talk, self._mark = Talk(), f"{MARK}={folder}".encode()
        self._began = time.monotonic()
        self._streams: dict[int, bytearray] = {}
        self._selector = selectors.DefaultSelector()
        pairs = [pty.openpty()] if terminal else [os.pipe(), os.pipe()]
        self._ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=theirs[0] if terminal else subprocess.DEVNULL,
                stdout=theirs[0],
                stderr=theirs[-1],
                env={**environment, MARK: str(folder)},
                cwd=folder,
                start_new_session=True,
            )
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        for descriptor in self._ours:
            self._streams[descriptor] = bytearray()
            self._selector.register(descriptor, selectors.EVENT_READ)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the program and to those that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read(self, seconds: float) -> None:
        for key, _ in self._selector.select(max(seconds, 0)):
            data = b""
            with suppress(OSError):  # how a terminal tells its end
                data = os.read(key.fd, 65536)
            self._streams[key.fd] += data
            if not data:
                self._selector.unregister(key.fd)

    def _text(self, at: int) -> str:
        return bytes(self._streams[self._ours[at]]).decode(errors="replace")

    def _until(self, seconds: float, works: Callable[[str], bool] | None) -> bool:
        """Whether it has ended, or works, within so many seconds."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._process.poll() is not None:
                if not self._selector.get_map():
                    return True
                deadline = min(deadline, time.monotonic() + LAST_WORDS_S)  # what it left may hold its streams open
            if works is not None and works("".join(map(self._text, range(len(self._ours))))):
                return True
            if self._selector.get_map():
                self._read(min(left, 0.1))
            else:
                time.sleep(0.02)
        return self._process.poll() is not None

    def until_end(self, works: Callable[[str], bool] | None = None, blind: bool = False) -> Talk:
        """Return all that is said. works: tells from it whether to send SIGTERM now. blind: it can't tell."""
        if works is not None:
            self._until(BLIND_S if blind else ANSWER_S, None if blind else works)
            self.stop(signal.SIGTERM)
        if self._until(ANSWER_S, None):
            self._talk.code = self._process.poll()
        self._talk.seconds = time.monotonic() - self._began
        if self._talk.code is None:
            self.stop()
        self._process.wait(GONE_S)
        self._talk.left = _end(self._process.pid, self._mark)
        self._talk.out, self._talk.err = self._text(0), self._text(1) if len(self._ours) > 1 else ""
        for descriptor in self._ours:
            os.close(descriptor)
        self._selector.close()
        return self._talk
