# SPDX-License-Identifier: Apache-2.0
"""What a browser calls a codec: avc1.64001F, hev1.1.6.L93.B0 (RFC 6381, ISO/IEC 14496-15 annex E)."""

from __future__ import annotations

import re
from itertools import pairwise

from ...frame import Codec

_START = re.compile(b"\0\0\1")
H264_SPS, H265_SPS = 7, 33


def nal_units(data: bytes) -> list[bytes]:
    """The NAL units of an access unit, without their start codes."""
    marks = [match.start() for match in _START.finditer(data)]
    return [data[begin + 3 : end].rstrip(b"\0") for begin, end in pairwise([*marks, len(data)])]


def _unescaped(nal: bytes) -> bytes:
    return nal.replace(b"\0\0\3", b"\0\0")


def _h265(sps: bytes) -> str:
    """From general_profile_space to general_level_idc: bytes 3 to 14 of the parameter set (ITU-T H.265 7.3.3)."""
    profile, compatibility, constraints, level = sps[3], sps[4:8], sps[8:14], sps[14]
    space = ("", "A", "B", "C")[profile >> 6]
    tier = "H" if profile & 0x20 else "L"
    reversed_bits = int(f"{int.from_bytes(compatibility):032b}"[::-1], 2)
    words = [f"hev1.{space}{profile & 0x1F}", f"{reversed_bits:X}", f"{tier}{level}"]
    return ".".join([*words, *(f"{byte:X}" for byte in constraints.rstrip(b"\0"))])


def codec_string(codec: int, keyframe: bytes) -> str | None:
    """Of a stream, from one of its keyframes; None: the frame does not tell."""
    if codec == Codec.JPEG:
        return "jpeg"
    for nal in nal_units(keyframe):
        if codec == Codec.H264 and len(nal) >= 4 and nal[0] & 0x1F == H264_SPS:
            return f"avc1.{nal[1:4].hex().upper()}"
        sps = _unescaped(nal[:64])
        if codec == Codec.H265 and len(sps) >= 15 and sps[0] >> 1 & 0x3F == H265_SPS:
            return _h265(sps)
    return None
