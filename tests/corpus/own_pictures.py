# SPDX-License-Identifier: Apache-2.0
"""What the streams of own_h264 have in common, and the list of them."""

from collections.abc import Callable
from dataclasses import replace

from corpus.own_h264 import BOTTOM, TOP, I, P, Picture, Pps, Sps

GOP = 4
STREAMS: dict[str, Callable[[], bytes]] = {}


def stream(make: Callable[[], bytes]) -> Callable[[], bytes]:
    STREAMS[make.__name__] = make
    return make


def pictures(count: int, gop: int = GOP) -> list[Picture]:
    """Return frames: an IDR picture, then P pictures, each brighter or darker than its neighbours."""
    return [
        Picture(
            kind=P if number % gop else I,
            idr=number % gop == 0,
            frame_num=number % gop,
            poc=2 * (number % gop),
            level=2 + number % 7,
            idr_number=number // gop % 2,
        )
        for number in range(count)
    ]


def written(frames: list[Picture], sps: Sps | None = None, pps: tuple[Pps, ...] = (Pps(),)) -> bytes:
    """Return the stream, with all parameter sets in front of each IDR picture."""
    sps = sps or Sps()
    sets = [sps.unit(), *(one.unit() for one in pps)]
    return b"".join(b"".join((sets if one.idr else []) + one.units(sps)) for one in frames)


def fields(frame: Picture, second: int) -> list[Picture]:
    """Return the fields of a frame. second: slice type of the second one, which is never an IDR picture."""
    top = replace(frame, structure=TOP)
    bottom = replace(frame, structure=BOTTOM, kind=second, idr=False, poc=frame.poc + 1, level=-frame.level)
    return [top, bottom]
