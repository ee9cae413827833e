# SPDX-License-Identifier: Apache-2.0
"""Writes NAL units bit by bit that no encoder here makes: parameter sets, and slices with a header only."""

from __future__ import annotations

from typing import Any

from corpus.bits import Bits

LONG, SHORT = b"\0\0\0\1", b"\0\0\1"


def nal(kind: int, payload: bytes = b"\x80", reference: int = 3, start: bytes = LONG) -> bytes:
    """Return a NAL unit of H.264."""
    return start + bytes([reference << 5 | kind]) + payload


def nal5(kind: int, payload: bytes = b"\x80", layer: int = 0, temporal_id: int = 0, start: bytes = LONG) -> bytes:
    """Return a NAL unit of H.265."""
    return start + bytes([kind << 1 | layer >> 5, (layer & 31) << 3 | temporal_id + 1]) + payload


def sps(
    profile: int = 77,
    number: int = 0,
    poc_type: int = 0,
    fields: bool = False,
    size: tuple[int, int] = (10, 6),
    offsets: tuple[int, ...] = (),
    constraints: int = 0,
    vui: Bits | None = None,
) -> bytes:
    """Return an SPS with 4 bits each for frame_num and pic_order_cnt_lsb. size: macroblocks; of a field in height."""
    bits = Bits().u(8, profile).u(8, constraints).u(8, 30).ue(number)
    if profile >= 100:
        bits.ue(1, 0, 0).u(2, 0)
    bits.ue(0, poc_type)
    if poc_type == 0:
        bits.ue(0)
    elif poc_type == 1:
        bits.u(1, 0).se(-2, 1).ue(len(offsets)).se(*offsets)
    bits.ue(1).u(1, 0).ue(size[0] - 1, size[1] - 1).u(1, not fields)
    if fields:
        bits.u(1, 0)
    bits.u(1, 1).u(1, 0).u(1, vui is not None)
    if vui is not None:
        bits.add(vui)
    return nal(7, bits.payload())


def pps(number: int = 0, sps_id: int = 0, bottom_order: bool = False, redundant: bool = False) -> bytes:
    bits = Bits().ue(number, sps_id).u(1, 0).u(1, bottom_order).ue(0, 0, 0).u(3, 0).se(0, 0, 0).u(2, 0).u(1, redundant)
    return nal(8, bits.payload())


def slice_(first_mb: int = 0, kind: int = 1, reference: int = 1, start: bytes = LONG, **said: Any) -> bytes:
    """Return a slice under sps() and pps(). said: frame_num and lsb (modulo 16), pps_id, what else the sets ask for.

    field: 0 is the top one, 1 the bottom one. fields: whether the sequence may have fields. redundant: its count.
    """
    bits = Bits().ue(first_mb, 7, said.get("pps_id", 0)).u(4, said.get("frame_num", 0) % 16)
    field = said.get("field")
    if field is not None or said.get("fields"):
        bits.u(1, field is not None)
    if field is not None:
        bits.u(1, field)
    if kind == 5:
        bits.ue(said.get("idr_pic_id", 0))
    if "lsb" in said:
        bits.u(4, said["lsb"] % 16)
    for name in ("delta_bottom", "delta_0", "delta_1"):
        if name in said:
            bits.se(said[name])
    if "redundant" in said:
        bits.ue(said["redundant"])
    return nal(kind, bits.u(8, 0xA5).u(8, 0x5A).payload(), reference, start)


def slice5(first: bool = True, kind: int = 1, start: bytes = LONG, **said: Any) -> bytes:
    """Return a slice segment of H.265 in which only the start of the header is valid."""
    return nal5(kind, bytes([0x80 * first | 0x2A, 0xAF, 0x55]), start=start, **said)


def profile5(bits: Bits) -> Bits:
    for byte in (1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93):
        bits.u(8, byte)
    return bits


def vps5(units: int, scale: int) -> bytes:
    bits = profile5(Bits().u(4, 0).u(2, 3).u(6, 0).u(3, 0).u(1, 1).u(16, 0xFFFF))
    bits.u(1, 1).ue(4, 2, 0).u(6, 0).ue(0).u(1, 1).u(32, units).u(32, scale).u(2, 0)
    return nal5(32, bits.payload())


# 64x64, slice_pic_order_cnt_lsb of 4 bits, none of the tools, no VUI.
SPS5 = nal5(
    33,
    profile5(Bits().u(4, 0).u(3, 0).u(1, 1))
    .ue(0, 1, 64, 64)
    .u(1, 0)
    .ue(0, 0, 0)
    .u(1, 1)
    .ue(4, 2, 0, 0, 3, 0, 3, 0, 0)
    .u(4, 0)
    .ue(0)
    .u(5, 0)
    .payload(),
)
PPS5 = nal5(34, Bits().ue(0, 0).u(5, 0).payload())


def picture5(kind: int, lsb: int | None = None, temporal_id: int = 0) -> bytes:
    bits = Bits().u(1, 1)
    if 16 <= kind <= 23:
        bits.u(1, 0)
    bits.ue(0, 1)
    if lsb is not None:
        bits.u(4, lsb)
    return nal5(kind, bits.u(16, 0x5AA5).payload(), temporal_id=temporal_id)
