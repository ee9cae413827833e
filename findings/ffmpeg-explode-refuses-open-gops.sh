#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg's decoder of H.264, told to stop at errors (err_detect=explode), refuses valid streams that it enters at the
# recovery point of an open GOP: the picture after it removes a reference picture from before the entry, which is no error
# where decoding begins there, and avcodec_send_packet() says AVERROR_INVALIDDATA. The picture of the refused unit comes
# out all the same, whole. One would expect an error to mean a picture that is damaged or missing; a program that begins
# anew after each gets no more than the first pictures of each GOP. The mark for pictures with concealed errors is no way
# out: of a unit that is cut off, H.264's picture comes out with AV_FRAME_FLAG_CORRUPT, H.265's without.
#
# Seen with PyAV 18.1.0 (FFmpeg 8, libavcodec 62.28.102), with streams of its libx264 and libx265:
#     H.264 entered at a recovery point    units refused  pictures missing or wrong
#         without the option               0              0
#         err_detect=explode               1              0
#     a unit cut off, without the option   H.264: 1 picture marked as corrupt; H.265: none
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 or newer with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
from fractions import Fraction
from typing import Any

import av
import numpy

av.logging.set_level(None)
COMMON = "keyint=10:min-keyint=10:scenecut=0:log-level=none"
OPEN = f"{COMMON}:open-gop=1:bframes=2:b-adapt=0:annexb=1:threads=1"
ENTRY = 20  # the unit of the second recovery point; the two that follow it and are shown before it are left out


def units(name: str, option: str, words: str) -> list[tuple[int, bytes]]:
    """Return (place in output order, bytes) of each access unit, in decoding order."""
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 320, 240, "yuv420p", Fraction(1, 25)
    encoder.options = {option: words}
    drawn = numpy.random.default_rng(1).integers(0, 255, (45, 40), numpy.uint8).repeat(8, axis=0).repeat(8, axis=1)
    packets = []
    for number in range(40):
        frame = av.VideoFrame.from_ndarray(numpy.ascontiguousarray(numpy.roll(drawn, 3 * number, 1)), format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return [(packet.pts, bytes(packet)) for packet in [*packets, *encoder.encode(None)]]


def decoded(name: str, stream: list[tuple[int, bytes]], **options: str) -> tuple[dict[int, tuple[bytes, bool]], int]:
    """Return (samples, whether marked as corrupt) of each picture by its place, and how many units were refused."""
    decoder: Any = av.CodecContext.create(name, "r")
    decoder.thread_count, decoder.options = 1, options
    pictures, refused = {}, 0
    for place, data in stream:
        packet = av.Packet(data)
        packet.pts = place
        try:
            came = decoder.decode(packet)
        except av.FFmpegError:
            came, refused = [], refused + 1
        pictures |= {one.pts: (one.to_ndarray().tobytes(), one.is_corrupt) for one in came}
    pictures |= {one.pts: (one.to_ndarray().tobytes(), one.is_corrupt) for one in decoder.decode(None)}
    return pictures, refused


whole = units("libx264", "x264-params", OPEN)
truth, _ = decoded("h264", whole)
begin = whole[ENTRY][0]
late = [(place, data) for place, data in whole[ENTRY:] if place >= begin]
print(f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec']}; units refused, pictures missing or wrong")
seen = []
for options in ({}, {"err_detect": "explode"}):
    pictures, refused = decoded("h264", late, **options)
    wrong = sum(pictures.get(place) != truth[place] for place, _ in late)
    seen.append((refused, wrong))
    print(options, refused, wrong)
marked = []
closed = {"h264": ("libx264", "x264-params", f"{COMMON}:bframes=0:annexb=1")}
closed["hevc"] = ("libx265", "x265-params", f"{COMMON}:bframes=0:repeat-headers=1")
for name, encoder in closed.items():
    stream = units(*encoder)
    place, data = stream[13]
    stream[13] = place, data[: len(data) // 2]
    pictures, _ = decoded(name, stream)
    marked.append(sum(mark for _, mark in pictures.values()))
    print(name, "with a unit cut off:", marked[-1], "pictures marked as corrupt")
assert seen == [(0, 0), (1, 0)] and marked == [1, 0]
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" "$folder/look.py"
