#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# H.265 of x265 hides what pictures were told to carry. A camera's capture time often travels in the picture itself, as an
# SEI message "user data unregistered": 16 bytes that name whose it is (a UUID), then the data. FFmpeg hands these out with
# each decoded picture, and its encoders take them along with udu_sei=1. libx264 writes them as they were; of libx265, a
# reader who looks for that UUID finds none, with no warning: x265 puts its own UUID, that of its version banner, before
# every message of this type, and whose it was becomes the first 16 bytes of data. FFmpeg gives it the UUID as a part of the
# data, which is how x264 takes it.
#
# Seen with PyAV 18.1.0 (libavcodec 62.28.102, x265 4.2), 12 pictures that each carry their number:
#     libx264     12 of 12 pictures carry theirs
#     libx265     none; 12 of 12 behind 2CA2DE09-B517-47DB-BB55-A4FE7FC2FC4E
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction
from uuid import UUID

import av

COUNT, UNIT = 12, Fraction(1, 25)
MINE = UUID("0badcafe-1234-4321-8765-a0b1c2d3e4f5").bytes
OF_X265 = UUID("2ca2de09-b517-47db-bb55-a4fe7fc2fc4e").bytes
START = b"\0\0\0\1"


def encoder(name: str, options: dict[str, str]) -> av.VideoCodecContext:
    context = av.CodecContext.create(name, "w")
    context.width, context.height, context.pix_fmt = 160, 128, "yuv420p"
    context.time_base, context.framerate, context.options = UNIT, Fraction(25), options
    return context


def camera() -> list[bytes]:
    """H.264 as of a camera: before each picture an SEI message with its number in two bytes that are never zero."""
    camera = encoder("libx264", {"tune": "zerolatency", "x264-params": "annexb=1:slices=1"})
    packets = []
    for number in range(COUNT):
        picture = av.VideoFrame(160, 128, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([16 + 10 * number]) * plane.buffer_size)
        picture.pts, picture.time_base = number, UNIT
        packets += camera.encode(picture)
    units = []
    for number, packet in enumerate(packets):
        message = b"\x06\x05" + bytes([len(MINE) + 2]) + MINE + bytes([0x40 + number, 0x7F]) + b"\x80"
        nal_units = bytes(packet).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
        first = next(at for at, unit in enumerate(nal_units) if unit[0] & 31 in (1, 5))
        units.append(b"".join(START + unit for unit in [*nal_units[:first], message, *nal_units[first:]]))
    return units


def decoded(name: str, units: list[bytes]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create(name, "r")
    pictures = []
    for number, unit in enumerate(units):
        packet = av.Packet(unit)
        packet.pts = packet.dts = number
        packet.time_base = UNIT
        pictures += decoder.decode(packet)
    return pictures + decoder.decode(None)


def carried(pictures: list[av.VideoFrame], before: bytes) -> int:
    """How many pictures carry their own number under MINE, which has these bytes before it."""
    found = 0
    for number, picture in enumerate(pictures):
        expected = before + MINE + bytes([0x40 + number, 0x7F])
        found += any(bytes(data) == expected for data in picture.side_data if "SEI_UNREGISTERED" in str(data.type))
    return found


def again(name: str, decoder: str, options: dict[str, str]) -> list[av.VideoFrame]:
    context = encoder(name, {"udu_sei": "1", **options})
    packets = []
    for picture in decoded("h264", camera()):
        picture.pict_type = 0
        packets += context.encode(picture)
    packets += context.encode(None)
    return decoded(decoder, [bytes(packet) for packet in packets])


print(f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec']}")
first = decoded("h264", camera())
assert carried(first, b"") == COUNT, "the camera's own pictures carry their numbers"
of_x264 = again("libx264", "h264", {"tune": "zerolatency"})
of_x265 = again("libx265", "hevc", {"tune": "zerolatency", "x265-params": "log-level=none"})
told = [carried(of_x264, b""), carried(of_x265, b""), carried(of_x265, OF_X265)]
print(f"of {COUNT} pictures carry theirs: libx264 {told[0]}, libx265 {told[1]}, libx265 behind x265's UUID {told[2]}")
assert len(of_x264) == len(of_x265) == COUNT
sys.exit(0 if told == [COUNT, 0, COUNT] else "it has changed")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py"
