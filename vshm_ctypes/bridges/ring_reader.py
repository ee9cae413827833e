# SPDX-License-Identifier: Apache-2.0
"""Reads a ring in a thread of its own, whatever happens to its writer, and never waits for the far side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from ..commandline.output import describe
from ..commandline.rate_limited_log import in_a_line
from ..consumer import Consumer
from ..errors import ProducerNotRunning, VideoShmError
from ..frame import Frame
from .hand_over import HandOver
from .statistics import StreamStatistics

WAIT_S = 0.25
RETRY_S = 0.5


class RingReader:
    """Puts the frames of a ring into a hand-over, from a keyframe on, and goes on with the next writer of its name.

    Args:
        ring: name of the ring.
        hand_over: where the frames go.
        statistics: is told what was missed and skipped.
        say: is called with a line when the ring can't be read, and another one each time that this changes.
    """

    def __init__(
        self, ring: str, hand_over: HandOver[Frame], statistics: StreamStatistics, say: Callable[[str], None]
    ) -> None:
        self._ring, self._hand_over, self._statistics, self._say = ring, hand_over, statistics, say
        self._over = threading.Event()
        self._trouble: str | None = None
        self._missed = self._skipped = 0  # by readers before this one
        self._thread = threading.Thread(target=self._run, name=f"vshm-bridge {ring}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Not for signal handlers."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._follow()
            except ProducerNotRunning:
                self._tell(f"{self._ring}: there is no such ring yet: waiting for its writer")
            except VideoShmError as error:
                self._tell(describe(error))
            except (MemoryError, RuntimeError) as error:  # no memory or thread is left: perhaps there is some later
                self._tell(f"{self._ring}: {in_a_line(error)}")
            self._over.wait(RETRY_S)

    def _tell(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self._trouble:
            self._say(trouble)
        self._trouble = trouble

    def _follow(self) -> None:
        with self._open() as stream:
            self._tell(None)
            try:
                while not self._over.is_set():
                    frame = stream.receive(WAIT_S)
                    if frame is not None:
                        self._hand_over.put(frame, frame.size, keyframe=frame.is_keyframe)
                    if frame is None or frame.missed_before or frame.is_keyframe:
                        self._count(stream)
            finally:
                self._count(stream)
                info = stream.info()
                self._missed, self._skipped = self._missed + info.missed, self._skipped + info.skipped

    def _open(self) -> Consumer:
        """Return a reader that publishes its counters, unless /dev/shm is full or read-only."""
        with suppress(VideoShmError):
            return Consumer(self._ring, start="keyframe", resync=True, reconnect=True, publish=True)
        return Consumer(self._ring, start="keyframe", resync=True, reconnect=True)

    def _count(self, stream: Consumer) -> None:
        info = stream.info()
        self._statistics.set_losses(self._missed + info.missed, self._skipped + info.skipped)
