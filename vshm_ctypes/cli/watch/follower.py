# SPDX-License-Identifier: Apache-2.0
"""Watches a ring in a thread of its own, so that one process can watch all there are."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread

from ...errors import Interrupted, VideoShmError
from ..fault import check_whole
from ..public_reader import public_reader
from .second import Second
from .watcher import Summary, Watch


class Follower:
    """Of a ring, and of whatever takes its name later. Raises VideoShmError: it can't be read.

    What befalls its ring later is in the summary, and ends it alone.
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
        self._thread.start()

    def _follow(self) -> None:
        try:
            with suppress(Interrupted):  # it was told to end
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
        self._stream.close()
        return self._summary
