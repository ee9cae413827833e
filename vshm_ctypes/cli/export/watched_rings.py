# SPDX-License-Identifier: Apache-2.0
"""Follows all rings between two collections: the latency of frames, and restarts of writers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...consumer import Consumer
from ...errors import VideoShmError
from ...info import RingInfo
from ...inspect import list_rings

WAIT_S = 0.25  # how long closing may wait for a reader's thread

Observe = Callable[[str, float], None]


class LatencyReader:
    """Reads every frame of a ring without copying it, in a thread of its own, and reports its latency."""

    def __init__(self, ring: str, observe: Observe) -> None:
        self._ring = ring
        self._observe = observe
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"vshm-latency {ring}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it could not go on, for instance because the ring was removed."""
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
        if frame.publish_ns and not frame.discontinuity:  # else it may have waited for a reattach
            self._observe(self._ring, max(now_ns - frame.publish_ns, 0) / 1e9)
        frame.give_back()

    def close(self) -> None:
        """Leave the ring, and wait for the thread to end."""
        self._over.set()
        self._thread.join()


@dataclass(slots=True)
class _Seen:
    info: RingInfo
    restarts: int = 0


def _writer(info: RingInfo) -> tuple[int, int]:
    return info.writer_pid, info.writer_start


class Rings:
    """Follows all rings of the machine, and calls observe(ring, latency_s) from threads for every frame."""

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self._readers: dict[str, LatencyReader] = {}
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def look(self) -> dict[str, RingInfo]:
        """Return the rings that exist now, and begin to read new ones."""
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
        if info.identity == before.identity:
            seen.restarts += max(info.epoch - before.epoch, 0)
        elif _writer(info) != _writer(before) or info.epoch <= before.epoch:
            seen.restarts += 1  # the new writer made a ring of its own: another geometry, or the old ring was closed

    @property
    def restarts(self) -> dict[str, int]:
        """How often a writer of each ring was restarted since the ring was first seen.

        Like any counter, it begins at 0 when this program is restarted.
        """
        with self._lock:
            return {name: seen.restarts for name, seen in self._seen.items()}

    def close(self) -> None:
        """Leave all rings."""
        with self._lock:
            while self._readers:
                self._readers.popitem()[1].close()
