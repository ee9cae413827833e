#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# MediaInfo counts frames that are not there: of 100 pictures with an outage of 3 s between them it says that there are
# 175 in Matroska and Flash Video, 174 in MPEG-TS, 7000 in AVI with a time base of 1 ms; in MP4 and QuickTime it says 100.
# FrameCount is what was counted in the one, and length times frame rate in the others, and which of both it is can't be
# told from the answer. So it does not tell whether a recording is complete: 3 s of lost pictures look like none lost.
#
# Seen with pymediainfo 7.0.1 (libmediainfo 24.12) and files by PyAV 18.1.0, H.264 without B pictures, 25 frames/s:
#     mp4 100 (14.286 frames/s), mov 100 (14.286), mkv 175 (25.000), flv 175 (25.000), ts 174 (25.000), avi 7000 (1000.000)
# Exits 0 while that is so, 1 where it has changed. Needs x86-64 or AArch64, Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction
from pathlib import Path

import av
from pymediainfo import MediaInfo

COUNT, OUTAGE_AT, OUTAGE_MS, INTERVAL_MS = 100, 37, 3000, 40
EXPECTED = {"mp4": 100, "mov": 100, "mkv": 175, "flv": 175, "ts": 174, "avi": 7000}


def record(path: Path) -> None:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"tune": "zerolatency"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.codec_context.time_base, video.codec_context.gop_size = Fraction(1, 1000), 25
        for number in range(COUNT):
            picture = av.VideoFrame(320, 240, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes((n * number) % 251 for n in range(plane.buffer_size)))
            picture.pts, picture.time_base = number * INTERVAL_MS + OUTAGE_MS * (number >= OUTAGE_AT), Fraction(1, 1000)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def pictures_in(path: Path) -> int:
    with av.open(str(path)) as opened:
        return sum(packet.size > 0 for packet in opened.demux(video=0))


print(f"PyAV {av.__version__}, MediaInfo {MediaInfo._get_library()[2]}")
for kind, expected in EXPECTED.items():
    path = Path(sys.argv[1]) / f"clip.{kind}"
    record(path)
    told = MediaInfo.parse(path).video_tracks[0]
    print(f"{kind}: {pictures_in(path)} pictures; MediaInfo: {told.frame_count} at {told.frame_rate} frames/s, {told.duration} ms")
    assert pictures_in(path) == COUNT and int(told.frame_count) == expected
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 pymediainfo==7.0.1
"$folder/venv/bin/python" "$folder/look.py" "$folder"
