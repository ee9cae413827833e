# SPDX-License-Identifier: Apache-2.0
"""Raw pictures of a channel: their layout in a slot, and how any source's picture is converted straight into it."""

from __future__ import annotations

from ctypes import addressof, c_uint8
from typing import Any, NamedTuple

import av

from vshm_ctypes import Codec, PictureLayout, Range, picture_layout
from vshm_ctypes import Colour as Told
from vshm_ctypes.codec import RAW_CODECS
from vshm_ctypes.picture import PIXELS

from .channels import Channel
from .colour import IDENTITY, UNTOLD, Colour, colour_of, colour_to_encode, guessed_matrix
from .converter import Widener
from .encoder_settings import EncoderError
from .swscale import ACCURATE, BILINEAR, MATRICES, Scaler, Side

CODECS = {name: Codec(number) for number, name in RAW_CODECS.items()}
_RGB = (Codec.RGB24, Codec.BGR24)
_ALIGNED = 32  # pixels: as many at once does swscale write, on any processor
RING_BYTES, LEAST_SLOTS, MOST_SLOTS = 32 << 20, 4, 30
VERSION_1 = (30, 512 * 1024)


class Conversion(NamedTuple):
    """How a picture is converted. source, target: colours. kept: range and matrix stay as they are."""

    source: Colour
    target: Colour
    kept: bool


def layout_for(codec: Codec, width: int, height: int, colour: Told | None = None) -> PictureLayout:
    """Return the layout of pictures of that size: rows have padding only where swscale writes behind their end.

    Raises EncoderError.
    """
    try:
        aligned = picture_layout(codec, -(-width // _ALIGNED) * _ALIGNED, height).planes[0].stride
        return picture_layout(codec, width, height, stride=aligned, colour=colour)
    except ValueError as error:
        raise EncoderError(str(error)) from None


def geometry_for(channel: Channel, layout: PictureLayout) -> tuple[int, int]:
    """Return slots and slot size of a raw ring: what the channel says, else as many pictures as fit into 32 MiB.

    Raises EncoderError if the channel's slots are too small.
    """
    slot = channel.slot or layout.size
    if slot < layout.size:
        what = f"a {channel.codec} picture of {layout.width}x{layout.height} has {layout.size} bytes"
        raise EncoderError(f"{channel.ring}: slot={channel.slot}: {what}; leave slot out to have it fit")
    slots = channel.slots or min(max(RING_BYTES // slot, LEAST_SLOTS), MOST_SLOTS)
    return (slots, slot + 64) if (slots, slot) == VERSION_1 else (slots, slot)


def conversion_of(picture: Any, codec: Codec, before: tuple[int, int], after: tuple[int, int]) -> Conversion:
    """Return how the colours of a picture of size before become those of a raw one of size after.

    Matrix and range are kept as far as the format allows: R'G'B' is full range, everything else keeps its own. Raises
    ValueError if swscale does not know the matrix that it would need.
    """
    source = colour_of(picture)
    from_rgb, to_rgb = source.matrix == IDENTITY, codec in _RGB
    if from_rgb and to_rgb:
        return Conversion(source, source, kept=True)
    if from_rgb and codec == Codec.GREY:
        return Conversion(source, source._replace(full_range=True, matrix=guessed_matrix(*after)), kept=False)
    if not to_rgb:
        target = colour_to_encode(source, Codec.H264, before, after)
        return Conversion(source, target, kept=not from_rgb)
    matrix = guessed_matrix(*before) if source.matrix == UNTOLD else source.matrix
    if matrix not in MATRICES:
        raise ValueError(f"pictures of matrix {matrix} of ITU-T H.273 can't be converted to R'G'B'")
    return Conversion(source._replace(matrix=matrix), source._replace(full_range=True, matrix=IDENTITY), kept=False)


def told(colour: Colour) -> Told:
    """Return the description for a frame's metadata."""
    limits = Range.FULL if colour.full_range else Range.LIMITED
    return Told(colour.primaries, colour.transfer, colour.matrix, limits)


class RawPictures:
    """Converts pictures for one channel. width, height: pixels. Raises EncoderError."""

    def __init__(self, codec: Codec, width: int, height: int) -> None:
        self.codec = codec
        self.layout = layout_for(codec, width, height)
        self._shape: tuple[Any, ...] = ()
        self._scaler: Scaler | None = None
        self._widener = Widener()

    def describe(self, picture: av.VideoFrame) -> PictureLayout:
        """Prepare for a picture, and return layout and colour of what convert() makes of it. Raises EncoderError."""
        colour = colour_of(picture)
        shape = (picture.format.name, picture.width, picture.height, colour)
        if shape != self._shape:
            try:
                self._prepare(picture)
            except (ValueError, av.FFmpegError) as error:
                what = f"a picture of {picture.width}x{picture.height} in {picture.format.name}"
                raise EncoderError(f"{self.codec.name.lower()}: {what}: {error}") from None
            self._shape = shape
        return self.layout

    def _prepare(self, picture: av.VideoFrame) -> None:
        before, after = (picture.width, picture.height), (self.layout.width, self.layout.height)
        source, target, kept = conversion_of(picture, self.codec, before, after)
        self.layout = layout_for(self.codec, *after, told(target))
        pixels = self._widener.prepare(picture, source, kept)
        known = [colour.matrix if colour.matrix in MATRICES else MATRICES[3] for colour in (source, target)]
        form = picture.format
        if kept and self.codec == Codec.GREY and form.is_planar and form.components[0].bits == 8:
            pixels = PIXELS[Codec.GREY]  # its first plane is what is asked for
        if kept:  # the same on both sides, and of full range, which swscale takes some formats for whatever is said
            ends = [Side(*before, pixels, known[0], True), Side(*after, PIXELS[self.codec], known[0], True)]
        else:
            from_full, matrix = source.matrix == IDENTITY or source.full_range, known[source.matrix == IDENTITY]
            ends = [Side(*before, pixels, matrix, from_full)]
            ends.append(Side(*after, PIXELS[self.codec], matrix, target.full_range))
        # swscale's fast path from B'G'R' is off by several levels; to R'G'B' its accurate one is the worse.
        self._scaler = Scaler(ends[0], ends[1], BILINEAR | (ACCURATE if source.matrix == IDENTITY else 0))

    def convert(self, picture: av.VideoFrame, slot: memoryview) -> None:
        """Convert the picture that was described straight into a slot. Raises EncoderError."""
        assert self._scaler is not None
        address = addressof(c_uint8.from_buffer(slot))
        try:
            self._scaler.scale(
                self._widener.widened(picture),
                [address + plane.offset for plane in self.layout.planes],
                [plane.stride for plane in self.layout.planes],
            )
        except (ValueError, av.FFmpegError) as error:
            raise EncoderError(f"{self.codec.name.lower()}: {error}") from None
