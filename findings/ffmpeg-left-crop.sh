#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg's H.264 decoder hands out columns that the stream crops away on the left, unless it is told flags=unaligned: the
# crop is rounded down to what suits the processor's vectors (16 to 64 pixels), so all of an ordinary one is lost, and the
# picture is wider than the stream says: ffprobe has width=62 for the stream and width=64 for its frames. The right side
# and the whole bottom are cut as they should be. Programs that trust the stream's size get another, or stale columns.
#
# Seen with PyAV 18.1.0 (libavcodec 62.28.102), 64 columns cropped by so many on the left:
#     left 2, right 0: stream 62, pictures 64; unaligned 62
#     left 14, right 0: stream 50, pictures 64; unaligned 50
#     left 0, right 14: stream 50, pictures 50; unaligned 50
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import io
from fractions import Fraction

import av
from av.codec.context import Flags

SIZE, COUNT = 64, 3


def stream(left: int, right: int) -> bytes:
    """Pictures of which the parameter set crops so many columns."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = SIZE, SIZE, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"x264-params": f"crop-rect={left},0,{right},0"}
    packets = []
    for number in range(COUNT):
        frame = av.VideoFrame(SIZE, SIZE, "yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return b"".join(bytes(packet) for packet in packets + encoder.encode(None))


def widths(data: bytes, unaligned: bool) -> tuple[int, int]:
    """What the stream says, and what comes out."""
    with av.open(io.BytesIO(data), format="h264") as container:
        context = container.streams.video[0].codec_context
        told = context.width
        if unaligned:
            context.flags |= Flags.unaligned
        return told, next(container.decode(video=0)).width


same = True
for left, right in ((2, 0), (4, 0), (8, 0), (14, 0), (0, 2), (0, 14)):
    data = stream(left, right)
    (told, wide), (_, cropped) = widths(data, False), widths(data, True)
    print(f"left {left}, right {right}: stream {told}, pictures {wide}; unaligned {cropped}")
    same = same and (told, wide, cropped) == (SIZE - left - right, SIZE - right, SIZE - left - right)
raise SystemExit(not same)
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py"
