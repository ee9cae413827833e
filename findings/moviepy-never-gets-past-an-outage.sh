#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# MoviePy shows other pictures than those of the time that is asked for, of any .mp4 whose pictures are not evenly spaced; of one
# with an outage in it, everything behind the outage may never come. It counts pictures by the rate that FFmpeg prints of the
# file, which for MP4 is the average ("8.7 fps"), but lets FFmpeg choose the rate of what it sends, and that is the
# nominal one of 25 a second, kept by repeating pictures. So the n-th picture that it takes for the time n / 8.7 s is the one
# of n / 25 s, at every length and speed wrong by the same factor, and its end is not reached. No error, no warning. Expected was
# the picture that is to be seen at that time, as it comes from Matroska, for which FFmpeg prints the nominal rate.
#
# Seen with MoviePy 2.2.1, imageio-ffmpeg 0.8.1 (FFmpeg 9.0.2) and files by PyAV 18.1.0: 40 pictures 40 ms apart, an outage of
# 3 s behind the 13th, number 12; get_frame() at each picture's time and 20 ms; and all that iter_frames() gives:
#     .mp4     5 is 1, 12 is 4, 13 to 39 are 12    0 1 2 ... 11 12, then 12 over and over
#     .mkv     all as they should be               0 1 2 ... 38
# Exits 0 while that is so, 1 where it has changed. Needs x86-64, Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
import warnings
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import av
import moviepy

warnings.simplefilter("ignore")
COUNT, LAST_BEFORE, INTERVAL_MS, OUTAGE_MS = 40, 12, 40, 3000
MS = Fraction(1, 1000)
TIMES_MS = [number * INTERVAL_MS + (OUTAGE_MS if number > LAST_BEFORE else 0) for number in range(COUNT)]
ASKED = [0, 5, LAST_BEFORE, LAST_BEFORE + 1, 20, 30, COUNT - 2]


def record(path: Path) -> None:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "10", "bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = MS
        for number, time_ms in enumerate(TIMES_MS):
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane, value in zip(picture.planes, (20 + 2 * number, 128, 128)):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.pts, picture.time_base = time_ms, MS
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
    with av.open(str(path)) as file:
        assert [round(1000 * picture.time) for picture in file.decode(video=0)] == TIMES_MS


def number_of(array: "numpy.ndarray") -> int:
    return round((float(array[24, 32].mean()) * 219 / 255 + 16 - 20) / 2)


def look(path: Path) -> tuple[list[int], set[int]]:
    with moviepy.VideoFileClip(str(path)) as clip:
        asked = [number_of(clip.get_frame(TIMES_MS[number] / 1000 + 0.02)) for number in ASKED]
        every = [number_of(array) for array in clip.iter_frames()]
        print(f"{path.suffix}: {clip.fps} fps, {clip.duration} s; asked for {ASKED}, came {asked}; of all, up to {max(every)}")
        return asked, set(every)


print(f"MoviePy {version('moviepy')}, imageio-ffmpeg {version('imageio-ffmpeg')}, PyAV {av.__version__}")
folder = Path(sys.argv[1])
seen = {}
for kind in ("mp4", "mkv"):
    record(folder / f"clip.{kind}")
    seen[kind] = look(folder / f"clip.{kind}")
asked, every = seen["mp4"]
same = [
    asked == [0, 1, 4] + [LAST_BEFORE] * 4 and every == set(range(LAST_BEFORE + 1)),
    seen["mkv"][0] == ASKED and seen["mkv"][1] >= set(range(COUNT - 1)),
]
sys.exit(0 if all(same) else f"it has changed: {same}")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 moviepy==2.2.1 imageio-ffmpeg==0.8.1
"$folder/venv/bin/python" "$folder/look.py" "$folder"
