#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# imageio's PyAV plugin gives another picture than the one whose index is asked for, wherever a file does not begin at 0:
# always in MPEG-TS, which FFmpeg begins at 1.4 s. 100 pictures at 25 frames/s without any gap, each telling its number by
# its brightness; asked for 5, 36, 60 and 90, each by a call of its own (imageio.v3.imread(path, plugin="pyav", index=n)):
#
#     .ts                       25, 50, 75, StopIteration
#     .mkv that begins at 5 s   0, 0, 0, 0
#     .mp4 that begins at 5 s   0, 0, 0, 0
#     .mkv and .mp4 from 0 on   5, 36, 60, 90
#
# The plugin makes the index a time, and the keyframe's time an index, without the stream's start. Read in order by
# imiter, every picture is right.
#
# Seen with imageio 2.38.1 and PyAV 18.1.0, H.264 without B pictures, a keyframe a second.
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 or newer with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction
from pathlib import Path

import av
import imageio
import imageio.v3 as iio
from numpy.typing import NDArray

COUNT, ASKED = 100, (5, 36, 60, 90)
EXPECTED = {
    ("ts", 0): [25, 50, 75, "StopIteration"],
    ("mkv", 5): [0, 0, 0, 0],
    ("mp4", 5): [0, 0, 0, 0],
    ("mkv", 0): [5, 36, 60, 90],
    ("mp4", 0): [5, 36, 60, 90],
}


def record(path: Path, begins_s: int) -> None:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "10", "bf": "0"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.codec_context.gop_size = 25
        for number in range(COUNT):
            picture = av.VideoFrame(320, 240, "yuv420p")
            for plane, value in zip(picture.planes, (30 + 2 * number, 128, 128)):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.pts, picture.time_base = begins_s * 25 + number, Fraction(1, 25)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def number_of(picture: NDArray) -> int:
    return round((float(picture[120, 160].mean()) * 219 / 255 + 16 - 30) / 2)


def at_index(path: Path, index: int) -> int | str:
    try:
        return number_of(iio.imread(path, plugin="pyav", index=index))
    except StopIteration as error:
        return type(error).__name__


print(f"imageio {imageio.__version__}, PyAV {av.__version__}")
for (kind, begins_s), expected in EXPECTED.items():
    path = Path(sys.argv[1]) / f"from-{begins_s}.{kind}"
    record(path, begins_s)
    assert [number_of(picture) for picture in iio.imiter(path, plugin="pyav")] == list(range(COUNT))
    came = [at_index(path, index) for index in ASKED]
    print(f"{kind} that begins at {begins_s} s: asked for {ASKED}, came {came}")
    assert came == expected
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 imageio==2.38.1
"$folder/venv/bin/python" "$folder/look.py" "$folder"
