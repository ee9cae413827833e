# SPDX-License-Identifier: Apache-2.0
"""Formats figures for people. A figure that is not known is a dash."""

from __future__ import annotations

from collections.abc import Sequence

from ..audio import AudioFormat

DASH = "-"
_BARS = "▁▂▃▄▅▆▇█"


def rate(fps: float | None) -> str:
    """Format frames per second, without the unit."""
    return DASH if fps is None else f"{fps:.1f}"


def bits(bit_rate: float | None) -> str:
    """Format bits per second."""
    return DASH if bit_rate is None else f"{_scaled(bit_rate, 1000, ('', 'k', 'M', 'G'))}bit/s"


def size(count: float) -> str:
    """Format a number of bytes."""
    return f"{_scaled(count, 1024, ('', 'Ki', 'Mi', 'Gi'))}B"


def _scaled(value: float, step: int, prefixes: Sequence[str]) -> str:
    for prefix in prefixes:
        if abs(value) < step or prefix == prefixes[-1]:
            return f"{value:.0f} {prefix}" if prefix == prefixes[0] or value >= 100 else f"{value:.1f} {prefix}"
        value /= step
    raise AssertionError("prefixes is empty")


def seconds(value: float | None) -> str:
    """Format a duration given in seconds."""
    if value is None:
        return DASH
    for limit, unit, factor in ((1e-3, "us", 1e6), (1, "ms", 1e3), (120, "s", 1), (7200, "min", 1 / 60)):
        if abs(value) < limit * 0.9995:  # otherwise three digits would round it to 1e+03 of the smaller unit
            return f"{value * factor:.3g} {unit}"
    return f"{value / 3600:.3g} h"


def picture(width: int, height: int) -> str:
    """Format a size in pixels."""
    return f"{width}x{height}" if width and height else DASH


def stream(width: int, height: int, audio: AudioFormat | None) -> str:
    """Format the size of pictures, or the sample rate and channels of audio."""
    if audio is None:
        return picture(width, height)
    return f"{f'{audio.sample_rate / 1000:g} kHz' if audio.sample_rate else DASH}, {audio.channels} ch"


def sparkline(values: Sequence[float]) -> str:
    """Return one bar for each value, from zero to the largest."""
    largest = max(values, default=0.0)
    if largest <= 0:
        return _BARS[0] * len(values)
    return "".join(_BARS[min(int(value / largest * len(_BARS)), len(_BARS) - 1)] for value in values)
