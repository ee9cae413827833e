# SPDX-License-Identifier: Apache-2.0
"""Runs vshm publish beside a camera, and compares what arrived with what was written."""

import json
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from far_sides import Packet
from filmed import Written
from writers import WATCHDOG_S, wait_until

COMMAND = [sys.executable, "-m", "vshm_ctypes", "publish"]


class Publishing:
    """A running vshm publish --json: what it told last, and its messages."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.told: dict[str, Any] = {}
        self.said = ""
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._hear)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told = json.loads(line)

    def _hear(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def stream(self, index: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = self.told["streams"][index] if self.told else {"sent": 0, "dropped": {}}
        return found

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(lambda: condition() or self.process.poll() is not None, what)
        assert condition(), (what, self.told, self.said)

    def wait_for_sent(self, count: int, index: int = 0) -> None:
        self.wait(lambda: self.stream(index)["sent"] >= count, f"{count} frames are sent")

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal, and return its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(WATCHDOG_S)
        for thread in self._threads:
            thread.join(WATCHDOG_S)
        return code


@contextmanager
def publishing(*words: str) -> Iterator[Publishing]:
    """Run vshm publish --json until the block ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *words, "--json"], stdout=pipe, stderr=pipe, text=True) as process:
        running = Publishing(process)
        try:
            yield running
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(WATCHDOG_S)


def balance(stream: dict[str, Any]) -> None:
    """Check that each frame that was read is in exactly one place of the books."""
    assert stream["received"] == stream["sent"] + sum(stream["dropped"].values()) + stream["pending"], stream


def lost(stream: dict[str, Any]) -> int:
    """Return how many frames the bridge says that it has not sent, as when the far side of a busy machine is slow."""
    dropped: dict[str, int] = stream["dropped"]
    return int(stream["missed"]) + sum(dropped.values())


def is_part_of(arrived: Sequence[object], written: Sequence[object], absent: int) -> bool:
    """Return whether what arrived was written so, in this order, with at most so many left out in between."""

    def begins(at: int) -> bool:
        left = iter(written[at : at + len(arrived) + absent])
        return all(one in left for one in arrived)  # which takes from left whatever comes before it

    return any(begins(at) for at in range(len(written) - len(arrived) + 1))


def fit(captures_ns: Sequence[int], arrived: Sequence[Packet], absent: int = 0) -> tuple[float, float]:
    """Return how far the times of arrived packets are off at worst, in ms, and the arrived time of capture 0, in s.

    What is written repeats, so its place among the captures is where the distances agree best. absent: how many frames
    between the first and the last one may not have arrived.
    """
    pts = [packet.pts_s for packet in arrived if packet.pts_s is not None]
    captures = [one / 1e9 for one in captures_ns]
    assert len(pts) > 5

    def worst(at: int) -> float:
        error, following = 0.0, at
        for one in pts:
            due = captures[at] + one - pts[0]
            left = range(following, min(at + len(pts) + absent, len(captures)))
            if not left:
                return math.inf
            place = min(left, key=lambda n: abs(captures[n] - due))
            error, following = max(error, abs(captures[place] - due)), place + 1
        return error

    error, at = min((worst(at), at) for at in range(len(captures) - len(pts) + 1))
    return 1000 * error, pts[0] - captures[at]


def worst_error_ms(written: Sequence[Written], arrived: Sequence[Packet], stream: dict[str, Any]) -> float:
    """Return the largest difference between a distance of two arrived packets and that of their captures.

    stream: what the bridge told of it last.
    """
    return fit([one.capture_ns for one in written], arrived, lost(stream))[0]
