# SPDX-License-Identifier: Apache-2.0
"""Scales pictures whose colours stay as they are, straight into a picture that is used again and again.

FFmpeg's filters do the same, but wake threads for it, and take a picture from a pool each time.
"""

from __future__ import annotations

from typing import Any

import av

from .swscale import BILINEAR, Scaler, Side

# Formats of Y'CbCr with 8 bits, which swscale scales and repacks without a change of range or matrix.
PIXELS = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "nv12", "nv21", "nv16", "yuyv422", "uyvy422"}
_ALIGNED = 64  # pixels: so that no row is shorter than what swscale writes at once, in chroma either


class Rescaler:
    """Scales into one picture. width, height: pixels. pixels: PyAV's name of its format."""

    def __init__(self, width: int, height: int, pixels: str) -> None:
        self._side = Side(width, height, pixels, full_range=True)
        self._made: av.VideoFrame | None = None
        self._shape: tuple[Any, ...] = ()

    def suits(self, picture: av.VideoFrame) -> bool:
        """Return whether such a picture can be scaled here."""
        return self._side.width % _ALIGNED == 0 and picture.format.name in PIXELS

    def scale(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Return the scaled picture, which is good until the next call. Raises ValueError."""
        shape = (picture.width, picture.height, picture.format.name)
        if self._made is None:
            self._made = av.VideoFrame(*self._side[:3])
            self._addresses = [plane.buffer_ptr for plane in self._made.planes]
            self._strides = [plane.line_size for plane in self._made.planes]
        if shape != self._shape:
            # Full range on both sides, which swscale takes some formats for whatever it is told: it stays what it is.
            self._scaler, self._shape = Scaler(Side(*shape, full_range=True), self._side, BILINEAR), shape
        self._scaler.scale(picture, self._addresses, self._strides)
        return self._made
