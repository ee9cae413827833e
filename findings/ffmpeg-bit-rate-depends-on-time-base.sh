#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What bit rate FFmpeg's encoders keep to depends on the unit in which pictures are dated, and nothing says so. With the
# usual 1/25 s all follow what was asked, as far as they can. In ms libx265 makes pictures of the worst quality, a tenth
# of the bits, whatever was asked, unless the frame rate is told too; libx264 and libvpx then stay near to it. FFmpeg's
# own Motion JPEG encoder heeds no bit rate at all from 1/90000 s on, and with the frame rate told it takes the best
# quality instead of the worst. So a program that dates pictures by a clock, in us or ns, tells the encoder a time base
# of 1/fps, or the frame rate, and looks at what comes out.
#
# Seen with PyAV 18.1.0 (libavcodec 62): 3 s of noisy 320x240 at 25 frames/s, kbit/s for 400 and for 1600 asked:
#                           1/25          1/1000 s       1/90000 s      1/1000000000 s
#     libx265               373, 2045     42, 45         42, 42         42, 42
#     libx265, 25 told      373, 2045     373, 2045      373, 2045      373, 2045
#     mjpeg                 1625, 2035    1399, 1522     1399, 1399     1399, 1399
#     mjpeg, 25 told        1625, 2035    3458, 7006     7006, 7006     7006, 7006
#     libx264               363, 1602     279, 1682      240, 1417      240, 1417
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
from fractions import Fraction

import av
import numpy

WIDTH, HEIGHT, FPS, COUNT = 320, 240, 25, 75
ASKED = (400, 1600)
UNITS = [Fraction(1, unit) for unit in (FPS, 1000, 90_000, 1_000_000_000)]


def pictures() -> list[numpy.ndarray]:
    noise = numpy.random.default_rng(1)
    blocks = noise.integers(0, 255, (HEIGHT // 8, WIDTH // 8), dtype=numpy.uint8).repeat(8, 0).repeat(8, 1)
    moved = [numpy.roll(blocks, 3 * number, 1).astype(int) for number in range(COUNT)]
    return [(one + noise.integers(-20, 20, one.shape)).clip(0, 255).astype(numpy.uint8) for one in moved]


def kbit_per_s(name: str, unit: Fraction, asked: int, told: bool) -> int:
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height = WIDTH, HEIGHT
    encoder.pix_fmt = "yuvj420p" if name == "mjpeg" else "yuv420p"
    encoder.time_base, encoder.bit_rate = unit, asked * 1000
    if told:
        encoder.framerate = Fraction(FPS)
    if name == "libx265":
        encoder.options = {"x265-params": "log-level=none"}
    size = 0
    for number, luma in enumerate(PICTURES):
        frame = av.VideoFrame(WIDTH, HEIGHT, encoder.pix_fmt)
        padded = numpy.zeros((HEIGHT, frame.planes[0].line_size), numpy.uint8)
        padded[:, :WIDTH] = luma
        frame.planes[0].update(padded.tobytes())
        for plane in frame.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = int(Fraction(number, FPS) / unit), unit
        size += sum(packet.size for packet in encoder.encode(frame))
    size += sum(packet.size for packet in encoder.encode(None))
    return round(size * 8 * FPS / COUNT / 1000)


def row(name: str, told: bool) -> list[tuple[int, int]]:
    found = [(kbit_per_s(name, unit, ASKED[0], told), kbit_per_s(name, unit, ASKED[1], told)) for unit in UNITS]
    print(f"{name}{', 25 told' if told else ''}: {found}")
    return found


print(f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec']}")
PICTURES = pictures()
usual, *finer = row("libx265", told=False)
assert usual[1] > 3 * usual[0] and all(more < 100 and less < 100 for less, more in finer)
assert all(more > 3 * less > 600 for less, more in row("libx265", told=True))
usual, ms, *finer = row("mjpeg", told=False)
assert usual[1] > usual[0] and all(less == more < usual[0] for less, more in finer)
assert all(less == more > 3 * usual[1] for less, more in row("mjpeg", told=True)[2:])
assert all(more > 3 * less for less, more in row("libx264", told=False))
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.2.6
"$folder/venv/bin/python" "$folder/look.py"
