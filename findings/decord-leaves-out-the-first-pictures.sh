#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# decord gives other pictures than those asked for, of whole files without any gap, and raises no error:
# - MPEG-TS with B pictures: reader[0] is the first picture of the second keyframe's group, and so on to the end, where the
#   last picture comes once for each that was left out at the beginning, so that the length is right. Read in order, by
#   index or as a batch, it is the same. The times it tells (get_frame_timestamp) are those of the pictures left out.
# - H.264 in .avi: in order all is right; an index in a later group than the first gives a picture of the first one.
# So labels by index or by time, from this or another reader, are a keyframe's distance off what they are learnt from.
#
# Seen with decord 0.6.0 (FFmpeg 4 inside) and files by PyAV 18.1.0: 100 pictures, 25 a second, a keyframe a second, each
# telling its number by its brightness; 5, 36, 60 and 90 asked for, and in order:
#     .ts, two B pictures in a row    30 61 85 94    25 26 ... 98 99, then 25 times 99
#     .ts without B pictures           5 36 60 90     0  1 ... 98 99
#     .avi without B pictures          5 11 10 15     0  1 ... 98 99
#     .mkv, .mp4 and .flv with them    5 36 60 90     0  1 ... 98 99
# Exits 0 while that is so, 1 where it has changed. Needs x86-64, Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction
from pathlib import Path

import av
import decord

COUNT, ASKED = 100, [5, 36, 60, 90]
ALL = list(range(COUNT))
EXPECTED = {
    ("ts", 2): ([30, 61, 85, 94], ALL[25:] + [99] * 25),
    ("ts", 0): (ASKED, ALL),
    ("avi", 0): ([5, 11, 10, 15], ALL),
    ("mkv", 2): (ASKED, ALL),
    ("mp4", 2): (ASKED, ALL),
    ("flv", 2): (ASKED, ALL),
}


def record(path: Path, b_pictures: int) -> None:
    options = {"crf": "10", "bf": str(b_pictures), "b-adapt": "0", "sc_threshold": "0"}
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options=options)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.codec_context.gop_size = 25
        for number in range(COUNT):
            picture = av.VideoFrame(320, 240, "yuv420p")
            for plane, value in zip(picture.planes, (30 + 2 * number, 128, 128)):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.pts, picture.time_base = number, Fraction(1, 25)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def number_of(picture: "decord.ndarray.NDArray") -> int:
    return round((float(picture.asnumpy()[120, 160].mean()) * 219 / 255 + 16 - 30) / 2)


print(f"decord {decord.__version__}, PyAV {av.__version__}")
for (kind, b_pictures), (of_asked, of_all) in EXPECTED.items():
    path = Path(sys.argv[1]) / f"b-{b_pictures}.{kind}"
    record(path, b_pictures)
    with av.open(str(path)) as file:
        assert [round((bytes(picture.planes[0])[0] - 30) / 2) for picture in file.decode(video=0)] == ALL
    in_order = decord.VideoReader(str(path))
    every = [number_of(in_order[index]) for index in range(len(in_order))]
    at_random = decord.VideoReader(str(path))
    asked = [number_of(at_random[index]) for index in ASKED]
    print(f".{kind}, {b_pictures} B pictures: asked for {ASKED}, came {asked}; in order {every[:3]} ... {every[-3:]}")
    assert (asked, every) == (of_asked, of_all)
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 decord==0.6.0
"$folder/venv/bin/python" "$folder/look.py" "$folder"
