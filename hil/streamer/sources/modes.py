# SPDX-License-Identifier: Apache-2.0
"""Chooses a camera's pixel format, size and rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vshm_ctypes import Codec

from .pixel_formats import COLOUR, GREY, RAW
from .source import SourceError

# By V4L2's name of the format.
ENCODED = {"H264": Codec.H264, "HEVC": Codec.H265, "MJPG": Codec.JPEG, "JPEG": Codec.JPEG}
ORDINARY_FPS = 30.0  # the rate that a format should reach if none is asked for


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A pixel format with one size, or a range of sizes. fourcc: V4L2's name of it. rates: frames per second."""

    fourcc: str
    description: str
    least: Size
    most: Size
    rates: tuple[float, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether the format is supported."""
        return self.fourcc in RAW or self.fourcc in ENCODED

    def nearest(self, size: Size) -> Size:
        """Return the size of this offer that is nearest to the given one."""
        return Size(
            min(max(size.width, self.least.width), self.most.width),
            min(max(size.height, self.least.height), self.most.height),
        )

    def reaches(self, fps: float) -> bool:
        """Return whether this rate is reached. A driver that lists no rates is assumed to reach it."""
        return not self.rates or max(self.rates) >= fps * 0.99


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the channels want from the camera. size: None and fps: 0 keep the camera's own.

    codec: the one that all channels want unscaled and without a named encoder, or None if there is none. lanes: how
    many may hold a picture at the same time. bit_rate: bits per second, and gop: frames, for a camera that encodes by
    itself; 0 keeps its own. copy: only the camera's own access units are of use, with any codec if that is None.
    raw: V4L2's name of the raw format that all channels want, or empty. controls: (name, value) of those to be set.
    """

    size: Size | None = None
    fps: float = 0.0
    codec: Codec | None = None
    lanes: int = 1
    bit_rate: int = 0
    gop: int = 30
    copy: bool = False
    raw: str = ""
    controls: tuple[tuple[str, int], ...] = ()


class Mode(NamedTuple):
    """The chosen settings of the camera. fps: 0 keeps its own."""

    fourcc: str
    size: Size
    fps: float


def _what_there_is(offers: Sequence[Offer]) -> str:
    """Return the offers as text, for an error if none is usable."""
    there = {offer.fourcc: offer.description for offer in offers}
    if not there:
        return "it has no formats at all"
    names = ", ".join(f"{fourcc} ({said})" if said else fourcc for fourcc, said in sorted(there.items()))
    bayer = all("Bayer" in said for said in there.values())
    return f"it has only {names}{': what its sensor sees, of which libcamera makes pictures' if bayer else ''}"


def choose_mode(offers: Sequence[Offer], current: Size, wanted: Wanted, is_bus_full: bool = False) -> Mode:
    """Return the best offer: by size, then by rate, then by cost. Raises SourceError if none is usable.

    current: the driver's present size, used if no size is wanted. is_bus_full: JPEG comes before raw pictures, as
    these take many times the bandwidth.
    """
    size, fps = wanted.size or current, wanted.fps or ORDINARY_FPS
    any_codec = wanted.copy and wanted.codec is None
    jpeg = [fourcc for fourcc, codec in ENCODED.items() if codec == Codec.JPEG]
    order = [wanted.raw] if wanted.raw and not is_bus_full else []
    order += [fourcc for fourcc, codec in ENCODED.items() if any_codec or codec == wanted.codec]
    if not wanted.copy:
        order += [*jpeg, *COLOUR, *GREY] if is_bus_full else [*COLOUR, *jpeg, *GREY]
    known = [offer for offer in offers if offer.fourcc in order]
    if not known:
        encodes = not wanted.copy and any(offer.fourcc in ENCODED for offer in offers)
        advice = "; encoder=copy passes on what it has encoded" if encodes else ""
        text = f"{_what_there_is(offers)}; of use here are {', '.join(dict.fromkeys(order))}{advice}"
        raise SourceError(0, text, "unsuitable")

    def unsuitable(offer: Offer) -> tuple[bool, int, bool, int]:
        has = offer.nearest(size)
        too_small = has.width < size.width or has.height < size.height
        apart = abs(has.width * has.height - size.width * size.height)
        return too_small, apart, not offer.reaches(fps), order.index(offer.fourcc)

    best = min(known, key=unsuitable)
    return Mode(best.fourcc, best.nearest(size), wanted.fps)
