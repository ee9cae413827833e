# SPDX-License-Identifier: Apache-2.0
"""What a stream says of how its pictures are to be shown: ITU-T H.264 and H.265, annex E."""

from __future__ import annotations

from dataclasses import dataclass

from .bits import Bits

_EXTENDED_SAR = 255
_MIN_FPS, _MAX_FPS = 0.01, 1000.0  # beyond that cameras write nonsense: zero, or the clock of a transport stream


@dataclass(frozen=True, slots=True)
class Vui:
    """None: the stream does not say.

    primaries, transfer, matrix: numbers of ITU-T H.273. fps: pictures per second. reorder: how many pictures may be
    shown behind one that is decoded later (max_num_reorder_frames).
    """

    full_range: bool | None = None
    primaries: int | None = None
    transfer: int | None = None
    matrix: int | None = None
    fps: float | None = None
    reorder: int | None = None


@dataclass(frozen=True, slots=True)
class Colour:
    """The part of it that both standards have at their begin."""

    full_range: bool | None
    primaries: int | None
    transfer: int | None
    matrix: int | None


def read_colour(bits: Bits) -> Colour:
    """Up to the place of the chroma samples. Raises StreamError."""
    if bits.flag() and bits.u(8) == _EXTENDED_SAR:  # aspect_ratio_info
        bits.skip(32)
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
    return Colour(full_range, primaries, transfer, matrix)


def sane_fps(units: int, scale: int) -> float | None:
    """From ticks a picture and ticks a second; None where no camera and no film could mean that."""
    fps = scale / units if units else 0.0
    return fps if _MIN_FPS <= fps <= _MAX_FPS else None
