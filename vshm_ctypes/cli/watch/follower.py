# SPDX-License-Identifier: Apache-2.0
"""Watches a ring in a thread of its own, so that one process can watch all rings."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread

from ...errors import Interrupted, VideoShmError
from ..public_reader import public_reader
from ..sigbus import check_whole
from .second import Second
from .watcher import Summary, Watch


class Follower:
    """Watches a ring and its successors. Raises VideoShmError if the ring can't be read now, RuntimeError.

    A later error ends this watch only, and is in its summary.
    """

    def __init__(self, ring: str) -> None:
        self._stream = public_reader(ring, reconnect=True)
        try:
            self._watch = Watch(self._stream)
        except VideoShmError:
            self._stream.close()
            raise
        self._seconds: SimpleQueue[Second] = SimpleQueue()
        self._over = Event()
        self._thread = Thread(target=self._follow, name=f"watch {ring}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no thread is left
            self._stream.close()
            raise

    def _follow(self) -> None:
        try:
            with suppress(Interrupted):  # end() was called
                for second in self._watch.seconds():
                    check_whole(self._stream.ring)
                    self._seconds.put(second)
                    if self._over.is_set():
                        break
            summary = self._watch.summary()
            check_whole(self._stream.ring)
        except VideoShmError as error:
            summary = self._watch.ended_by(error)
        self._summary = summary

    @property
    def is_over(self) -> bool:
        """Whether the watch has ended by itself, since the ring can't be read any more."""
        return not self._thread.is_alive()

    def taken(self) -> list[Second]:
        """Return the seconds that have passed since the last call."""
        found = []
        while True:
            try:
                found.append(self._seconds.get_nowait())
            except Empty:
                return found

    def end(self) -> Summary:
        """End the watch, and return its summary."""
        self._over.set()
        self._stream.interrupt()
        self._thread.join()
        self._stream.close()
        return self._summary
