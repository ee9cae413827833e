# SPDX-License-Identifier: Apache-2.0
"""The least that a program with PyAV does for a picture: from a file, through libx264 or as it is, into a ring.

python tests/bench/least_loop.py RING FILE encode|copy

It looks at nothing and keeps to nothing that camera-streamer promises; no program in Python can take less.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from hil.streamer.footprint import stay_small

stay_small()

import av  # noqa: E402 - afterwards, as in camera-streamer
from av.bitstream import BitStreamFilterContext  # noqa: E402

from vshm_ctypes import Producer  # noqa: E402

FPS, GOP, BITS = 30, 30, 2_000_000


def encoded(container: Any) -> Iterator[tuple[bytes, bool]]:
    """Yield the access units that libx264 makes, with the settings of camera_scenes.py."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    stream = container.streams.video[0]
    encoder.width, encoder.height, encoder.pix_fmt = stream.width, stream.height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, 1_000_000_000)
    encoder.gop_size, encoder.max_b_frames, encoder.bit_rate = GOP, 0, BITS
    gop = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0:repeat-headers=1"
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "forced-idr": "1", "x264-params": gop}
    for number, picture in enumerate(container.decode(stream)):
        picture.pts, picture.time_base = number * 1_000_000_000 // FPS, encoder.time_base
        for packet in encoder.encode(picture):
            yield bytes(packet), packet.is_keyframe


def copied(container: Any) -> Iterator[tuple[bytes, bool]]:
    """Yield the file's own access units."""
    stream = container.streams.video[0]
    as_stream = BitStreamFilterContext("h264_mp4toannexb", stream)
    for packet in container.demux(stream):
        for filtered in as_stream.filter(packet if packet.size else None):
            yield bytes(filtered), packet.is_keyframe


def main(ring: str, path: str, how: str) -> None:
    with av.open(path) as container, Producer(ring) as producer:
        due_s = time.monotonic()
        for data, keyframe in (encoded if how == "encode" else copied)(container):
            time.sleep(max(due_s - time.monotonic(), 0))
            producer.write(data, keyframe=keyframe)
            due_s += 1 / FPS


if __name__ == "__main__":
    main(*sys.argv[1:])
