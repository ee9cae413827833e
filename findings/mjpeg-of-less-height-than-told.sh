#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg takes pictures of Motion JPEG for fields of interlaced ones, by their height alone: where a container's header,
# or the codec context, tells more than 4/3 of the first picture's lines, every other picture is an error, and between
# them come pictures of twice the height, woven line by line from two that were taken one after the other. Nothing in
# the pictures says that they are fields: they are plain JFIF, without the APP0 segment "AVI1" that has a polarity, and
# what comes out is not flagged as interlaced. Up to 4/3, and where no height is told, all of them come as they are. So a
# decoder of a camera's pictures is better told no size; and a file that is to be trusted has a header that fits.
#
# Seen with PyAV 15.1.0 (libavcodec 61) and 18.1.0 (libavcodec 62), ten pictures of 64x48, brightness 60 and 180 in turn:
#     told  0: 10 pictures of 64x48, 0 errors
#     told 64: 10 pictures of 64x48, 0 errors
#     told 66:  5 pictures of 64x96, 5 errors; lines of 60 and 180 in turn
#     matroska of 64x96: the same; so do avi and mp4
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import io
from fractions import Fraction

import av
import numpy

WIDTH, HEIGHT, COUNT = 64, 48, 10


def jpeg(level: int) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = WIDTH, HEIGHT, "yuvj420p", Fraction(1, 25)
    encoder.qmin = encoder.qmax = 2
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuvj420p")
    for plane, value in zip(frame.planes, (level, 128, 128)):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def decoded(decoder, packets) -> str:
    shapes, errors, lines, flagged = set(), 0, (), False
    count = 0
    for packet in packets:
        try:
            for frame in decoder.decode(packet):
                count += 1
                shapes.add((frame.width, frame.height))
                plane = frame.planes[0]
                luma = numpy.frombuffer(bytes(plane), numpy.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
                lines = tuple(luma.mean(axis=1).round().astype(int)[:2])
                flagged = flagged or frame.interlaced_frame
        except av.error.InvalidDataError:
            errors += 1
    woven = f"; lines of {min(lines)} and {max(lines)} in turn" if lines[0] != lines[1] else ""
    sizes = " or ".join(f"{width}x{height}" for width, height in sorted(shapes))
    return f"{count} pictures of {sizes}, {errors} errors{woven}{', flagged' if flagged else ''}"


def told(height: int) -> str:
    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.thread_type = "NONE"
    if height:
        decoder.width, decoder.height = WIDTH, height
    return decoded(decoder, [av.Packet(picture) for picture in pictures])


def contained(container: str) -> str:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, 2 * HEIGHT, "yuvj420p"
        for number, picture in enumerate(pictures):
            packet = av.Packet(picture)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), stream, True
            output.mux(packet)
    file.seek(0)
    with av.open(file) as source:
        source.streams.video[0].thread_type = "NONE"
        packets = [packet for packet in source.demux(video=0) if packet.size]
        return decoded(source.streams.video[0], packets)


pictures = [jpeg((60, 180)[number % 2]) for number in range(COUNT)]
assert all(b"AVI1" not in picture for picture in pictures)
plain = f"{COUNT} pictures of 64x48, 0 errors"
woven = f"{COUNT // 2} pictures of 64x96, {COUNT // 2} errors; lines of 60 and 180 in turn"
seen = {f"told {height}": told(height) for height in (0, 64, 66)}
seen |= {f"{container} of 64x96": contained(container) for container in ("matroska", "avi", "mp4")}
for what, came in seen.items():
    print(f"{av.__version__} {what}: {came}")
expected = {"told 0": plain, "told 64": plain}
raise SystemExit(0 if all(came == expected.get(what, woven) for what, came in seen.items()) else "changed")
PYTHON

for version in 15.1.0 18.1.0; do
	python3 -m venv "$folder/$version"
	"$folder/$version/bin/pip" install --quiet --disable-pip-version-check "av==$version" "numpy<3"
	"$folder/$version/bin/python" "$folder/look.py"
done
