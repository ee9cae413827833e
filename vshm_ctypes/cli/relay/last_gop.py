# SPDX-License-Identifier: Apache-2.0
"""Keeps what was sent since the last keyframe, for importers that come late, in bounded memory."""

from __future__ import annotations

import threading

from .wire import Header

MOST_BYTES = 8 << 20


class LastGop:
    """The units from the last keyframe on. When there is no room, what follows is left out, up to the next keyframe."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._units: list[tuple[Header, bytes]] = []
        self._bytes = 0
        self._is_full = True  # until the first keyframe

    def add(self, header: Header, data: bytes) -> None:
        """Add the next unit."""
        with self._lock:
            if header.is_keyframe:
                self._units, self._bytes, self._is_full = [], 0, False
            elif self._bytes + len(data) > self._most_bytes:
                self._is_full = True  # and what follows is no longer of use
            if not self._is_full:
                self._units.append((header, data))
                self._bytes += len(data)

    def clear(self) -> None:
        """Forget all, because what follows does not continue it."""
        with self._lock:
            self._units, self._bytes, self._is_full = [], 0, True

    def units(self) -> list[tuple[Header, bytes]]:
        """Return the units, the keyframe first."""
        with self._lock:
            return list(self._units)

    def last(self) -> Header | None:
        """Return what the last unit was."""
        with self._lock:
            return self._units[-1][0] if self._units else None
