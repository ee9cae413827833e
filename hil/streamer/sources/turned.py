# SPDX-License-Identifier: Apache-2.0
"""Pictures that are stored on their side, or mirrored, turned as they are meant to be seen."""

from __future__ import annotations

import contextlib
import re
import struct
from typing import Any, cast

import av
import av.filter

from ..colour import Colour, colour_of
from ..log import LOG

Signs = tuple[int, int, int, int]
Filters = tuple[tuple[str, str], ...]
# What vflip makes has its rows from the last to the first, at which PyAV's planes fail: it is copied.
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
_UPRIGHT = (1, 0, 0, 1)
# By the orientation that Exif data tell: where row 0 and column 0 are to be seen.
_EXIF: dict[int, Signs] = dict(enumerate(((1, 0, 0, 1), (-1, 0, 0, 1), (-1, 0, 0, -1), (1, 0, 0, -1)), 1))
_EXIF |= dict(enumerate(((0, 1, 1, 0), (0, 1, -1, 0), (0, -1, -1, 0), (0, -1, 1, 0)), 5))
# Colour that is stored for two or four pixels in a row, or in a column, can't be on its side without being scaled.
_ASYMMETRIC = re.compile("422|440|411")
_TURNS: dict[int, Signs] = {
    0: _UPRIGHT,
    90: (0, -1, 1, 0),
    -90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    -180: (-1, 0, 0, -1),
}


def display_matrix(picture: Any) -> Signs | None:
    """What the container says of a decoded picture, upright where it says nothing; None: no quarter turn."""
    try:
        a, b, _, c, d = struct.unpack_from("=5i", bytes(picture.side_data["DISPLAYMATRIX"]))
    except (KeyError, ValueError):  # there is none; or it is beside what PyAV does not know, as Exif data in 18.1.0
        return _TURNS.get(picture.rotation)
    units = [round(value / 65536) for value in (a, b, c, d)]
    signs = tuple((unit > 0) - (unit < 0) for unit in units)
    return signs if signs in FILTERS else None


def _made_square(name: str) -> Filters:
    square = _ASYMMETRIC.sub("444", name)
    with contextlib.suppress(ValueError):  # there is none of that kind: the filters find the next best by themselves
        return (("format", av.VideoFormat(square).name),) if square != name else ()
    return ()


class Turner:
    """Turns the pictures of one file. exif: as exif_orientation() has it, in place of what the container says.

    turned: whether the last one was.
    """

    def __init__(self, exif: int | None = None) -> None:
        self._exif = exif
        self._graph: Any = None
        self._shape: tuple[object, ...] = ()
        self._told = self.turned = False

    def turn(self, picture: Any) -> av.VideoFrame:
        """As it is meant to be seen; mostly the same."""
        signs = _EXIF[self._exif] if self._exif else display_matrix(picture)
        if signs is None and not self._told:
            self._told = True
            LOG.warning(
                "it is to be shown turned by %d degrees; that is left out: only quarter turns are made",
                picture.rotation,
            )
        filters = FILTERS[signs or _UPRIGHT]
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
            range=str(colour.range),  # else what is converted is taken for limited
        )
        filters = (*_made_square(picture.format.name), *filters)
        graph.link_nodes(begin, *(graph.add(name, words) for name, words in filters), graph.add("buffersink"))
        graph.configure()
        return graph
