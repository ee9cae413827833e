#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# aiortc's MediaPlayer sends the sound of a recording at another time than the pictures that belong to it, and no two of its
# modes are wrong in the same way. Decoding (the default), it dates sound by counting samples from 0 on: a sound that begins
# two seconds after the pictures comes with the first of them, and after an outage of 3 s in both it is 3 s early, to the
# end. Pictures keep an outage, but their first one is always at 0. With decode=False sound keeps the file's times while
# pictures begin at 0: where the file begins at 5 s, as a part cut out of a longer recording does, sound is 5 s late. Both
# times are what the receiver lines up sound and pictures by.
#
# Seen with aiortc 1.16.0 and PyAV 18.1.0, Matroska with H.264 and Opus, in s, first and last of pictures and of sound:
#     in the file                                            decoding                    decode=False
#     pictures 0.00 to 3.96, sound 2.00 to 3.98              0.00 to 3.96, 0.00 to 1.98  0.00 to 3.96, 1.99 to 3.99
#     pictures 0.00 to 6.96, sound 0.00 to 6.98, outage 3 s  0.00 to 6.96, 0.00 to 3.98  0.00 to 6.96, 0.00 to 6.99
#     pictures 5.00 to 8.96, sound 5.00 to 8.98              0.00 to 3.96, 0.00 to 3.98  0.00 to 3.96, 4.99 to 8.99
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import asyncio
import sys
from fractions import Fraction
from pathlib import Path

import aiortc
import av
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError

RATE, MS = 48000, Fraction(1, 1000)
EVERY_40 = list(range(0, 4000, 40))
EVERY_20 = list(range(0, 4000, 20))


def outage(times_ms: list[int]) -> list[int]:
    return [time_ms + 3000 * (time_ms >= 1480) for time_ms in times_ms]


def at_5_s(times_ms: list[int]) -> list[int]:
    return [time_ms + 5000 for time_ms in times_ms]


CLIPS = {
    "late": (EVERY_40, EVERY_20[100:], (0.00, 3.96, 0.00, 1.98), (0.00, 3.96, 1.99, 3.99)),
    "outage": (outage(EVERY_40), outage(EVERY_20), (0.00, 6.96, 0.00, 3.98), (0.00, 6.96, 0.00, 6.99)),
    "at 5 s": (at_5_s(EVERY_40), at_5_s(EVERY_20), (0.00, 3.96, 0.00, 3.98), (0.00, 3.96, 4.99, 8.99)),
}


def record(path: Path, pictures_ms: list[int], sounds_ms: list[int]) -> None:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"bf": "0", "tune": "zerolatency"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = MS
        audio = out.add_stream("libopus", rate=RATE, layout="stereo")
        for time_ms, is_sound in sorted([(ms, False) for ms in pictures_ms] + [(ms, True) for ms in sounds_ms]):
            if is_sound:
                frame, stream = av.AudioFrame("s16", "stereo", RATE // 50), audio
                frame.sample_rate = RATE
                frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            else:
                frame, stream = av.VideoFrame(64, 48, "yuv420p"), video
                for plane in frame.planes:
                    plane.update(bytes([128]) * plane.buffer_size)
            frame.pts, frame.time_base = time_ms, MS
            out.mux(stream.encode(frame))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


def in_file(path: Path) -> tuple[float, ...]:
    with av.open(str(path)) as file:
        pictures = [frame.time for frame in file.decode(video=0)]
    with av.open(str(path)) as file:
        sound = [frame.time for frame in file.decode(audio=0)]
    return (pictures[0], pictures[-1], sound[0], sound[-1])


async def times(track: aiortc.MediaStreamTrack) -> list[float]:
    came = []
    try:
        while True:
            data = await track.recv()
            came.append(float(data.pts * data.time_base))
    except MediaStreamError:
        return came


async def played(path: Path, decode: bool) -> tuple[float, ...]:
    player = MediaPlayer(str(path), decode=decode)
    pictures, sound = await asyncio.gather(times(player.video), times(player.audio))
    return (pictures[0], pictures[-1], sound[0], sound[-1])


def near(seen: tuple[float, ...], expected: tuple[float, ...]) -> bool:
    return all(abs(one - other) < 0.03 for one, other in zip(seen, expected, strict=True))


print(f"aiortc {aiortc.__version__}, PyAV {av.__version__}; first and last of pictures, of sound, in s")
for name, (pictures_ms, sounds_ms, decoding, passing) in CLIPS.items():
    path = Path(sys.argv[1]) / f"{name}.mkv"
    record(path, pictures_ms, sounds_ms)
    truth = in_file(path)
    seen = [asyncio.run(played(path, decode)) for decode in (True, False)]
    for what, line in zip(("in the file", "decoding", "decode=False"), (truth, *seen), strict=True):
        print(f"{name:7} {what:13}", *(f"{time:6.3f}" for time in line))
    assert near(truth, tuple(ms[at] / 1000 for ms in (pictures_ms, sounds_ms) for at in (0, -1)))
    assert near(seen[0], decoding) and near(seen[1], passing)
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 aiortc==1.16.0
"$folder/venv/bin/python" "$folder/look.py" "$folder"
