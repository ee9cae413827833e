# SPDX-License-Identifier: Apache-2.0
"""Flow control for a browser: limits what was sent, and lies in buffers on the way, but was not acknowledged yet."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import NamedTuple

MOST_S = 0.5  # a message that takes this much longer than the quickest one is waiting in some buffer
_FADES = 0.9  # weight of earlier messages in the rate, at each further message


class _Sent(NamedTuple):
    size: int
    at_s: float


class Flow:
    """Limits what is on its way to a browser that acknowledges messages (tells); any other is limited by TCP only."""

    def __init__(self, tells: bool) -> None:
        self._tells = tells
        self._lock = threading.Condition()
        self._on_way: deque[_Sent] = deque()
        self._got = 0
        self._got_s = 0.0  # when the last acknowledgement came
        self._quickest_s = float("inf")
        self._bytes = 0.0
        self._busy_s = 0.0  # how long those bytes took

    def sent(self, size: int) -> None:
        """Note that a message of size bytes was sent."""
        if self._tells:
            with self._lock:
                self._on_way.append(_Sent(size, time.monotonic()))

    def got(self, count: int) -> None:
        """Note that the browser has acknowledged count messages in all. May be called from any thread."""
        now_s = time.monotonic()
        with self._lock:
            while self._got < count and self._on_way:
                self._got += 1
                self._arrived(now_s)
            self._lock.notify_all()

    def _arrived(self, now_s: float) -> None:
        size, at_s = self._on_way.popleft()
        self._quickest_s = min(self._quickest_s, now_s - at_s)
        self._bytes = self._bytes * _FADES + size
        self._busy_s = self._busy_s * _FADES + now_s - max(at_s + self._quickest_s, self._got_s)
        self._got_s = now_s

    def wait(self, timeout_s: float = 0.0) -> bool:
        """Wait until a message sent now would not come late. Returns False if it still would after timeout_s."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._is_behind(), timeout_s)

    def _is_behind(self) -> bool:
        if not self._on_way:
            return False
        usual_s = self._quickest_s if self._got else 0.0
        return max(time.monotonic() - self._on_way[0].at_s - usual_s, self._left_s()) > MOST_S

    def _left_s(self) -> float:
        """Return how long it takes until everything on its way has come, at the measured rate."""
        return sum(sent.size for sent in self._on_way) * self._busy_s / self._bytes if self._bytes else 0.0
