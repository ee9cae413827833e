# SPDX-License-Identifier: Apache-2.0
"""Which of a camera's pixel formats, sizes and rates to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vshm_ctypes import Codec

from .pixel_formats import COLOUR, GREY, RAW
from .source import SourceError

# As V4L2 names them.
ENCODED = {"H264": Codec.H264, "HEVC": Codec.H265, "MJPG": Codec.JPEG, "JPEG": Codec.JPEG}
ORDINARY_FPS = 30.0  # what a format should reach where no rate is asked for


class Size(NamedTuple):
    """Pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A pixel format in one size, or in all between two. fourcc: as V4L2 names it. rates: frames per second."""

    fourcc: str
    description: str
    least: Size
    most: Size
    rates: tuple[float, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether anything can be made of that format."""
        return self.fourcc in RAW or self.fourcc in ENCODED

    def nearest(self, size: Size) -> Size:
        """The size that this offer has, next to that one."""
        return Size(
            min(max(size.width, self.least.width), self.most.width),
            min(max(size.height, self.least.height), self.most.height),
        )

    def reaches(self, fps: float) -> bool:
        """Whether it is as fast as that. A driver that does not tell is believed to be."""
        return not self.rates or max(self.rates) >= fps * 0.99


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the channels make of the camera. size: None is as the camera has it; fps: 0 likewise.

    codec: what all of them want, unscaled and by no encoder that was asked for by name; None: there is no such thing.
    lanes: who may hold a picture at the same time. bit_rate: bits per second, and gop: frames, where the camera encodes
    by itself; 0 is left to it. copy: its own access units are wanted and nothing else, of any codec where that is None.
    """

    size: Size | None = None
    fps: float = 0.0
    codec: Codec | None = None
    lanes: int = 1
    bit_rate: int = 0
    gop: int = 30
    copy: bool = False


class Mode(NamedTuple):
    """What the camera is set to. fps: 0 is left as it is."""

    fourcc: str
    size: Size
    fps: float


def _what_there_is(offers: Sequence[Offer]) -> str:
    """In words, where none of it is of use."""
    there = {offer.fourcc: offer.description for offer in offers}
    if not there:
        return "it has no formats at all"
    names = ", ".join(f"{fourcc} ({said})" if said else fourcc for fourcc, said in sorted(there.items()))
    bayer = all("Bayer" in said for said in there.values())
    return f"it has only {names}{': what its sensor sees, of which libcamera makes pictures' if bayer else ''}"


def choose_mode(offers: Sequence[Offer], current: Size, wanted: Wanted) -> Mode:
    """The offer that suits best: first the size, then the rate, then what costs least. Raises SourceError.

    current: the size that the driver has now, for those who want none in particular.
    """
    size, fps = wanted.size or current, wanted.fps or ORDINARY_FPS
    any_codec = wanted.copy and wanted.codec is None
    order = [fourcc for fourcc, codec in ENCODED.items() if any_codec or codec == wanted.codec]
    if not wanted.copy:
        order += [*COLOUR, *(fourcc for fourcc, codec in ENCODED.items() if codec == Codec.JPEG), *GREY]
    known = [offer for offer in offers if offer.fourcc in order]
    if not known:
        raise SourceError(
            0, f"{_what_there_is(offers)}; of use here are {', '.join(dict.fromkeys(order))}", "unsuitable"
        )

    def unsuitable(offer: Offer) -> tuple[bool, int, bool, int]:
        has = offer.nearest(size)
        too_small = has.width < size.width or has.height < size.height
        apart = abs(has.width * has.height - size.width * size.height)
        return too_small, apart, not offer.reaches(fps), order.index(offer.fourcc)

    best = min(known, key=unsuitable)
    return Mode(best.fourcc, best.nearest(size), wanted.fps)
