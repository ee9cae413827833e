# SPDX-License-Identifier: Apache-2.0
"""What it costs to bring a raw picture into its slot: by camera-streamer, beside a copy of the same bytes alone.

python tests/bench/raw_conversion.py [--json]

Each in turn, the median of the rounds, in ms of one thread. "through a picture" is PyAV's way, which converts into
memory of its own and needs a copy of that into the slot.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import av
import numpy

from hil.streamer.raw_pictures import RawPictures
from vshm_ctypes import Codec
from vshm_ctypes.picture import PIXELS

ROUNDS = 60
# What comes from the camera, and what the channel asks for.
CASES = [
    ("nv12", (1920, 1080), Codec.NV12, (1920, 1080)),
    ("yuv420p", (1920, 1080), Codec.I420, (1920, 1080)),
    ("yuyv422", (1920, 1080), Codec.YUYV, (1920, 1080)),
    ("yuyv422", (1920, 1080), Codec.NV12, (1920, 1080)),
    ("nv12", (1920, 1080), Codec.RGB24, (1920, 1080)),
    ("yuv420p", (1920, 1080), Codec.BGR24, (1920, 1080)),
    ("nv12", (1920, 1080), Codec.RGB24, (640, 640)),
    ("yuyv422", (640, 480), Codec.RGB24, (320, 320)),
    ("nv12", (1920, 1080), Codec.GREY, (1920, 1080)),
]


def measured(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median of each call in ms."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            taken[name].append((time.perf_counter() - begin) * 1e3)
    return {name: statistics.median(times) for name, times in taken.items()}


def case(pixels: str, before: tuple[int, int], codec: Codec, after: tuple[int, int]) -> dict[str, float]:
    """Return the figures of one case in ms."""
    picture = av.VideoFrame(*before, pixels)
    for plane in picture.planes:
        plane.update(numpy.random.default_rng(1).integers(0, 256, plane.buffer_size, dtype=numpy.uint8).tobytes())
    raw = RawPictures(codec, *after)
    size = raw.describe(picture).size
    slot, same = memoryview(bytearray(size)), memoryview(bytearray(size))

    def copy() -> None:
        slot[:] = same

    def through_a_picture() -> None:
        made = picture.reformat(*after, format=PIXELS[codec], interpolation="BILINEAR", threads=1)
        at = 0
        for plane in made.planes:
            lines = memoryview(plane)[: size - at]
            slot[at : at + len(lines)] = lines
            at += len(lines)

    calls: dict[str, Callable[[], object]] = {"one copy": copy}
    calls |= {"into the slot": lambda: raw.convert(picture, slot), "through a picture": through_a_picture}
    return {"bytes": size, **measured(calls)}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    as_json, rows = parser.parse_args().json, {}
    for pixels, before, codec, after in CASES:
        name = f"{pixels} {before[0]}x{before[1]} to {codec.name.lower()} {after[0]}x{after[1]}"
        rows[name] = case(pixels, before, codec, after)
    if as_json:
        print(json.dumps(rows))
        return 0
    for name, row in rows.items():
        times = ", ".join(f"{what} {ms:.2f} ms" for what, ms in row.items() if what != "bytes")
        print(f"{name}, {row['bytes']} bytes: {times}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
