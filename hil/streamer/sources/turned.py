# SPDX-License-Identifier: Apache-2.0
"""Turns pictures that are stored rotated or mirrored upright."""

from __future__ import annotations

import contextlib
import re
from typing import Any, cast

import av
import av.filter

from vshm_ctypes.pictures.turning import EXIF, UPRIGHT, Orientation, Signs, display_matrix

from ..colour import Colour, colour_of
from ..log import LOG

Filters = tuple[tuple[str, str], ...]
# vflip reverses the rows with a negative stride, which PyAV's planes do not support, so its result is copied.
_UPSIDE_DOWN: Filters = (("vflip", ""), ("copy", ""))
# By the signs of a display matrix (ISO/IEC 14496-12, 6.2.2): a, b, c, d of x' = a x + c y, y' = b x + d y.
FILTERS: dict[Signs, Filters] = {
    (1, 0, 0, 1): (),
    (-1, 0, 0, 1): (("hflip", ""),),
    (1, 0, 0, -1): _UPSIDE_DOWN,
    (-1, 0, 0, -1): (("hflip", ""), *_UPSIDE_DOWN),
    (0, 1, -1, 0): (("transpose", "clock"),),
    (0, -1, 1, 0): (("transpose", "cclock"),),
    (0, 1, 1, 0): (("transpose", "cclock_flip"),),
    (0, -1, -1, 0): (("transpose", "clock_flip"),),
}
# Chroma that is subsampled differently across and down can't be rotated without scaling.
_ASYMMETRIC = re.compile("422|440|411")


def _made_square(name: str) -> Filters:
    square = _ASYMMETRIC.sub("444", name)
    with contextlib.suppress(ValueError):  # if there is no such format, the filters choose the nearest one
        return (("format", av.VideoFormat(square).name),) if square != name else ()
    return ()


class Turner:
    """Turns the pictures of one file. exif: the orientation from exif_orientation(), which overrides the container's.

    is_h264: they are of H.264, in output order. turned: whether the last picture was turned.
    """

    def __init__(self, exif: int | None = None, *, is_h264: bool = False) -> None:
        self._exif = exif
        self._signs_of = Orientation().of if is_h264 else display_matrix
        self._graph: Any = None
        self._shape: tuple[object, ...] = ()
        self._told = self.turned = False

    def turn(self, picture: Any) -> av.VideoFrame:
        """Return the picture upright, usually unchanged."""
        signs = EXIF[self._exif] if self._exif else self._signs_of(picture)
        if signs is None and not self._told:
            self._told = True
            LOG.warning(
                "it is to be shown turned by %d degrees; that is left out: only quarter turns are made",
                picture.rotation,
            )
        filters = FILTERS[signs or UPRIGHT]
        self.turned = bool(filters)
        if not filters:
            return cast("av.VideoFrame", picture)
        colour = colour_of(picture)
        shape = (signs, picture.width, picture.height, picture.format.name, colour.range)
        if shape != self._shape:
            self._graph, self._shape = self._build(picture, colour, filters), shape
        self._graph.vpush(picture)
        return colour.put_on(self._graph.vpull())

    @staticmethod
    def _build(picture: Any, colour: Colour, filters: Filters) -> av.filter.Graph:
        graph = av.filter.Graph()
        begin = graph.add(
            "buffer",
            video_size=f"{picture.width}x{picture.height}",
            pix_fmt=picture.format.name,
            time_base="1/1000",
            range=str(colour.range),  # a converted picture would be taken for limited range
        )
        filters = (*_made_square(picture.format.name), *filters)
        graph.link_nodes(begin, *(graph.add(name, words) for name, words in filters), graph.add("buffersink"))
        graph.configure()
        return graph
