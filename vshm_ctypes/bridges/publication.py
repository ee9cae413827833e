# SPDX-License-Identifier: Apache-2.0
"""The writing side of what a bridge publishes: it is seen by vshm export."""

from __future__ import annotations

import json
from contextlib import suppress

from ..commandline.output import plain
from ..errors import VideoShmError
from ..shared_record import SharedRecord, Stamp
from .figures import BridgeFigures
from .published import HEAD, MAGIC, MOST_TEXT, PREFIX, SIZE, VERSION
from .statistics import Statistics


class BridgePublication(SharedRecord[BridgeFigures]):
    """The published object of one bridge. Raises RingFull if /dev/shm is full, VideoShmError."""

    prefix = PREFIX
    size = SIZE

    def _pack(self, figures: BridgeFigures, stamp: Stamp) -> bytes:
        text = json.dumps(plain(figures)).encode()
        if len(text) > MOST_TEXT:  # nobody has so many rings
            text = b""
        head = HEAD.pack(
            MAGIC,
            VERSION,
            stamp.pid,
            stamp.start,
            stamp.namespace,
            stamp.update,
            stamp.updated_ns,
            len(text),
        )
        return (head + text).ljust(SIZE - 8, b"\0") + stamp.update.to_bytes(8, "little")


class Shown:
    """Shows a bridge's statistics to other processes as long as the block lasts, if /dev/shm has room."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self._publication: BridgePublication | None = None

    def __enter__(self) -> Shown:
        with suppress(VideoShmError):
            self._publication = BridgePublication(self._statistics.figures())
        return self

    def update(self) -> None:
        """Publish the figures, if they are older than a quarter of a second."""
        if self._publication is not None:
            self._publication.update_if_due(self._statistics.figures)

    def __exit__(self, *_: object) -> None:
        if self._publication is not None:
            self._publication.close()
