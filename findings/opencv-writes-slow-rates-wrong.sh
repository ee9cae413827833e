#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV's VideoWriter takes the rate as a double, and keeps three digits behind the point of it, absolute ones. At 30 a
# second nobody sees that; of a time lapse, which the same call writes with a rate of 1 / interval, every time in the file
# is wrong: a picture a minute lies 58.8 s behind the one before, one in five minutes 333 s, one in ten minutes 500 s. A
# picture in half an hour is 0.000 a second, which is refused when the file is opened. All others are taken without a word,
# and CAP_PROP_FPS gives the rounded rate, as if it had been asked for. Expected was the time base that FFmpeg
# can have for it, 60 s or 600 s, or its nearest fraction.
#
# Seen with opencv-python-headless 5.0.0.93, read by PyAV 18.1.0; .mp4, .mkv and .avi alike:
#     asked for, seconds    1    2     3    30      60      300      600     900    1800
#     written             1.0  2.0  3.003  30.303  58.824  333.333  500.0  1000.0   not opened
# Exits 0 while that is so, 1 where it has changed. Needs x86-64, Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from pathlib import Path

import av
import cv2
import numpy

COUNT = 20
KINDS = {"mp4": "mp4v", "mkv": "MJPG", "avi": "MJPG"}
EXPECTED = {1: 1.0, 2: 2.0, 3: 3.003, 30: 30.303, 60: 58.824, 300: 333.333, 600: 500.0, 900: 1000.0, 1800: None}


def written(path: Path, codec: str, seconds: int) -> float | None:
    """The mean interval of what is in the file; none where it was not opened."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*codec), 1 / seconds, (64, 48))
    if not writer.isOpened():
        return None
    for number in range(COUNT):
        writer.write(numpy.full((48, 64, 3), 4 * number, numpy.uint8))
    writer.release()
    with av.open(str(path)) as file:
        times = sorted(picture.time for picture in file.decode(video=0))
    assert len(times) == COUNT
    return round((times[-1] - times[0]) / (COUNT - 1), 3)


print(f"OpenCV {cv2.__version__}, PyAV {av.__version__}")
same = True
for kind, codec in KINDS.items():
    seen = {seconds: written(Path(sys.argv[1]) / f"lapse.{kind}", codec, seconds) for seconds in EXPECTED}
    print(f"{kind}: {seen}")
    same = same and seen == EXPECTED
sys.exit(0 if same else "it has changed")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 opencv-python-headless==5.0.0.93 "numpy<2.5"
"$folder/venv/bin/python" "$folder/look.py" "$folder"
