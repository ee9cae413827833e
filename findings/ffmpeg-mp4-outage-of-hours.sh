#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A camera that was off for a night ends what FFmpeg records of it in MP4 or QuickTime, though the file grows on. From one
# packet to the next FFmpeg's muxer takes at most 2**31 - 1 ticks of the track. What comes later gets the time of the
# packet before and one tick, and so does each one after that, as the distance is still too large: hours of pictures
# lie in the file within a millisecond, all at the moment when the camera went off. It is said in a warning for each packet,
# no call fails, and -c copy goes on to the end. At 90 kHz, which tracks from RTSP and MPEG-TS have, that begins with an outage
# of 6 h 38 min, in microseconds, as V4L2 has them, with 36 minutes. Fragments are no help, with frag_discont neither, though
# each says its own time in 64 bits. Expected was an outage, as Matroska has it, or an error.
#
# Seen with PyAV 18.1.0 (libavformat 62.12.102), 5 pictures 40 ms apart, an outage, 5 more; time of the last picture, s:
#     ticks a second    outage    .mp4, also of fragments, and .mov    .mkv
#     90000             6 h       21600.36                             21600.36
#     90000             7 h           0.16                             25200.36
#     1000000           0.5 h      1800.36                              1800.36
#     1000000           1 h           0.16                              3600.36
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import io
import sys
from fractions import Fraction
from pathlib import Path

import av
import av.logging

COUNT, BEFORE, INTERVAL = 10, 5, Fraction(1, 25)
DISCONT = "frag_keyframe+empty_moov+default_base_moof+frag_discont"
KINDS = {"mp4": {}, "fragments.mp4": {"movflags": DISCONT}, "mov": {}, "mkv": {}}
CASES = {(90_000, Fraction(6)): True, (90_000, Fraction(7)): False, (1_000_000, Fraction(1, 2)): True, (1_000_000, Fraction(1)): False}
av.logging.set_level(av.logging.WARNING)


def encoded() -> list[tuple[bytes, bool]]:
    encoder, packets = av.CodecContext.create("libx264", "w"), []
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuv420p", INTERVAL
    encoder.options = {"bf": "0", "g": str(BEFORE), "preset": "ultrafast"}
    for number in range(COUNT):
        picture = av.VideoFrame(64, 48, "yuv420p")
        for plane, value in zip(picture.planes, (20 + 20 * number, 128, 128)):
            plane.update(bytes([value]) * plane.buffer_size)
        picture.pts, picture.time_base = number, INTERVAL
        packets += encoder.encode(picture)
    return [(bytes(packet), packet.is_keyframe) for packet in packets + encoder.encode(None)]


def times_of(path: Path, units: list[tuple[bytes, bool]], ticks: int, hours: Fraction, options: dict[str, str]) -> list[float]:
    raw = io.BytesIO(b"".join(unit for unit, _ in units))
    with av.open(raw, format="h264") as probe, av.open(str(path), "w", options=options) as out:
        stream = out.add_stream_from_template(probe.streams.video[0])
        stream.time_base = Fraction(1, ticks)
        for number, (unit, is_key) in enumerate(units):
            packet = av.Packet(unit)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, ticks), is_key
            packet.pts = packet.dts = int((number * INTERVAL + (hours * 3600 if number >= BEFORE else 0)) * ticks)
            out.mux(packet)
    with av.open(str(path)) as file:
        return [round(picture.time, 2) for picture in file.decode(video=0)]


print(f"PyAV {av.__version__}, libavformat {av.library_versions['libavformat']}")
units, same = encoded(), []
for (ticks, hours), is_whole in CASES.items():
    true = [round(float(number * INTERVAL + (hours * 3600 if number >= BEFORE else 0)), 2) for number in range(COUNT)]
    for kind, options in KINDS.items():
        with av.logging.Capture() as told:
            times = times_of(Path(sys.argv[1]) / f"clip.{kind}", units, ticks, hours, options)
        warnings = sum("out of range" in line for _, _, line in told)
        print(f"{ticks} ticks a second, {float(hours)} h, {kind}: {times}, {warnings} warnings")
        if is_whole or kind == "mkv":
            same.append(times == true)
        else:
            same.append(times == true[:BEFORE] + [true[BEFORE - 1]] * (COUNT - BEFORE) and warnings > 0)
sys.exit(0 if all(same) else f"it has changed: {same}")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py" "$folder"
