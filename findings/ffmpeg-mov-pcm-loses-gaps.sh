#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg's MP4 and QuickTime muxers close up every gap in PCM sound, and say nothing: after an outage of 3 s in both, the
# sound of a plain .mp4 or .mov is heard 3 s before its pictures, to the end. Time stamps and durations of the packets
# make no difference: a sample table in which each sample lasts 1 has no room for a gap, and no edit list is written for
# it. AAC and Opus keep the gap, and so does PCM where the file is fragmented, whose runs have a duration for each packet.
# Copying a fragmented file, or Matroska, into a .mov loses the gap again.
#
# Seen with PyAV 18.1.0 (libavformat 62), times of decoding of the last packet of pictures and of sound:
#     pcm_s16le  mp4, mov                 pictures 8.96 s, sound 5.98 s
#     pcm_s16le  mp4 fragmented, mkv      pictures 8.96 s, sound 8.98 s
#     aac        mp4                      pictures 8.96 s, sound 8.98 s or later
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import io
from fractions import Fraction

import av

RATE, SAMPLES, FPS = 48000, 960, 25
OUTAGE_AT_S, OUTAGE_S, LENGTH_S = Fraction(12, 5), 3, 6
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "1000000"}


def late(time_s: Fraction) -> Fraction:
    return time_s + OUTAGE_S * (time_s >= OUTAGE_AT_S)


def recording(container: str, codec: str, options: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=options) as out:
        video, audio = out.add_stream("libx264", rate=FPS), out.add_stream(codec, rate=RATE, layout="mono")
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.options = {"preset": "ultrafast", "tune": "zerolatency"}
        video.codec_context.time_base = Fraction(1, FPS)
        packets = []
        for number in range(LENGTH_S * FPS):
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([number]) * plane.buffer_size)
            picture.time_base = Fraction(1, FPS)
            picture.pts = int(late(Fraction(number, FPS)) * FPS)
            packets += video.encode(picture)
        samples = audio.codec_context.frame_size or SAMPLES
        for number in range(LENGTH_S * RATE // samples):
            sound = av.AudioFrame(audio.codec_context.format.name, "mono", samples)
            sound.planes[0].update(bytes(sound.planes[0].buffer_size))
            sound.sample_rate, sound.time_base = RATE, Fraction(1, RATE)
            sound.pts = int(late(Fraction(number * samples, RATE)) * RATE)
            packets += audio.encode(sound)
        packets += [*video.encode(None), *audio.encode(None)]
        packets.sort(key=lambda packet: packet.dts * packet.time_base)
        before: dict[int, av.Packet] = {}
        for packet in packets:  # each lasts until the next one
            if packet.stream.index in before:
                previous = before[packet.stream.index]
                length_s = packet.dts * packet.time_base - previous.dts * previous.time_base
                previous.duration = int(length_s / previous.time_base)
            before[packet.stream.index] = packet
        for packet in packets:
            out.mux(packet)
    return buffer.getvalue()


def look(container: str, codec: str, options: dict[str, str]) -> tuple[float, float]:
    with av.open(io.BytesIO(recording(container, codec, options))) as opened:
        last = {packet.stream.type: float(packet.dts * packet.time_base) for packet in opened.demux() if packet.size}
    how = " fragmented" if options else ""
    print(f"{codec} {container}{how}: last picture {last['video']:.2f} s, last sound {last['audio']:.2f} s")
    return last["video"], last["audio"]


print(f"PyAV {av.__version__}, libavformat {av.library_versions['libavformat']}")
for container in ("mp4", "mov"):
    pictures_s, sound_s = look(container, "pcm_s16le", {})
    assert pictures_s - sound_s > 2.9
for container, codec, options in (("mp4", "pcm_s16le", FRAGMENTED), ("matroska", "pcm_s16le", {}), ("mp4", "aac", {})):
    pictures_s, sound_s = look(container, codec, options)
    assert abs(pictures_s - sound_s) < 0.1
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py"
