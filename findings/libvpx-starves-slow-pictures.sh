#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A time lapse in VP8 or VP9 is blurred as soon as its pictures are more than ten seconds apart. Up to there, libvpx gives
# each picture what the bit rate leaves for its time: twice the interval, twice the bytes, as expected. From eleven
# seconds on it takes the rate for unbelievable (below 0.1 pictures a second), and counts with 30 a second in its
# place, without a word: a picture that may have 50,000 bytes gets 3,000. So of a camera that is slowed down, say for the
# night, the pictures get worse the more there is to spend on each; only 10 % of the bit rate that was asked for is used.
# A bit rate for 30 pictures a second, or a constant quality (b=0 and crf), is the way out.
#
# Seen with PyAV 18.1.0 (libvpx 1.15.2), 320x240 at 20 kbit/s, all pictures full of new
# detail; mean bytes of a picture:
#     seconds between pictures    5         9         10        11       20       40
#     that leaves               12500     22500     25000     27500    50000   100000
#     VP8                       13700     20900     20700      3700     3200     3100
#     VP9                        8400     14600     16100      4900     2700     2700
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction

import av
import numpy

WIDTH, HEIGHT, COUNT, SETTLED, BIT_RATE = 320, 240, 20, 4, 20_000
SECONDS = [5, 9, 10, 11, 20, 40]


def mean_size(codec: str, seconds: int) -> int:
    encoder, random = av.CodecContext.create(codec, "w"), numpy.random.default_rng(1)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 1000), Fraction(1, seconds)
    encoder.bit_rate, encoder.gop_size = BIT_RATE, 1000
    encoder.options = {"deadline": "realtime", "cpu-used": "8"}
    grey, packets = numpy.full((HEIGHT // 2, WIDTH), 128, numpy.uint8), []
    for number in range(COUNT):
        detail = random.integers(0, 256, (HEIGHT // 4, WIDTH // 4), numpy.uint8).repeat(4, 0).repeat(4, 1)
        picture = av.VideoFrame.from_ndarray(numpy.concatenate([detail, grey]), format="yuv420p")
        picture.pts, picture.time_base = number * seconds * 1000, encoder.time_base
        packets += encoder.encode(picture)
    sizes = [packet.size for packet in packets + encoder.encode(None)]
    assert len(sizes) == COUNT
    return sum(sizes[SETTLED:]) // (COUNT - SETTLED)


print(f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec']}; seconds: {SECONDS}")
same = []
for codec in ("libvpx", "libvpx-vp9"):
    sizes = {seconds: mean_size(codec, seconds) for seconds in SECONDS}
    print(f"{codec}: {list(sizes.values())}")
    same += [sizes[9] > 1.3 * sizes[5], sizes[10] > 0.9 * sizes[9]]
    same += [3 * sizes[seconds] < sizes[10] for seconds in (11, 20, 40)]
sys.exit(0 if all(same) else f"it has changed: {same}")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 "numpy<3"
"$folder/venv/bin/python" "$folder/look.py"
