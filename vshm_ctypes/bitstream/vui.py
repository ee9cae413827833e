# SPDX-License-Identifier: Apache-2.0
"""Video usability information, how pictures are to be shown: ITU-T H.264 and H.265, annex E."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .bits import Bits

_EXTENDED_SAR = 255
# Sample aspect ratios by aspect_ratio_idc, from 1 on: H.264 table E-1, H.265 table E.1.
_RATIOS = (
    *((1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11)),
    *((80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1)),
)
_MIN_FPS, _MAX_FPS = 0.01, 1000.0  # outside of these, cameras wrote nonsense: zero, or the clock of a transport stream


@dataclass(frozen=True, slots=True)
class Vui:
    """Video usability information. What the stream does not say is None.

    Attributes:
        full_range: whether samples use the full range.
        primaries: colour_primaries of ITU-T H.273.
        transfer: transfer_characteristics of ITU-T H.273.
        matrix: matrix_coefficients of ITU-T H.273.
        fps: pictures per second.
        reorder: max_num_reorder_frames.
        pixel: aspect ratio of a pixel, width to height.
    """

    full_range: bool | None = None
    primaries: int | None = None
    transfer: int | None = None
    matrix: int | None = None
    fps: float | None = None
    reorder: int | None = None
    pixel: Fraction | None = None


@dataclass(frozen=True, slots=True)
class CommonVui:
    """The first part of the VUI, which both standards share."""

    full_range: bool | None
    primaries: int | None
    transfer: int | None
    matrix: int | None
    pixel: Fraction | None


def read_common(bits: Bits) -> CommonVui:
    """Read the VUI up to the location of the chroma samples. Raises StreamError."""
    pixel = _read_pixel(bits) if bits.flag() else None
    if bits.flag():  # overscan_info
        bits.skip(1)
    full_range = primaries = transfer = matrix = None
    if bits.flag():  # video_signal_type
        bits.skip(3)
        full_range = bits.flag()
        if bits.flag():
            primaries, transfer, matrix = bits.u(8), bits.u(8), bits.u(8)
    if bits.flag():  # chroma_loc_info
        bits.ue()
        bits.ue()
    return CommonVui(full_range, primaries, transfer, matrix, pixel)


def _read_pixel(bits: Bits) -> Fraction | None:
    number = bits.u(8)
    if number == _EXTENDED_SAR:
        width, height = bits.u(16), bits.u(16)
        return Fraction(width, height) if width and height else None
    return Fraction(*_RATIOS[number - 1]) if 1 <= number <= len(_RATIOS) else None


def sane_fps(units: int, scale: int) -> float | None:
    """Return pictures per second from ticks per picture and per second, or None if no camera or film can mean that."""
    fps = scale / units if units else 0.0
    return fps if _MIN_FPS <= fps <= _MAX_FPS else None
