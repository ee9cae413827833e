# SPDX-License-Identifier: Apache-2.0
"""The encodings of payloads, and their names."""

from __future__ import annotations

import enum


class Codec(enum.IntEnum):
    """The encoding of a frame's payload. NV12 to GREY are raw pictures."""

    H264 = 0
    H265 = 1
    JPEG = 2
    AV1 = 3
    NV12 = 32
    I420 = 33
    YUYV = 34
    RGB24 = 35
    BGR24 = 36
    GREY = 37
    PCM_S16LE = 64
    AAC = 65
    OPUS = 66


def codec_name(codec: int) -> str:
    """Return the codec's name in lower case, or "unknown codec N" if this version does not know it."""
    return Codec(codec).name.lower() if codec in set(Codec) else f"unknown codec {codec}"


RAW_CODECS: dict[int, str] = {codec: codec.name.lower() for codec in Codec if Codec.NV12 <= codec <= Codec.GREY}
