# SPDX-License-Identifier: Apache-2.0
"""The members of a bundle: their names and what each contains. A bundle has no others."""

from __future__ import annotations

import json
import re
from typing import Any

from ..codec import Codec

MANIFEST = "manifest.json"
VERSION = 1
ENDINGS = {Codec.H264: "h264", Codec.H265: "h265", Codec.JPEG: "mjpeg", Codec.AV1: "obu"}
FRAME_FIELDS = ("number", "size", "keyframe", "discontinuity", "codec", "capture_ns", "publish_ns", "received_ns")

# RING stands for a ring's name without its slash, ENDING for the file name ending of its payload.
KINDS = {
    MANIFEST: "what was taken, and when",
    "check.txt": "vshm check",
    "check.json": "vshm check --json",
    "list.txt": "vshm list: rings, writers, readers",
    "list.json": "vshm list --json",
    "show/RING.txt": "vshm show: one ring, slot by slot",
    "show/RING.json": "vshm show --json",
    "streams/RING.json": "one stream for some seconds: frames, missed, latency histogram",
    "frames/RING.json": "when each frame was captured, published and received, and its size",
    "pictures/RING.ENDING": "the frames themselves: encoded pictures or sound",
    "kernel.txt": "lines of the kernel's log about video, memory, power and heat",
    "board.json": "model, clocks, temperature, throttling, memory",
    "versions.json": "versions of vshm, Python, the kernel, the system and packages",
    "limits.txt": "the kernel's limits, this user's, and those of writers and readers",
    "mounts.txt": "what is mounted as memory, and how",
    "logind.txt": "whether shared memory is removed at logout",
    "processes.txt": "writers and readers under their parents; no command lines",
}


def pattern(kind: str) -> re.Pattern[str]:
    """Return the pattern of the names of members of this kind."""
    escaped = re.escape(kind).replace("RING", r"[^/]{1,200}").replace("ENDING", r"(?:h264|h265|mjpeg|obu|bin)")
    return re.compile(escaped)


def kind_of(name: str) -> str | None:
    """Return the kind of a member, or None if no bundle has a member of that name."""
    return next((kind for kind in KINDS if pattern(kind).fullmatch(name)), None)


def json_of(content: bytes | None) -> Any:
    """Return the JSON value of a member, or None if the member is missing or is not JSON."""
    try:
        return json.loads(content or b"null")
    except (ValueError, RecursionError):
        return None


def frames_of(content: bytes | None) -> list[dict[str, int]]:
    """Return FRAME_FIELDS of each frame in a member frames/RING.json; empty if it is not such a member.

    Raises ValueError, TypeError.
    """
    told = json_of(content)
    if not isinstance(told, dict) or told.get("fields") != list(FRAME_FIELDS):
        return []
    rows = [row for row in told.get("frames", []) if len(row) == len(FRAME_FIELDS)]
    return [dict(zip(FRAME_FIELDS, map(int, row), strict=True)) for row in rows]
