# SPDX-License-Identifier: Apache-2.0
"""The reader of a verb, which publishes its counters for vshm serve, vshm show and vshm export."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..consumer import Consumer
from ..errors import VideoShmError


def public_reader(ring: str | int | None, **options: Any) -> Consumer:
    """Return a Consumer that publishes its counters, unless /dev/shm is full or read-only."""
    with suppress(VideoShmError):
        return Consumer(ring, publish=True, **options)
    return Consumer(ring, **options)
