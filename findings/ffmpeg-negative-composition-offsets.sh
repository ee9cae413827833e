#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# movflags negative_cts_offsets is there so that a track of B pictures begins at 0 without an edit list. In a fragmented MP4
# with sound, FFmpeg's own demuxer shows what its muxer wrote so with the pictures late: it takes the negative offsets for a
# delay of decoding and adds the largest to each pts, in the track of the pictures alone. Sound that was written for the same
# moment comes that much earlier. Where the muxer writes an edit list (delay_moov), and where the first decoding times are
# pressed together so that no time is negative, both tracks are where they belong.
# Seen with PyAV 18.1.0 (libavformat 62.12.102), x264 with a pyramid of B pictures at 25 fps, a picture and sound for 2.0 s:
#     negative_cts_offsets: picture at 2.080 s, sound at 2.000 s
#     delay_moov: picture at 2.000 s, sound at 2.000 s
#     decoding times pressed together: picture at 2.000 s, sound at 2.000 s
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
FPS, RATE, SAMPLES, TICKS = 25, 16000, 320, 90000
BEGIN_S = 2.0  # of the sound; and there is a keyframe
FRAGMENTED = "frag_keyframe+default_base_moof+"


def pictures(pressed: bool) -> list[av.Packet]:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    own = "keyint=25:min-keyint=25:scenecut=0:bframes=3:b-adapt=0:b-pyramid=2:log-level=none"
    encoder.options = {"x264-params": own}
    packets = []
    for number in range(4 * FPS):
        frame = av.VideoFrame(64, 48, "yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    last = -1
    for packet in packets:
        packet.pts, dts, packet.duration = packet.pts * TICKS // FPS, packet.dts * TICKS // FPS, TICKS // FPS
        last = packet.dts = max(dts, last + 1) if pressed else dts
        packet.time_base = Fraction(1, TICKS)
    return packets


def sound() -> list[av.Packet]:
    packets = []
    for number in range(round(BEGIN_S * RATE) // SAMPLES, 4 * RATE // SAMPLES):
        packet = av.Packet(bytes(2 * SAMPLES))
        packet.time_base, packet.duration, packet.is_keyframe = Fraction(1, RATE), SAMPLES, True
        packet.pts = packet.dts = number * SAMPLES
        packets.append(packet)
    return packets


def times(path: Path, flags: str, pressed: bool = False) -> tuple[float, float]:
    """Of the keyframe and of the sound that belong together."""
    options = {"movflags": FRAGMENTED + flags}
    if flags != "delay_moov":
        options["avoid_negative_ts"] = "disabled"
    with av.open(str(path), "w", format="mp4", options=options) as container:
        video = container.add_stream("libx264", rate=FPS, width=64, height=48)
        video.time_base = Fraction(1, TICKS)
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        packets = [(packet, video) for packet in pictures(pressed)] + [(packet, audio) for packet in sound()]
        for packet, stream in sorted(packets, key=lambda pair: pair[0].dts * pair[0].time_base):
            packet.stream = stream
            container.mux(packet)
    with av.open(str(path)) as container:
        keys = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.is_keyframe]
    with av.open(str(path)) as container:
        heard = next(packet for packet in container.demux(audio=0) if packet.size)
    return keys[round(BEGIN_S)], float(heard.pts * heard.time_base)


folder = Path(sys.argv[1])
found = {
    "negative_cts_offsets": times(folder / "a.mp4", "empty_moov+frag_discont+negative_cts_offsets"),
    "delay_moov": times(folder / "b.mp4", "delay_moov"),
    "decoding times pressed together": times(folder / "c.mp4", "empty_moov+frag_discont", pressed=True),
}
for name, (picture, heard) in found.items():
    print(f"{name}: picture at {picture:.3f} s, sound at {heard:.3f} s")
apart = [round(picture - heard, 3) for picture, heard in found.values()]
sys.exit(apart != [0.08, 0.0, 0.0])
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
