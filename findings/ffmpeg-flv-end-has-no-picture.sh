#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whoever seeks to the end of H.264 in .flv gets no picture at all, and no error: FFmpeg's muxer ends the file with a tag
# "end of sequence" of the last picture's time, whose frame type says keyframe; FFmpeg's demuxer takes that for one, puts it
# in its index, and so finds it, the last thing of the file, as the nearest keyframe at or before that time. So a thumbnail
# of the newest picture, or a look at how a recording ended, comes back empty. Expected was the last keyframe, as from other
# containers. With the muxer's flvflags=no_sequence_end it is found, and so it is up to the last picture but one.
#
# Seen with PyAV 18.1.0 (libavformat 62.12.102), 60 pictures 40 ms apart, keyframes at 0, 25 and 50; first and last picture
# after container.seek(backward=True) to:
#                         picture 58    picture 59, the last    640 ms behind it
#     flv                 50 ... 59     none                    none
#     no_sequence_end     50 ... 59     50 ... 59               50 ... 59
#     matroska, mp4       50 ... 59     50 ... 59               50 ... 59
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction
from pathlib import Path

import av

COUNT, GOP, UNIT = 60, 25, Fraction(1, 25)
WHOLE, NONE = (50, 59), None
CASES = {
    ("flv", ""): [WHOLE, NONE, NONE],
    ("flv", "no_sequence_end"): [WHOLE] * 3,
    ("matroska", ""): [WHOLE] * 3,
    ("mp4", ""): [WHOLE] * 3,
}


def record(path: Path, kind: str, flags: str) -> None:
    with av.open(str(path), "w", format=kind, options={"flvflags": flags} if flags else {}) as out:
        video = out.add_stream("libx264", rate=25, options={"bf": "0", "sc_threshold": "0", "crf": "10"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.gop_size = GOP
        for number in range(COUNT):
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane, value in zip(picture.planes, (20 + 2 * number, 128, 128)):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.pts, picture.time_base = number, UNIT
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def after_seek(path: Path, number: int) -> tuple[int, int] | None:
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        file.seek(round(number * UNIT / video.time_base), stream=video, backward=True)
        numbers = [round((bytes(picture.planes[0])[0] - 20) / 2) for picture in file.decode(video)]
        return (numbers[0], numbers[-1]) if numbers else None


print(f"PyAV {av.__version__}, libavformat {av.library_versions['libavformat']}")
same = True
for (kind, flags), expected in CASES.items():
    path = Path(sys.argv[1]) / f"clip.{kind}"
    record(path, kind, flags)
    with av.open(str(path)) as file:
        assert sum(1 for _ in file.decode(video=0)) == COUNT
    seen = [after_seek(path, number) for number in (COUNT - 2, COUNT - 1, COUNT + 15)]
    print(f"{kind} {flags}: {seen}")
    same = same and seen == expected
sys.exit(0 if same else "it has changed")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py" "$folder"
