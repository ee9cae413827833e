#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV finds other pictures than those asked for in a recording with an outage, and in Matroska by time none at all.
# 100 pictures, 40 ms apart, with an outage of 3 s before picture 37; each tells its number by its brightness. Read in
# order, all come, and CAP_PROP_POS_MSEC is each one's own time. After CAP_PROP_POS_FRAMES or CAP_PROP_POS_MSEC was set:
#
#     .mp4   picture 36 asked for: 47 comes, 60: 71, 90: 69, which is before what 60 gave; at the time of 36: 21, of 60: 88
#     .mkv   by number all are right, though CAP_PROP_FRAME_COUNT says 175; at the time of 36: 36, of 60: read() fails
#
# A time is made a number by the average rate, 14.29 frames/s in MP4, and a number a time likewise. So whoever cuts out
# what happened at a certain time gets a picture of seconds before or after, and nothing says so.
#
# Seen with opencv-python-headless 5.0.0.93 and files by PyAV 18.1.0, H.264 without B pictures, a keyframe a second.
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 or newer with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2

COUNT, OUTAGE_AT, OUTAGE_MS, INTERVAL_MS = 100, 37, 3000, 40
ASKED = (5, 36, 60, 90)
EXPECTED = {
    "mp4": ([5, 47, 71, 69], [3, 21, 88, 73]),
    "mkv": ([5, 36, 60, 90], [5, 36, None, 90]),
}


def time_ms(number: int) -> int:
    return number * INTERVAL_MS + OUTAGE_MS * (number >= OUTAGE_AT)


def record(path: Path) -> None:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "10", "bf": "0"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.codec_context.time_base, video.codec_context.gop_size = Fraction(1, 1000), 25
        for number in range(COUNT):
            picture = av.VideoFrame(320, 240, "yuv420p")
            for plane, value in zip(picture.planes, (30 + 2 * number, 128, 128)):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.pts, picture.time_base = time_ms(number), Fraction(1, 1000)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def number_of(came: bool, picture: cv2.typing.MatLike) -> int | None:
    """Which picture it is, by its brightness."""
    return round((float(picture[120, 160].mean()) * 219 / 255 + 16 - 30) / 2) if came else None


def after(path: Path, what: int, values: list[float]) -> list[int | None]:
    """The pictures that come after each of those was set."""
    opened, came = cv2.VideoCapture(str(path)), []
    for value in values:
        opened.set(what, value)
        came.append(number_of(*opened.read()))
    return came


print(f"OpenCV {cv2.__version__}, PyAV {av.__version__}")
for kind, (by_number, by_time) in EXPECTED.items():
    path = Path(sys.argv[1]) / f"clip.{kind}"
    record(path)
    opened = cv2.VideoCapture(str(path))
    told = opened.get(cv2.CAP_PROP_FRAME_COUNT), round(opened.get(cv2.CAP_PROP_FPS), 2)
    for number in range(COUNT):
        assert number_of(*opened.read()) == number and round(opened.get(cv2.CAP_PROP_POS_MSEC)) == time_ms(number)
    seen = after(path, cv2.CAP_PROP_POS_FRAMES, list(ASKED)), after(path, cv2.CAP_PROP_POS_MSEC, [*map(time_ms, ASKED)])
    print(f"{kind}: says {told[0]:.0f} at {told[1]} frames/s; asked for {ASKED}: by number {seen[0]}, by time {seen[1]}")
    assert seen == (by_number, by_time)
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 opencv-python-headless==5.0.0.93
"$folder/venv/bin/python" "$folder/look.py" "$folder"
