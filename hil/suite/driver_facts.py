# SPDX-License-Identifier: Apache-2.0
"""What a camera's driver says of itself, for the report: the same driver differs from one kernel to the next."""

from __future__ import annotations

import contextlib
from typing import Any

ASKED_BUFFERS = 1000  # more than any driver gives


def driver_facts(device: str) -> dict[str, str | int]:
    """Return how many buffers it gives at most, and its formats and controls, as far as it tells them.

    device: the path of its node, which nobody else streams from.
    """
    from ..streamer.sources.v4l2_abi import v4l2
    from ..streamer.sources.v4l2_devices import offers_of

    facts: dict[str, str | int] = {}
    with contextlib.suppress(OSError), v4l2.Device(device) as opened:
        with contextlib.suppress(OSError):
            facts["formats"] = " ".join(sorted({offer.fourcc for offer in offers_of(opened)}))
        with contextlib.suppress(OSError):
            facts["controls"] = sum(1 for _ in v4l2.iter_read_controls(opened))
        with contextlib.suppress(OSError):
            facts["most_buffers"] = _most_buffers(opened, v4l2)
    return facts


def _most_buffers(device: Any, v4l2: Any) -> int:
    """Return how many it gives if a thousand are asked for. Raises OSError."""
    kind, memory = v4l2.BufferType.VIDEO_CAPTURE, v4l2.Memory.MMAP
    request = v4l2.request_buffers(device.fileno(), kind, memory, ASKED_BUFFERS)
    v4l2.free_buffers(device.fileno(), kind, memory)
    return int(request.count)
