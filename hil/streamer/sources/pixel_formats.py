# SPDX-License-Identifier: Apache-2.0
"""Maps V4L2's raw pixel formats to PyAV's.

Source: the kernel's "Image Formats" (Documentation/userspace-api/media/v4l/pixfmt.rst).
"""

from __future__ import annotations

from typing import NamedTuple


class Plane(NamedTuple):
    """A plane of a picture. number: PyAV's index of the plane. sample: bytes for a number of pixels across and down."""

    number: int
    sample: int
    across: int = 1
    down: int = 1

    def row_bytes(self, width: int) -> int:
        """Return the bytes of a line, without padding."""
        return -(-width // self.across) * self.sample

    def rows(self, height: int) -> int:
        """Return the lines of this plane in a picture of that height."""
        return -(-height // self.down)

    def stride(self, first: Plane, stride: int) -> int:
        """Return the bytes from line to line, given those of the first plane."""
        return stride * self.sample * first.across // (self.across * first.sample)


class PixelFormat(NamedTuple):
    """A pixel format. pixels: PyAV's name. planes: in memory order. separate: each plane has a buffer of its own."""

    pixels: str
    planes: tuple[Plane, ...]
    separate: bool = False


_LUMA = Plane(0, 1)


def _planar(pixels: str, across: int, down: int, order: tuple[int, int] = (1, 2)) -> PixelFormat:
    return PixelFormat(pixels, (_LUMA, *(Plane(number, 1, across, down) for number in order)))


def _half_planar(pixels: str, across: int, down: int) -> PixelFormat:
    return PixelFormat(pixels, (_LUMA, Plane(1, 2, across, down)))


def _packed(pixels: str, sample: int, across: int = 1) -> PixelFormat:
    return PixelFormat(pixels, (Plane(0, sample, across),))


_APART = {  # each plane has a buffer of its own
    "YM12": _planar("yuv420p", 2, 2),
    "NM12": _half_planar("nv12", 2, 2),
    "YM21": _planar("yuv420p", 2, 2, (2, 1)),
    "NM21": _half_planar("nv21", 2, 2),
    "NM16": _half_planar("nv16", 2, 1),
    "YM16": _planar("yuv422p", 2, 1),
    "YM61": _planar("yuv422p", 2, 1, (2, 1)),
    "YM24": _planar("yuv444p", 1, 1),
    "YM42": _planar("yuv444p", 1, 1, (2, 1)),
}
_COLOUR = {
    "YU12": _planar("yuv420p", 2, 2),
    "NV12": _half_planar("nv12", 2, 2),
    "YV12": _planar("yuv420p", 2, 2, (2, 1)),
    "NV21": _half_planar("nv21", 2, 2),
    "YUYV": _packed("yuyv422", 4, 2),
    "UYVY": _packed("uyvy422", 4, 2),
    "YVYU": _packed("yvyu422", 4, 2),
    "422P": _planar("yuv422p", 2, 1),
    "NV16": _half_planar("nv16", 2, 1),
    "NV24": _half_planar("nv24", 1, 1),
    "NV42": _half_planar("nv42", 1, 1),
    "P010": PixelFormat("p010le", (Plane(0, 2), Plane(1, 4, 2, 2))),
    "RGB3": _packed("rgb24", 3),
    "BGR3": _packed("bgr24", 3),
    # Alpha, or the unused byte in its place, is ignored by encoders.
    "XR24": _packed("bgra", 4),
    "AR24": _packed("bgra", 4),
    "BGR4": _packed("bgra", 4),
    "BX24": _packed("argb", 4),
    "BA24": _packed("argb", 4),
    "RGB4": _packed("argb", 4),
    "XB24": _packed("rgba", 4),
    "AB24": _packed("rgba", 4),
    "RX24": _packed("abgr", 4),
    "RA24": _packed("abgr", 4),
    "RGBP": _packed("rgb565le", 2),
    "RGBR": _packed("rgb565be", 2),
    "XR15": _packed("rgb555le", 2),
    "AR15": _packed("rgb555le", 2),
    "RGBO": _packed("rgb555le", 2),
}
# The cheapest to encode come first.
COLOUR = {
    **{name: _COLOUR[name] for name in ("YU12", "NV12")},
    **{name: form._replace(separate=True) for name, form in _APART.items()},
    **_COLOUR,
}
GREY = {
    "GREY": _packed("gray", 1),
    "Y10": _packed("gray10le", 2),
    "Y12": _packed("gray12le", 2),
    "Y16": _packed("gray16le", 2),
    "Y16-BE": _packed("gray16be", 2),
}
RAW = COLOUR | GREY


def text_of(fourcc: int) -> str:
    """Return a fourcc as text: 0x56595559 is YUYV. The highest bit adds -BE; other characters become question marks."""
    letters = (fourcc & 0x7FFFFFFF).to_bytes(4, "little").decode("latin-1")
    text = "".join(letter if letter.isprintable() else "?" for letter in letters).rstrip(" ")
    return f"{text}-BE" if fourcc >> 31 else text


def fourcc_of(text: str) -> int:
    """Return the number of a fourcc from text_of(). All its characters must be printable."""
    letters = text.removesuffix("-BE")
    return int.from_bytes(letters.ljust(4).encode("latin-1"), "little") | (letters != text) << 31
