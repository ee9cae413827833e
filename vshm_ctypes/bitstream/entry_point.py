# SPDX-License-Identifier: Apache-2.0
"""Finds out whether decoding can begin at an access unit."""

from __future__ import annotations

from ..codec import Codec
from .access_unit import EntryPoint
from .bits import Bits, unescaped
from .errors import StreamError
from .nal import SYNTAXES, nal_units

_H264_SEI, _H264_IDR = 6, 5
_H265_SEI = 39
_H265_IDR = (19, 20)
_H265_RECOVERY = (16, 17, 18, 21)  # BLA and CRA
_RECOVERY_POINT = 6  # payloadType: ITU-T H.264 D.2.8, H.265 D.2.8
_MAX_MESSAGES = 256
_MAX_RECOVERY_FRAMES = 65535  # frame_num has 16 bits at most


def entry_point(data: bytes, codec: int) -> EntryPoint:
    """Return whether decoding can begin at an access unit. A JPEG picture or an audio frame counts as IDR."""
    if codec not in SYNTAXES:
        return EntryPoint.IDR
    slices, recovers = SYNTAXES[codec].slices, False
    for nal in nal_units(data, codec):
        if nal.layer:
            continue
        if nal.kind in slices:
            if nal.kind == _H264_IDR if codec == Codec.H264 else nal.kind in _H265_IDR:
                return EntryPoint.IDR
            recovers = recovers or (codec == Codec.H265 and nal.kind in _H265_RECOVERY)
            break
        if nal.kind == (_H264_SEI if codec == Codec.H264 else _H265_SEI):
            recovers = recovers or _recovers(data[nal.header + SYNTAXES[codec].header : nal.end], codec)
    else:
        return EntryPoint.NONE
    return EntryPoint.RECOVERY_POINT if recovers else EntryPoint.NONE


def _recovers(sei: bytes, codec: int) -> bool:
    """Return whether a SEI NAL unit contains a recovery point message."""
    payload = unescaped(sei)
    at = 0
    for _ in range(_MAX_MESSAGES):
        kind, at = _extended(payload, at)
        size, at = _extended(payload, at)
        if at + size > len(payload) or size == 0 == kind:
            return False
        if kind == _RECOVERY_POINT:
            return _is_recovery_point(payload[at : at + size], codec)
        at += size
    return False


def _extended(payload: bytes, at: int) -> tuple[int, int]:
    """Return a number coded as bytes of 255 and a last byte, and the offset behind it (clause 7.3.2.3.1)."""
    begin = at
    while payload[at : at + 1] == b"\xff":
        at += 1
    last = payload[at] if at < len(payload) else 0
    return (at - begin) * 255 + last, at + 1


def _is_recovery_point(message: bytes, codec: int) -> bool:
    """Return whether the message's count of pictures until recovery is within the standard's range."""
    try:
        bits = Bits(message)
        if codec == Codec.H264:
            return bits.ue() <= _MAX_RECOVERY_FRAMES
        bits.se()
    except StreamError:
        return False
    return True
