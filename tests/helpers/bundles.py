# SPDX-License-Identifier: Apache-2.0
"""Makes the members of bundles with streams of any codec, as vshm bundle writes them."""

import json

from encoded import stream

from vshm_ctypes import Codec
from vshm_ctypes.bundles.members import ENDINGS, FRAME_FIELDS, MANIFEST

BEGIN_NS, EVERY_NS = 5 * 10**9, 40_000_000


def stream_members(name: str, codec: Codec, units: list[tuple[bytes, bool]]) -> dict[str, bytes]:
    """Return the members of a stream with a frame every 40 ms, the last one half a second late."""
    late_ns = 500_000_000
    times = [BEGIN_NS + at * EVERY_NS + (late_ns if at == len(units) - 1 else 0) for at in range(len(units))]
    rows = [
        (number, len(data), int(key), 0, int(codec), at_ns, at_ns, at_ns)
        for number, ((data, key), at_ns) in enumerate(zip(units, times, strict=True))
    ]
    summary = {
        "frames": len(rows),
        "missed": 0,
        "latency_s": {"50": 1e-4, "99": 2e-3},
        "latency_histogram": [[1e-4, len(rows) - 1], [2e-3, 1]],
        "picture": {"frames": len(rows), "cut": False},
    }
    return {
        f"streams/{name}.json": json.dumps(summary).encode(),
        f"frames/{name}.json": json.dumps({"fields": FRAME_FIELDS, "frames": rows}).encode(),
        f"pictures/{name}.{ENDINGS[codec]}": b"".join(data for data, _ in units),
    }


def bundle_of(streams: dict[str, Codec], count: int = 12) -> dict[str, bytes]:
    """Return all members of a bundle with those streams; some texts are as wide as possible."""
    wide = " ".join(f"COLUMN{number}" for number in range(40))
    found = {MANIFEST: json.dumps({"version": 1, "created": "2026-01-01", "members": {}}).encode()}
    for name, codec in streams.items():
        found |= stream_members(name, codec, stream(codec, count))
    what = f"/{'x' * 120} is stalled"
    finding = {"subject": "ring", "what": what, "why": "nobody sees it", "todo": "look at it", "code": "stalled"}
    found["check.json"] = json.dumps({"findings": [finding]}).encode()
    return found | {"list.txt": wide.encode(), "processes.txt": wide.encode()}
