#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A camera that hangs upside down says so in its stream by an SEI message, display orientation, with each keyframe. Of H.264,
# FFmpeg's decoder gives the turn to the very pictures that carry the message, and tells all others to be upright: so a
# program that heeds it turns one picture in each group of pictures. The message says how long it holds
# (display_orientation_repetition_period): 1, as here, is until the coded video sequence ends (ITU-T H.264, D.2.27). The
# decoder reads that number and leaves it unused. Of H.265, where the same message has a persistence flag, the same library
# turns all pictures.
#
# Seen with PyAV 18.1.0 (libavcodec 62.28.102), 12 pictures, a message with each keyframe, frame.rotation in degrees:
#     H.264, a keyframe every 4 pictures     90 0 0 0 90 0 0 0 90 0 0 0
#     H.265, the same                        90 90 90 90 90 90 90 90 90 90 90 90
# and with one sequence of 12 pictures, and so one message:
#     H.264                                  90 0 0 0 0 0 0 0 0 0 0 0
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction

import av

COUNT, UNIT, TURN = 12, Fraction(1, 25), 90
ORIENTATION, UNTIL_THE_SEQUENCE_ENDS = 47, "010"  # the type of the message; Exp-Golomb code of 1


def coded(name: str, keyframe_each: int) -> list[tuple[bytes, bool]]:
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 128, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = UNIT, Fraction(25), keyframe_each
    more = {"x264-params": "annexb=1"} if name == "libx264" else {"x265-params": "annexb=1:repeat-headers=1:log-level=none"}
    encoder.options = {"tune": "zerolatency", **more}
    packets = []
    for number in range(COUNT):
        picture = av.VideoFrame(160, 128, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([16 + 10 * number]) * plane.buffer_size)
        picture.pts, picture.time_base = number, UNIT
        packets += encoder.encode(picture)
    return [(bytes(packet), packet.is_keyframe) for packet in packets + encoder.encode(None)]


def message(is_h265: bool) -> bytes:
    """Turned by TURN degrees, neither mirrored nor cancelled, for the whole sequence."""
    bits = "000" + format(TURN * 65536 // 360, "016b") + ("1" if is_h265 else UNTIL_THE_SEQUENCE_ENDS + "0") + "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    assert b"\0\0" not in payload, "it would need emulation prevention"
    header = b"\x4e\x01" if is_h265 else b"\x06"
    return header + bytes([ORIENTATION, len(payload)]) + payload + b"\x80"


def turned(unit: bytes, is_h265: bool) -> bytes:
    """Put the message before the first slice."""
    parts = unit.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
    is_slice = (lambda part: (part[0] >> 1) & 63 < 32) if is_h265 else (lambda part: part[0] & 31 in (1, 5))
    first = next(at for at, part in enumerate(parts) if is_slice(part))
    return b"".join(b"\0\0\0\1" + part for part in [*parts[:first], message(is_h265), *parts[first:]])


def rotations(name: str, decoder_name: str, keyframe_each: int) -> list[int]:
    is_h265 = name == "libx265"
    decoder, pictures = av.CodecContext.create(decoder_name, "r"), []
    for number, (unit, is_keyframe) in enumerate(coded(name, keyframe_each)):
        assert is_keyframe == (number % keyframe_each == 0)
        pictures += decoder.decode(av.Packet(turned(unit, is_h265) if is_keyframe else unit))
    return [picture.rotation for picture in pictures + decoder.decode(None)]


print(f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec']}")
seen = {
    "H.264, a keyframe every 4": rotations("libx264", "h264", 4),
    "H.265, a keyframe every 4": rotations("libx265", "hevc", 4),
    "H.264, one keyframe": rotations("libx264", "h264", COUNT),
}
for name, found in seen.items():
    print(f"{name}: {found}")
expected = [[TURN, 0, 0, 0] * 3, [TURN] * COUNT, [TURN] + [0] * (COUNT - 1)]
sys.exit(0 if list(seen.values()) == expected else "it has changed")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py"
