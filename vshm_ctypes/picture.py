# SPDX-License-Identifier: Apache-2.0
"""Raw pictures in a ring: where their planes are, and what their numbers mean."""

from __future__ import annotations

import enum
import errno
from ctypes import byref
from functools import lru_cache

from ._library import library
from ._structs import Meta, Picture
from .codec import RAW_CODECS, Codec
from .errors import BrokenPicture, VideoShmError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, TypedDict

    class PictureMeta(TypedDict):
        """The arguments of Producer.write() and Reservation.commit() that describe a raw picture."""

        keyframe: bool
        codec: int
        width: int
        height: int
        reserved: bytes

else:
    from ._named_tuple import NamedTuple

# FFmpeg's names of raw codecs.
PIXELS = {
    Codec.NV12: "nv12",
    Codec.I420: "yuv420p",
    Codec.YUYV: "yuyv422",
    Codec.RGB24: "rgb24",
    Codec.BGR24: "bgr24",
    Codec.GREY: "gray",
}
UNKNOWN = 2  # ITU-T H.273's number of a colour that is not known


class Range(enum.IntEnum):
    """What the numbers of a raw picture span: LIMITED is 16 to 235 (chroma 240), FULL 0 to 255."""

    UNKNOWN = 0
    LIMITED = 1
    FULL = 2


class Colour(NamedTuple):
    """What the numbers of a raw picture mean, as ITU-T H.273 numbers it; 2: not known.

    Attributes:
        primaries: colour primaries.
        transfer: transfer characteristics.
        matrix: matrix coefficients; 0 is R'G'B'.
        range: a Range.
    """

    primaries: int = UNKNOWN
    transfer: int = UNKNOWN
    matrix: int = UNKNOWN
    range: int = Range.UNKNOWN


class Plane(NamedTuple):
    """One plane of a raw picture.

    Attributes:
        offset: bytes from the beginning of the payload.
        stride: bytes from the beginning of one row to that of the next.
        rows: number of rows.
    """

    offset: int
    stride: int
    rows: int


class PictureLayout(NamedTuple):
    """How a raw picture lies in its payload: its planes one behind the other, each row followed by padding.

    Attributes:
        codec: a Codec.
        width: width in pixels.
        height: height in pixels.
        size: bytes of all planes, which is the size of the frame.
        planes: Y and UV of NV12; Y, U and V of I420; one of the others.
        colour: what the numbers mean.
        reserved: the five bytes of the metadata that describe rows and colour.
    """

    codec: int
    width: int
    height: int
    size: int
    planes: tuple[Plane, ...]
    colour: Colour
    reserved: bytes

    def meta(self) -> PictureMeta:
        """Return arguments for a producer: ``ring.write(data, **picture_layout(Codec.GREY, 64, 48).meta())``."""
        described = {"codec": self.codec, "width": self.width, "height": self.height, "reserved": self.reserved}
        return {"keyframe": True, **described}  # type: ignore[typeddict-item]


@lru_cache(maxsize=64)
def layout_of(codec: int, width: int, height: int, size: int, reserved: bytes) -> PictureLayout | None:
    """Return the layout that a frame's metadata describes, or None if the frame is no raw picture.

    Raises BrokenPicture: the size is not that of such a picture, or a side has no pixels.
    """
    if codec not in RAW_CODECS:
        return None
    meta = Meta(codec=codec, width=width, height=height, reserved=(*reserved,))
    picture = Picture()
    what = f"a {RAW_CODECS[codec]} picture of {width}x{height}"
    try:
        library.video_shm_picture_layout(byref(meta), byref(picture))
    except VideoShmError as error:
        if error.errno != errno.EINVAL:
            raise
        raise BrokenPicture(errno.EBADMSG, None, f"{what} can't be: its writer is wrong") from None
    if size not in (0, picture.size):
        what += f" with rows of {picture.stride[0]} bytes has {picture.size} bytes"
        raise BrokenPicture(errno.EBADMSG, None, f"{what}, but this frame has {size}: its writer is wrong")
    planes = tuple(Plane(picture.offset[at], picture.stride[at], picture.rows[at]) for at in range(picture.planes))
    colour = Colour(picture.primaries, picture.transfer, picture.matrix, picture.range)
    return PictureLayout(codec, width, height, picture.size, planes, colour, reserved)


def picture_layout(
    codec: int, width: int, height: int, *, stride: int = 0, colour: Colour | None = None
) -> PictureLayout:
    """Return how a writer should lay out a raw picture. ``.size`` is what a slot must hold, ``.meta()`` describes it.

    Args:
        codec: a Codec of raw pictures.
        width: width in pixels, from 1 to 65535.
        height: height in pixels, from 1 to 65535.
        stride: bytes of a row of the first plane with its padding; 0: without padding.
        colour: what the numbers mean; None: not known.

    Raises:
        ValueError: codec is not one of raw pictures, an argument is out of range, or no slot can hold the picture.
    """
    if codec not in RAW_CODECS:
        raise ValueError(f"codec={codec}: must be one of raw pictures: {', '.join(RAW_CODECS.values())}")
    if not (0 < width <= 65535 and 0 < height <= 65535):
        raise ValueError(f"{width}x{height}: each side has from 1 to 65535 pixels")
    given = colour if colour is not None else Colour()
    meta = Meta(codec=codec, width=width, height=height)
    told = Picture(primaries=given.primaries, transfer=given.transfer, matrix=given.matrix, range=given.range)
    told.stride[0] = min(max(stride, 0), 0xFFFFFFFF)
    try:
        library.video_shm_picture_describe(byref(meta), byref(told))
    except VideoShmError as error:
        if error.errno != errno.EINVAL:
            raise
        what = f"{RAW_CODECS[codec]} picture of {width}x{height} with stride={stride} and colour={tuple(given)}"
        raise ValueError(f"a {what} can't be: see the bounds of video_shm_picture_describe") from None
    layout = layout_of(codec, width, height, 0, bytes(meta.reserved))
    assert layout is not None
    return layout
