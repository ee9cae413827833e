#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Intra refresh by x265 is nothing that a late reader can begin with, though the same option of x264 is. x264 puts a
# recovery point message in front of each sweep, libavcodec's decoder begins there and shows nothing but right pictures.
# x265 repeats its parameter sets there, but says nothing: libavcodec flags no keyframe, and its decoder never gives a
# picture. With a recovery point message put in by hand it gives pictures, but they do not become right: two sweeps
# later they are still off, since motion vectors reach into what was not refreshed yet.
# Seen with PyAV 18.1.0 (libavcodec 62.28.102, x264 core 165, x265 4.2), 60 pictures, a sweep every 20, joined at the 20th:
#     libx264: 2 recovery points; 30 pictures, 30 as in the whole stream, the last off by 0
#     libx265: 0 recovery points; 0 pictures, 0 as in the whole stream, the last off by 0
#     libx265 with recovery points put in: 2 recovery points; 21 pictures, 0 as in the whole stream, the last off by 40
# Exits 0 while that is so. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 "numpy<3"
cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction

import av
import numpy

av.logging.set_level(None)
COUNT, JOIN = 60, 20
# A prefix SEI NAL unit of H.265: recovery_poc_cnt 19, no exact match, no broken link.
RECOVERY_POINT = b"\0\0\0\1\x4e\x01\x06\x02\x04\xc4\x80"
DECODERS = {"libx264": "h264", "libx265": "hevc"}


def encoded(name: str) -> list[bytes]:
    """Noise that moves across the picture."""
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 192, 112, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    words = "keyint=20:intra-refresh=1:bframes=0"
    own = {"libx264": {"x264-params": words + ":annexb=1"}, "libx265": {"x265-params": words + ":log-level=none"}}
    encoder.options = own[name]
    scene, packets = numpy.random.default_rng(1).integers(0, 255, (300, 400), numpy.uint8), []
    for number in range(COUNT):
        view = numpy.ascontiguousarray(scene[number : number + 112, 2 * number : 2 * number + 192])
        frame = av.VideoFrame.from_ndarray(view, format="gray").reformat(format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in packets + encoder.encode(None)]


def decoded(name: str, units: list[bytes], first: int) -> dict[int, numpy.ndarray]:
    decoder, pictures = av.CodecContext.create(DECODERS[name], "r"), {}
    decoder.thread_count = 1
    packets = [av.Packet(unit) for unit in units[first:]]
    for number, packet in enumerate(packets, first):
        packet.pts, packet.time_base = number, Fraction(1, 25)
    for packet in [*packets, None]:
        pictures |= {frame.pts: frame.to_ndarray().astype(int) for frame in decoder.decode(packet)}
    return pictures


def recovery_points(name: str, units: list[bytes]) -> int:
    """SEI NAL units that begin with such a message."""
    begin = {"libx264": b"\0\0\1\x06\x06", "libx265": b"\0\0\1\x4e\x01\x06"}[name]
    return sum(begin in unit for unit in units)


def joined(words: str, name: str, whole: list[bytes], late: list[bytes]) -> tuple[int, int, int]:
    right, found = decoded(name, whole, 0), decoded(name, late, JOIN)
    equal = sum((found[number] == right[number]).all() for number in found)
    off = int(abs(found[COUNT - 1] - right[COUNT - 1]).max()) if COUNT - 1 in found else 0
    points = recovery_points(name, late)
    print(f"{words}: {points} recovery points; {len(found)} pictures, {equal} as in the whole stream, the last off by {off}")
    return len(found), int(equal), off


x264, x265 = encoded("libx264"), encoded("libx265")
slice_begins = b"\0\0\1\x02"  # TRAIL_R
marked = [
    unit.replace(slice_begins, RECOVERY_POINT[1:] + slice_begins, 1) if number % 20 == 0 and number else unit
    for number, unit in enumerate(x265)
]
pictures, equal, _ = joined("libx264", "libx264", x264, x264)
silent, _, _ = joined("libx265", "libx265", x265, x265)
some, right, off = joined("libx265 with recovery points put in", "libx265", x265, marked)
as_seen = recovery_points("libx264", x264) == 2 and pictures == equal > 0
as_seen = as_seen and recovery_points("libx265", x265) == 0 == silent and some > 0 == right and off > 10
sys.exit(0 if as_seen else "libx264 or libx265 behaves otherwise now")
PYTHON
"$folder/venv/bin/python" "$folder/look.py"
