#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# aiortc's MediaRecorder dates pictures in thirtieths of a second, whatever a track's own times are. Of a camera of 25 pictures
# a second, 40 ms apart, they come to be 33 or 67 ms apart. Of one of 50 or 60, in Matroska two or three pictures have one
# time; .mp4 and .ts refuse that. The recorder's task then ends, which is told by stop() alone, hours later it may be: it raises
# "Invalid argument", and nothing of the recording can be read. What comes at 30 or 15 a second is as it was.
#
# Seen with aiortc 1.16.0 and PyAV 18.1.0, 300 pictures; times in ms of the first of them in the file:
#     25 a second   .mkv and .mp4   0 33 67 133 167 200
#     30 a second   .mkv and .mp4   0 33 67 100 133 167
#     50 a second   .mkv            0 33 33 67 67 100; 120 pictures have the time of the one before
#     50 a second   .mp4, .ts       ArgumentError, "Invalid argument"; the file is "Invalid data"
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import asyncio
import contextlib
import sys
from fractions import Fraction
from pathlib import Path

import aiortc
import av
from aiortc.contrib.media import MediaRecorder
from aiortc.mediastreams import MediaStreamError

COUNT, CLOCK_HZ = 300, 90000
BY_30 = [0, 33, 67, 100, 133, 167]
EXPECTED = {
    (25, "mkv"): ("", [0, 33, 67, 133, 167, 200], 0),
    (25, "mp4"): ("", [0, 33, 67, 133, 167, 200], 0),
    (30, "mkv"): ("", BY_30, 0),
    (30, "mp4"): ("", BY_30, 0),
    (50, "mkv"): ("", [0, 33, 33, 67, 67, 100], 120),
    (50, "mp4"): ("ArgumentError", [], 0),
    (50, "ts"): ("ArgumentError", [], 0),
}


class Camera(aiortc.MediaStreamTrack):
    """COUNT pictures at a constant rate, as fast as they are taken."""

    kind = "video"

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.times = iter([number * CLOCK_HZ // rate for number in range(COUNT)])
        self.ended = asyncio.Event()

    async def recv(self) -> av.VideoFrame:
        picture = av.VideoFrame(320, 240, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        picture.pts, picture.time_base = next(self.times, None), Fraction(1, CLOCK_HZ)
        if picture.pts is None:
            self.ended.set()
            raise MediaStreamError
        return picture


async def record(path: Path, rate: int) -> str:
    camera, recorder = Camera(rate), MediaRecorder(str(path))
    recorder.addTrack(camera)
    await recorder.start()
    with contextlib.suppress(TimeoutError):  # where the recorder has ended by itself, it takes no more pictures
        await asyncio.wait_for(camera.ended.wait(), 10)
    try:
        await recorder.stop()
    except av.error.ArgumentError as error:
        return type(error).__name__
    return ""


def times_ms(path: Path) -> list[int]:
    try:
        with av.open(str(path)) as file:
            return [round(1000 * picture.time) for picture in file.decode(video=0)]
    except av.error.InvalidDataError:
        return []


print(f"aiortc {aiortc.__version__}, PyAV {av.__version__}")
for (rate, ending), expected in EXPECTED.items():
    path = Path(sys.argv[1]) / f"{rate}.{ending}"
    error = asyncio.run(record(path, rate))
    times = times_ms(path)
    same = sum(one == other for one, other in zip(times, times[1:]))
    print(f"{rate} a second, .{ending}: {error or 'recorded'}, {len(times)} pictures, at {times[:6]}, {same} with the time before")
    assert len(times) == (0 if error else COUNT) and (error, times[:6], same) == expected
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 aiortc==1.16.0
"$folder/venv/bin/python" "$folder/look.py" "$folder"
