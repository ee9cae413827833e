# SPDX-License-Identifier: Apache-2.0
"""Reads what a stream says about its pictures: in the sequence parameter set of a picture, or in a JPEG's headers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction

from ..codec import Codec
from . import h264, h264_slice, h265
from .errors import StreamError
from .jpeg import jpeg_size
from .nal import SYNTAXES, nal_units
from .vui import Vui

_HEAD = 64  # bytes of a slice that contain the id of its parameter set
_BT601 = 5  # matrix_coefficients of ITU-T H.273 that JFIF prescribes


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """The format of pictures. What the stream does not say is None.

    Attributes:
        width: width in pixels as shown, that is, cropped.
        height: height in pixels as shown.
        fps: pictures per second.
        full_range: whether samples use the full range.
        primaries: colour_primaries of ITU-T H.273.
        transfer: transfer_characteristics of ITU-T H.273.
        matrix: matrix_coefficients of ITU-T H.273.
        reorder_depth: how many pictures may precede a picture in decoding order and follow it in output order.
        codec_string: as browsers call it, avc1.64001F or hev1.1.6.L93.B0 (RFC 6381, ISO/IEC 14496-15 annex E).
        chroma: chroma_format_idc, from 0 for grey to 3 for 4:4:4.
        depth: bits per sample.
        pixel: aspect ratio of a pixel, width to height.
    """

    width: int
    height: int
    fps: float | None
    full_range: bool | None
    primaries: int | None
    transfer: int | None
    matrix: int | None
    reorder_depth: int | None
    codec_string: str
    chroma: int | None = None
    depth: int | None = None
    pixel: Fraction | None = None

    @property
    def reorders(self) -> bool:
        """Whether the output order of pictures may differ from their decoding order."""
        return self.reorder_depth != 0


def picture_format(data: bytes, codec: int) -> PictureFormat | None:
    """Return the format of an access unit with its parameter sets, or of a JPEG picture; None if it does not tell."""
    if codec == Codec.JPEG:
        return _of_jpeg(data)
    if codec not in SYNTAXES:
        return None
    sets: h264_slice.Sets | h265.Sets = h264_slice.Sets() if codec == Codec.H264 else h265.Sets()
    vps_fps = None
    for nal in nal_units(data, codec):
        if nal.kind in SYNTAXES[codec].parameter_sets:
            sets.learn(data[nal.header : nal.end])
            if codec == Codec.H265 and nal.kind == h265.VPS:
                vps_fps = _vps_fps(data[nal.header : nal.end])
        elif nal.kind in SYNTAXES[codec].slices and nal.layer == 0:
            sps: h264.Sps | h265.Sps | None = None
            with contextlib.suppress(StreamError):
                sps = sets.sps_of(sets.read_slice(data[nal.header : min(nal.end, nal.header + _HEAD)]).pps_id)
            if sps is not None:
                return _of_sps(sps, vps_fps)
            break
    every: list[h264.Sps | h265.Sps] = [*sets.sps.values()]
    return _of_sps(every[0], vps_fps) if every else None


def _vps_fps(nal: bytes) -> float | None:
    try:
        return h265.read_vps_fps(nal)
    except StreamError:
        return None


def _of_sps(sps: h264.Sps | h265.Sps, vps_fps: float | None) -> PictureFormat:
    vui: Vui = sps.vui
    return PictureFormat(
        width=sps.width,
        height=sps.height,
        fps=vui.fps if vui.fps is not None else vps_fps,
        full_range=vui.full_range,
        primaries=vui.primaries,
        transfer=vui.transfer,
        matrix=vui.matrix,
        reorder_depth=sps.reorder_depth,
        codec_string=_h264_string(sps) if isinstance(sps, h264.Sps) else _h265_string(sps),
        chroma=sps.chroma,
        depth=sps.depth,
        pixel=vui.pixel,
    )


def _h264_string(sps: h264.Sps) -> str:
    return f"avc1.{sps.profile.hex().upper()}"


def _h265_string(sps: h265.Sps) -> str:
    """Return the codec string, from general_profile_space to general_level_idc (ITU-T H.265 clause 7.3.3)."""
    profile, compatibility, constraints, level = sps.profile[0], sps.profile[1:5], sps.profile[5:11], sps.profile[11]
    space = ("", "A", "B", "C")[profile >> 6]
    tier = "H" if profile & 0x20 else "L"
    reversed_bits = int(f"{int.from_bytes(compatibility, 'big'):032b}"[::-1], 2)
    words = [f"hev1.{space}{profile & 0x1F}", f"{reversed_bits:X}", f"{tier}{level}"]
    return ".".join([*words, *(f"{byte:X}" for byte in constraints.rstrip(b"\0"))])


def _of_jpeg(data: bytes) -> PictureFormat | None:
    """Return the format of a JPEG picture, with the colours of JFIF (ITU-T T.871)."""
    size = jpeg_size(data)
    return PictureFormat(*size, None, True, None, None, _BT601, 0, "jpeg") if size is not None else None
