# SPDX-License-Identifier: Apache-2.0
"""H.264 of a camera that lies on its side, and says so with the first picture of a coded video sequence."""

from collections.abc import Container
from fractions import Fraction
from typing import Any

import av
from nal_writer import nal

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import nal_units

SIZE = (64, 48)  # as it is stored
SEQUENCE = 4  # pictures
_SEI, _SLICES = 6, (1, 5)
# Display orientation, 3 bytes: neither cancelled nor mirrored, by 90 degrees, until the sequence ends (repetition
# period 1), no extension; and the bit that fills the last byte.
_MESSAGE = bytes([47, 3]) + int("000" + "0100000000000000" + "010" + "0" + "1", 2).to_bytes(3, "big") + b"\x80"


def on_its_side(sequences: int, told: Container[int], b_pictures: int) -> list[bytes]:
    """Return access units, in decoding order. told: the numbers of the sequences that begin with the message."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = SIZE
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 25)
    words = f"annexb=1:keyint={SEQUENCE}:min-keyint={SEQUENCE}:scenecut=0:b-adapt=0:bframes={b_pictures}"
    encoder.options = {"preset": "ultrafast", "x264-params": words}
    packets = []
    for number in range(sequences * SEQUENCE):
        frame = av.VideoFrame(*SIZE, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([60 + number]) * plane.buffer_size)
        frame.pts = number
        packets += encoder.encode(frame)
    units, sequence = [], -1
    for packet in [*packets, *encoder.encode(None)]:
        unit = bytes(packet)
        sequence += packet.is_keyframe
        if packet.is_keyframe and sequence in told:
            unit = _before_slices(unit)
        units.append(unit)
    return units


def _before_slices(unit: bytes) -> bytes:
    at = next(found.begin for found in nal_units(unit, Codec.H264) if found.kind in _SLICES)
    return unit[:at] + nal(_SEI, _MESSAGE, reference=0) + unit[at:]
