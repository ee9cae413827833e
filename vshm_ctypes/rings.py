# SPDX-License-Identifier: Apache-2.0
"""How rings are named: by channel number, NAME or /NAME, or not at all for the default ring."""

from __future__ import annotations

import os

Ring = int | str | None

DIRECTORY = "/dev/shm"
DEFAULT = "/video_stream"
AUDIO = "/audio_stream"  # the default ring for audio


def ring_name(ring: Ring = None) -> str:
    """Return the ring's name with its slash; 0 and "0" are /video_stream_ch0. Raises ValueError for an invalid name."""
    if ring is None:
        return DEFAULT
    if isinstance(ring, int) or (ring.isascii() and ring.isdigit()):
        if int(ring) < 0:
            raise ValueError(f"channel {ring}: channel numbers begin at 0")
        return f"{DEFAULT}_ch{int(ring)}"
    name = ring.removeprefix("/")
    if not name or "/" in name or "\0" in name or name in (".", "..") or len(os.fsencode(name)) > 200:
        raise ValueError(f"{ring!r}: not a ring's name: use a channel number, NAME or /NAME of up to 200 bytes")
    return f"/{name}"


def name_bytes(name: str) -> bytes:
    """Return a ring's name as C has it: that of a file, which need not be UTF-8, nor the locale's encoding that."""
    return os.fsencode(name)
