#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg's Ogg muxer moves a gap in Opus sound to the begin of the page in which it is: of 3 s of silence from 1.38 s on,
# what was recorded from 1.0 to 1.38 s is played 3 s late, and where the gap is in the first page, the file begins 3 s
# late instead. Only a page's end has a time; those of the packets in it are counted backwards from there, and the muxer
# goes on filling a page (1 s by default) across the gap. With the muxer's option page_duration=1 each packet has a page
# of its own, and all but the first one after the gap keep their times; that one keeps it too where the packet before the
# gap is given the time up to it as its duration. Matroska, MP4, MPEG-TS and NUT keep the gap by themselves.
#
# Seen with PyAV 18.1.0 (libavformat 62), 200 packets of 20 ms, the jump in the times as read back:
#     gap 1.40 to 4.40 s   ogg: 1.00 to 4.02     page_duration=1: 1.40 to 4.42   and with that duration: 1.38 to 4.40
#     gap 0.40 to 3.40 s   ogg: begins at 3.00   page_duration=1: 0.40 to 3.42   and with that duration: 0.38 to 3.40
#     matroska: 1.38 to 4.40, 0.38 to 3.40
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import io
from fractions import Fraction
from itertools import pairwise

import av

RATE, SAMPLES, COUNT, GAP = 48000, 960, 200, 3 * 48000
UNIT = Fraction(1, RATE)
SINGLE = {"page_duration": "1"}


def sound() -> tuple[list[bytes], bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.time_base = RATE, "mono", "flt", UNIT
    encoder.open()
    packets: list[bytes] = []
    for number in range(COUNT):
        frame = av.AudioFrame("flt", "mono", SAMPLES)
        frame.sample_rate, frame.pts, frame.time_base = RATE, number * SAMPLES, UNIT
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets, bytes(encoder.extradata)


def read_back(
    packets: list[bytes], header: bytes, container: str, options: dict[str, str], gap_at: int, stretched: bool
) -> list[float]:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=options) as out:
        stream = out.add_stream("libopus", rate=RATE, layout="mono")
        stream.codec_context.extradata = header
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, UNIT
            packet.duration = SAMPLES + GAP * (stretched and number == gap_at - 1)
            packet.pts = packet.dts = number * SAMPLES + GAP * (number >= gap_at)
            out.mux(packet)
    with av.open(io.BytesIO(buffer.getvalue())) as opened:
        return [float(packet.pts * packet.time_base) for packet in opened.demux(audio=0) if packet.size]


def look(container: str, options: dict[str, str], gap_at: int, stretched: bool = False) -> list[float]:
    times = read_back(PACKETS, HEADER, container, options, gap_at, stretched)
    jumps = [(round(a, 2), round(b, 2)) for a, b in pairwise(times) if b - a > 1]
    how = " and the duration up to the next" if stretched else ""
    print(f"gap before packet {gap_at}, {container} {options}{how}: begins at {times[0]:.2f}, jumps {jumps}")
    return [round(times[0], 2), *(time for jump in jumps for time in jump)]


print(f"PyAV {av.__version__}, libavformat {av.library_versions['libavformat']}")
PACKETS, HEADER = sound()
assert look("ogg", {}, 70) == [0, 1.0, 4.02]
assert look("ogg", SINGLE, 70) == [0, 1.4, 4.42]
assert look("ogg", SINGLE, 70, stretched=True) == [0, 1.38, 4.4]
assert look("matroska", {}, 70) == [0, 1.38, 4.4]
assert look("ogg", {}, 20) == [3.0]
assert look("ogg", SINGLE, 20) == [0, 0.4, 3.42]
assert look("ogg", SINGLE, 20, stretched=True) == [0, 0.38, 3.4]
assert look("matroska", {}, 20) == [0, 0.38, 3.4]
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py"
