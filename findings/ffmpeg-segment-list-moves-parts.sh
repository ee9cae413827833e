#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The list that FFmpeg's segment muxer writes for its own concat demuxer (segment_list_type=ffconcat, "can be read using the
# FFmpeg concat demuxer") does not give back the recording that was cut up, where the parts are Matroska or NUT: before the
# third part, and each after it, comes an outage as long as all parts before it but one, and 10 s in parts of 2 s become
# 22 s. So a day of a camera in parts of an hour would be 277 hours. There is no warning.
#
# Each part goes on with the recording's time, and a duration in these files counts from 0: 4 s for the part from 2 to 4 s.
# The concat demuxer takes away a part's start, and yet lays the next part that whole duration behind it. MP4 and MPEG-TS have
# lengths, and are right. For Matroska reset_timestamps=1 makes it right, at the price of the parts' own times; NUT then
# loses one picture's duration a part.
#
# Seen with PyAV 18.1.0 (libavformat 62.12.102), and with Debian 12's ffmpeg 5.1.9: 250 pictures, 40 ms apart, parts of 2 s,
# where the parts begin in what the concat demuxer gives, in ms:
#                           as written                      reset_timestamps=1
#     .mkv                  0 2000 6000 12000 20000         0 2000 4000 6000 8000
#     .nut                  0 1960 5920 11880 19840         0 1960 3920 5880 7840
#     .mp4, .mov, .ts       0 2000 4000 6000 8000           the same
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction
from pathlib import Path

import av

COUNT, INTERVAL_MS, IN_A_PART = 250, 40, 50
RIGHT = [0, 2000, 4000, 6000, 8000]
EXPECTED = {
    ("mkv", 0): [0, 2000, 6000, 12000, 20000],
    ("mkv", 1): RIGHT,
    ("nut", 0): [0, 1960, 5920, 11880, 19840],
    ("nut", 1): [0, 1960, 3920, 5880, 7840],
    ("mp4", 0): RIGHT,
    ("mp4", 1): RIGHT,
    ("mov", 0): RIGHT,
    ("mov", 1): RIGHT,
    ("ts", 0): RIGHT,
    ("ts", 1): RIGHT,
}


def record(parts: Path, ending: str, reset: int) -> Path:
    listed = parts / "list.ffconcat"
    options = {
        "segment_time": "2",
        "segment_list": str(listed),
        "segment_list_type": "ffconcat",
        "reset_timestamps": str(reset),
    }
    with av.open(str(parts / f"%03d.{ending}"), "w", format="segment", options=options) as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "10", "bf": "0", "sc_threshold": "0"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.codec_context.gop_size = 25
        for number in range(COUNT):
            picture = av.VideoFrame(320, 240, "yuv420p")
            for plane, value in zip(picture.planes, (30 + number % 200, 128, 128)):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.pts, picture.time_base = number, Fraction(1, 25)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
    return listed


def begins_ms(listed: Path) -> list[int]:
    """When each part begins in what the list gives; all pictures are there, and each part is whole."""
    with av.open(str(listed), format="concat") as file:
        pictures = [(bytes(frame.planes[0])[0] - 30, frame.time) for frame in file.decode(video=0)]
    assert len(pictures) == COUNT
    assert all(abs(value - number % 200) <= 1 for number, (value, _) in enumerate(pictures))
    times = [round(1000 * (time - pictures[0][1])) for _, time in pictures]
    begins = times[::IN_A_PART]
    assert times == [begins[n // IN_A_PART] + n % IN_A_PART * INTERVAL_MS for n in range(COUNT)]
    return begins


print(f"PyAV {av.__version__}, libavformat {'.'.join(map(str, av.library_versions['libavformat']))}")
for (ending, reset), expected in EXPECTED.items():
    parts = Path(sys.argv[1]) / f"{ending}-{reset}"
    parts.mkdir()
    begins = begins_ms(record(parts, ending, reset))
    print(f".{ending}, reset_timestamps={reset}: parts begin at {begins} ms")
    assert begins == expected
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py" "$folder"
