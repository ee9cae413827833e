# SPDX-License-Identifier: Apache-2.0
"""Watches a ring in a thread of its own, so that one process can watch all there are."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Event, Thread

from ..errors import VideoShmError
from .public_reader import public_reader
from .second import Second
from .watcher import Summary, Watch


class Follower:
    """Of a ring, and of whatever takes its name later. Raises VideoShmError: it can't be read."""

    def __init__(self, ring: str) -> None:
        self._stream = public_reader(ring, reconnect=True)
        self._watch = Watch(self._stream)
        self._seconds: SimpleQueue[Second] = SimpleQueue()
        self._over = Event()
        self._thread = Thread(target=self._follow, name=f"watch {ring}", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            for second in self._watch.seconds():
                self._seconds.put(second)
                if self._over.is_set():
                    return
        except VideoShmError:  # it was told to end, or the ring is none any more
            return

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more: what bears the name is no ring that can be read."""
        return not self._thread.is_alive()

    def taken(self) -> list[Second]:
        """The seconds that are over since it was last asked."""
        found = []
        while True:
            try:
                found.append(self._seconds.get_nowait())
            except Empty:
                return found

    def end(self) -> Summary:
        """Of all that it has seen."""
        self._over.set()
        self._stream.interrupt()
        self._thread.join()
        with self._stream:
            return self._watch.summary()
