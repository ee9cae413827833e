#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Interlaced Motion JPEG says in each field which lines it has: the APP0 segment "AVI1" has a polarity, 1 for the odd
# lines, the upper ones, and 2 for the even ones (OpenDML AVI File Format Extensions 1.02, Motion JPEG DIB Format).
# FFmpeg's decoder passes over it. Where no container says anything of fields, it takes the first one for the lower if
# the codec is called "MJPG", as every .avi calls it, and for the upper if not: of the same bytes each second line
# changes place with the one before when they go from .avi to .mkv or .mov, or back. It is seen as combs at edges of
# things that stand still, and copying from one container to the other changes what is shown, without an error or a
# warning. Who decodes such a file has to read the first field by himself, and to give the decoder the name that goes
# with it. mjpegtools' lav2yuv (2.1.0, Debian 12) heeds the polarity.
#
# Seen with PyAV 15.1.0 (libavcodec 61) and 18.1.0 (libavcodec 62), odd lines of 200, even of 50; 200 is to be first:
#     polarity 1 first, avi: 50 200 50 200; matroska and mov: 200 50 200 50
#     polarity 2 first, avi: 200 50 200 50; matroska and mov: 50 200 50 200
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import io
from fractions import Fraction

import av
import numpy

WIDTH, HEIGHT, COUNT = 64, 24, 5
LEVELS = {1: 200, 2: 50}


def field(polarity: int) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = WIDTH, HEIGHT, "yuvj420p", Fraction(1, 25)
    encoder.qmin = encoder.qmax = 2
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuvj420p")
    for plane, value in zip(frame.planes, (LEVELS[polarity], 128, 128)):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    return data[:2] + b"\xff\xe0\x00\x10AVI1" + bytes([polarity]) + bytes(9) + data[2:]


def lines(container: str, first: int) -> str:
    """The first four of a picture that is two fields, from a file of such ones."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, 2 * HEIGHT, "yuvj420p"
        for number in range(COUNT):
            packet = av.Packet(field(first) + field(3 - first))
            packet.pts = packet.dts = number
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), stream, True
            output.mux(packet)
    file.seek(0)
    found = set()
    with av.open(file) as source:
        source.streams.video[0].thread_type = "NONE"
        for frame in source.decode(video=0):
            assert (frame.width, frame.height) == (WIDTH, 2 * HEIGHT)
            plane = frame.planes[0]
            luma = numpy.frombuffer(bytes(plane), numpy.uint8).reshape(-1, plane.line_size)
            found.add(" ".join(map(str, luma[:4, WIDTH // 2])))
    (seen,) = found
    return seen


right, wrong = "200 50 200 50", "50 200 50 200"
changed = False
for first in (1, 2):
    for container in ("avi", "matroska", "mov"):
        seen = lines(container, first)
        expected = right if (container == "avi") == (first == 2) else wrong
        changed = changed or seen != expected
        print(f"{av.__version__} polarity {first} first, {container}: {seen}")
raise SystemExit("changed" if changed else 0)
PYTHON

for version in 15.1.0 18.1.0; do
	python3 -m venv "$folder/$version"
	"$folder/$version/bin/pip" install --quiet --disable-pip-version-check "av==$version" "numpy<3"
	"$folder/$version/bin/python" "$folder/look.py"
done
