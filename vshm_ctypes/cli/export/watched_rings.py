# SPDX-License-Identifier: Apache-2.0
"""Keeps an eye on all rings between two looks: how late frames come, and how often a writer started anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...consumer import Consumer
from ...errors import VideoShmError
from ...info import RingInfo
from ...inspect import list_rings

WAIT_S = 0.25  # how long an end may have to wait for a reader's thread

Observe = Callable[[str, float], None]


class LatencyReader:
    """Reads every frame of a ring without a copy, in a thread of its own, and tells how late it came."""

    def __init__(self, ring: str, observe: Observe) -> None:
        self._ring = ring
        self._observe = observe
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"vshm-latency {ring}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """It could not go on, as with a ring that vanished between two looks."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with Consumer(self._ring, reconnect=True) as stream:
                while not self._over.is_set():
                    self._read(stream)
        except VideoShmError:
            return

    def _read(self, stream: Consumer) -> None:
        try:
            frame = stream.borrow(timeout=WAIT_S)
        except TimeoutError:
            return
        now_ns = time.monotonic_ns()
        if frame.publish_ns and not frame.discontinuity:  # after one it may have waited for us to reattach
            self._observe(self._ring, max(now_ns - frame.publish_ns, 0) / 1e9)
        frame.give_back()

    def close(self) -> None:
        """Leave the ring."""
        self._over.set()
        self._thread.join()


@dataclass(slots=True)
class _Seen:
    info: RingInfo
    restarts: int = 0


def _writer(info: RingInfo) -> tuple[int, int]:
    return info.writer_pid, info.writer_start


class Rings:
    """All rings of the machine. observe(ring, latency_s) is called from threads, for every frame."""

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self._readers: dict[str, LatencyReader] = {}
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def look(self) -> dict[str, RingInfo]:
        """The rings that are there now; those that are new are read from now on."""
        found = list_rings()
        with self._lock:
            for name in self._readers.keys() - found.keys():
                self._readers.pop(name).close()
            for name, info in found.items():
                self._note_start(name, info)
                if name not in self._readers or self._readers[name].ended:
                    self._readers[name] = LatencyReader(name, self._observe)
        return found

    def _note_start(self, name: str, info: RingInfo) -> None:
        seen = self._seen.setdefault(name, _Seen(info))
        before, seen.info = seen.info, info
        if info.inode == before.inode:
            seen.restarts += max(info.epoch - before.epoch, 0)
        elif _writer(info) != _writer(before) or info.epoch <= before.epoch:
            seen.restarts += 1  # with a ring of its own: another geometry, or the old one was closed

    @property
    def restarts(self) -> dict[str, int]:
        """By ring: how often a writer started where one had been, since the ring was first seen.

        Not those from before: after this program's own restart the number begins at 0, as a counter's does.
        """
        with self._lock:
            return {name: seen.restarts for name, seen in self._seen.items()}

    def close(self) -> None:
        """Leave all rings."""
        with self._lock:
            while self._readers:
                self._readers.popitem()[1].close()
