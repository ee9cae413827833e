# SPDX-License-Identifier: Apache-2.0
"""Tells an exporter that an importer is there, and how far its units have come: in a thread of its own.

Whatever the importer is busy with meanwhile, the exporter knows what is under way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from .keys import Export
from .wire import pack_count

if TYPE_CHECKING:
    import zenoh

LOOK_S = 0.05
EVERY_S = 0.25  # also when nothing has come


class Voice:
    """Speaks until close(). arrived: returns how many units of the run have come, as far as the last one tells."""

    def __init__(self, session: zenoh.Session, export: Export, arrived: Callable[[], int]) -> None:
        from zenoh import CongestionControl, Priority

        self._publisher = session.declare_publisher(
            export.key(f"heard/{session.zid()}"),
            congestion_control=CongestionControl.DROP,
            priority=Priority.REAL_TIME,
            express=True,
        )
        self._arrived = arrived
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vshm-relay voice", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        said, said_s = -1, 0.0
        while True:
            count, now_s = self._arrived(), monotonic()
            if count != said or now_s - said_s >= EVERY_S:
                self._publisher.put(pack_count(count))
                said, said_s = count, now_s
            if self._over.wait(LOOK_S):
                return

    def close(self) -> None:
        """Say no more."""
        self._over.set()
        self._thread.join()
        self._publisher.undeclare()
