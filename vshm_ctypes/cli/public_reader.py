# SPDX-License-Identifier: Apache-2.0
"""A verb's reader, whose counts the page of vshm serve, vshm show and vshm export tell."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..consumer import Consumer
from ..errors import VideoShmError


def public_reader(ring: str | int | None, **options: Any) -> Consumer:
    """A Consumer that publishes its counts where /dev/shm takes them: not where it is full, or read-only."""
    with suppress(VideoShmError):
        return Consumer(ring, publish=True, **options)
    return Consumer(ring, **options)
