# SPDX-License-Identifier: Apache-2.0
"""The verb's side of the muxer: starts it, gives it frames, hears what became of them, and ends it whatever it does."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from time import monotonic_ns

from ...bridges.figures import Cause
from ...bridges.hand_over import Handed
from ...bridges.statistics import Statistics
from ...commandline.output import counted
from ...commandline.own_module import own_module
from ...frame import Frame
from .messages import Message, Order, order_line, packed

STALL_S = 10.0  # without a sign of life while there is something to do, after which the far side counts as gone
END_S = 2.0  # how long it may take leave of the server
_SLICE_S = 0.1


class MuxerProcess:
    """A muxer, and what it was given and has not told of yet.

    Raises OSError, RuntimeError, MemoryError if this host has no process, thread or memory left for it.

    Args:
        order: what to publish where.
        statistics: counts what becomes of the frames.
        on_up: is called when a session has begun.
        say: is called with what it says.
    """

    def __init__(
        self, order: Order, statistics: Statistics, on_up: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        self._statistics, self._on_up, self._say = statistics, on_up, say
        self._lock = threading.Lock()
        self._out: list[dict[int, tuple[int, int]]] = [{} for _ in order.rings]  # by number: bytes, since_ns
        self._untaken = 0
        self._alive_s = time.monotonic()
        self.why: str | None = None  # it ended
        self.is_final = False  # whether another one would end for the same reason
        self.sent = 0
        self._process = subprocess.Popen(
            own_module(f"{__package__}.muxer", str(os.getpid())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._hearing = threading.Thread(target=self._hear, name="vshm-publish hears", daemon=True)
        try:
            self._hearing.start()
        except RuntimeError:  # there is no thread left
            with self._process:
                self._process.kill()
            raise
        self._write(order_line(order), lambda: False)

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by itself; why says for what reason."""
        return not self._hearing.is_alive()

    @property
    def is_stalled(self) -> bool:
        """Whether it has had work for a while, and gave no sign of life."""
        return self._untaken > 0 and time.monotonic() - self._alive_s > STALL_S

    def give(self, index: int, handed: Handed[Frame], has_leap: bool, is_over: Callable[[], bool]) -> bool:
        """Give it a frame. Returns False if it has ended, or stalls, or is_over() says so meanwhile."""
        frame = handed.unit
        with self._lock:
            if not self._untaken:
                self._alive_s = time.monotonic()
            self._untaken += 1
            self._out[index][frame.number] = (frame.size, handed.since_ns)
        has_gap = handed.discontinuity or frame.discontinuity or frame.missed_before > 0
        return self._write(packed(Message(index, has_gap, has_leap, frame)) + frame.data, is_over)

    def _write(self, data: bytes, is_over: Callable[[], bool]) -> bool:
        assert self._process.stdin is not None
        descriptor, rest = self._process.stdin.fileno(), memoryview(data)
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        while rest:
            if self.has_ended or self.is_stalled or is_over():
                return False
            if not poll.poll(_SLICE_S * 1000):
                continue
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                continue
            except OSError:  # it has ended
                return False
        return True

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, _, rest = line.decode(errors="replace").rstrip("\n").partition(" ")
            self._alive_s = time.monotonic()
            if word == "taken":
                with self._lock:
                    self._untaken -= 1
            elif word in ("sent", "refused"):
                index, number = map(int, rest.split())
                self._count(word, index, number)
            elif word == "up":
                self._on_up()
            elif word == "say":
                self._say(rest)
            elif word in ("failed", "final"):
                self.why, self.is_final = rest, word == "final"

    def _count(self, word: str, index: int, number: int) -> None:
        with self._lock:
            size, since_ns = self._out[index].pop(number, (0, 0))
        if word == "sent" and since_ns:
            self._statistics.streams[index].send(size, since_ns, monotonic_ns())
            self.sent += 1
        elif since_ns:
            self._statistics.streams[index].drop(Cause.UNDECODABLE)

    def close(self, cause: Cause, patience_s: float = END_S) -> str:
        """End it, by force after patience_s, and return why it ended. What it did not send is dropped by that cause."""
        assert self._process.stdin is not None and self._process.stdout is not None
        stalled = self.is_stalled
        with suppress(OSError):
            self._process.stdin.close()
        try:
            code = self._process.wait(0 if stalled else patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._hearing.join()
        self._process.stdout.close()
        left = 0
        for index, waiting in enumerate(self._out):
            left += len(waiting)
            self._statistics.streams[index].drop(cause, len(waiting))
            waiting.clear()
        if stalled:
            return f"the far side took nothing for {STALL_S:g} s, with {counted(left, 'frame')} on the way"
        return self.why or (f"the muxer ended with code {code}" if code else "it was ended")
