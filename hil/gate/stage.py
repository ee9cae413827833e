# SPDX-License-Identifier: Apache-2.0
"""A channel of the gate's own with processes that may be killed; nothing remains afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from ..blocks.channel import free_channel
from ..processes.parent import die_with_parent
from ..workers.shared_memory import SHARED_MEMORY, remove_channel

PATIENCE_S = 20.0

_cues = -1  # of this process, if it is an actor


def await_cue() -> None:
    """Wait, in an actor, until it is told to continue. Ends the process if nobody can tell it any more."""
    if not os.read(_cues, 1):
        os._exit(1)


class Actor:
    """A forked process that runs one function, which sends a line by yielding it."""

    def __init__(self, play: Callable[[], Iterator[str]]) -> None:
        ear, mouth = os.pipe()
        cues, self._cue = os.pipe()
        sys.stdout.flush()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._cue)
            self._play(play, mouth, cues, parent)
        os.close(mouth)
        os.close(cues)
        self._ear = os.fdopen(ear)

    def _play(self, play: Callable[[], Iterator[str]], mouth: int, cues: int, parent: int) -> None:
        global _cues
        code, _cues = 1, cues
        try:
            die_with_parent(parent)
            for line in play():
                os.write(mouth, f"{line}\n".encode())
            code = 0
        except Exception as error:
            os.write(mouth, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)

    def cue(self) -> None:
        """Let it continue from await_cue."""
        os.write(self._cue, b"\n")

    def hear(self) -> str:
        """Return the next line, or an empty one if it has ended."""
        return self._ear.readline().rstrip("\n")

    def kill(self) -> None:
        """Kill it. A second call does nothing."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        if not self._ear.closed:
            self._ear.close()
            os.close(self._cue)


class Stage:
    """A channel and its actors. It is a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        self.channel = free_channel()
        self._actors: list[Actor] = []

    @property
    def ring(self) -> Path:
        """The path of the ring's object."""
        return SHARED_MEMORY / f"video_stream_ch{self.channel}"

    def semaphore(self, kind: str) -> str:
        """Return the name of the write or read semaphore."""
        return f"/video_sem_{kind}_ch{self.channel}"

    def start(self, play: Callable[[], Iterator[str]]) -> Actor:
        """Fork an actor."""
        actor = Actor(play)
        self._actors.append(actor)
        return actor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for actor in self._actors:
            actor.kill()
        remove_channel(self.channel)
