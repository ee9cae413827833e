#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In a fragmented MP4, a picture that is handed over later than the sound beside it is shown earlier than its pts says.
# Once the muxer has waited max_interleave_delta for it, sound goes on alone and ends a fragment (frag_duration); it then
# dates the picture, as the first of its track's next fragment, by the duration of the packet before, whatever its own dts
# is. Where packets tell no duration, as those of a live source, which knows it one packet later, the second picture is
# shown with the first, and others one place too early. No warning, no error. With durations told all are right, in the
# same order; so are they in Matroska, and where pictures and sound come in the order of their times.
# Seen with PyAV 18.1.0 (libavformat 62.12.102): a picture each 1.6 s, handed over 2 s behind the sound of its time, sound
# of 20 ms packets, max_interleave_delta 1 s, frag_duration 1 s:
#     mp4: pictures at 0.0, 0.0, 1.6, 3.2, 4.8
#     mp4, durations told: pictures at 0.0, 1.6, 3.2, 4.8, 6.4
#     matroska: pictures at 0.0, 1.6, 3.2, 4.8, 6.4
# Exits 0 while that is so. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction
from pathlib import Path

import av

av.logging.set_level(None)
RATE, SAMPLES = 16000, 320
INTERVAL_MS, PICTURES, LATE_S = 1600, 5, 2
OPTIONS = {
    "mp4": {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "1000000"},
    "matroska": {},
}


def pictures(told: bool) -> list[av.Packet]:
    """Without the encoder's durations, as a ring or a camera hands them out."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuvj420p", Fraction(1, 1000)
    packets = []
    for number in range(PICTURES):
        frame = av.VideoFrame(64, 48, "yuvj420p")
        frame.pts = number * INTERVAL_MS
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    for packet in packets:
        packet.duration = INTERVAL_MS if told else 0
    return packets


def sound() -> list[av.Packet]:
    packets = []
    for number in range(PICTURES * INTERVAL_MS * RATE // 1000 // SAMPLES):
        packet = av.Packet(bytes(2 * SAMPLES))
        packet.time_base, packet.duration, packet.is_keyframe = Fraction(1, RATE), SAMPLES, True
        packet.pts = packet.dts = number * SAMPLES
        packets.append(packet)
    return packets


def shown(path: Path, kind: str, told: bool) -> list[float]:
    with av.open(str(path), "w", format=kind, options={"max_interleave_delta": "1000000", **OPTIONS[kind]}) as container:
        video = container.add_stream("mjpeg", rate=25, width=64, height=48, pix_fmt="yuvj420p")
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        packets = [(packet, video) for packet in pictures(told)] + [(packet, audio) for packet in sound()]
        for packet, stream in sorted(packets, key=lambda pair: pair[0].dts * pair[0].time_base + LATE_S * (pair[1] is video)):
            packet.stream = stream
            container.mux(packet)
    with av.open(str(path)) as container:
        return [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.size]


folder = Path(sys.argv[1])
found = {
    "mp4": shown(folder / "a.mp4", "mp4", told=False),
    "mp4, durations told": shown(folder / "b.mp4", "mp4", told=True),
    "matroska": shown(folder / "c.mkv", "matroska", told=False),
}
for name, times in found.items():
    print(f"{name}: pictures at {', '.join(f'{time_s:.1f}' for time_s in times)}")
right = [number * INTERVAL_MS / 1000 for number in range(PICTURES)]
is_right = [all(abs(time_s - at) < 0.002 for time_s, at in zip(times, right, strict=True)) for times in found.values()]
sys.exit(is_right != [False, True, True])
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
