# SPDX-License-Identifier: Apache-2.0
"""Whether the last piece of a picture that is cut by size can be told by its size, without waiting for the next one.

python tests/bench/slices_by_size.py [--pictures N]

x264 divides test pictures, with noise on them, into slices of at most so many bytes, as cameras do that fill packets. A
learner takes a slice for the last one of its picture if it is smaller than all that were not. Printed are how many
pictures it would hand on sooner, and how many it would cut in two.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import av
import numpy

from hil.streamer.sources.bars import TestPicture
from vshm_ctypes import Codec
from vshm_ctypes.bitstream import nal_units
from vshm_ctypes.bitstream.nal import SYNTAXES

FPS, GOP = 30, 30
STREAMS = ((320, 180, 700, 800_000), (640, 360, 1400, 2_000_000), (640, 360, 4000, 4_000_000))
NOISES = (0, 6, 20)  # levels at most


def pictures(width: int, height: int, noise: int, count: int) -> Iterator[av.VideoFrame]:
    """Yield test pictures with noise on them."""
    drawer, chance = TestPicture(width, height), numpy.random.default_rng(1)
    for number in range(count):
        drawn = drawer.draw(number, number / FPS).to_ndarray().astype(int)
        noisy = numpy.clip(drawn + chance.integers(-noise, noise + 1, drawn.shape), 0, 255).astype(numpy.uint8)
        picture = av.VideoFrame.from_ndarray(noisy, format="yuv420p")
        picture.pts = number
        yield picture


def slice_sizes(width: int, height: int, most: int, bit_rate: int, noise: int, count: int) -> list[list[int]]:
    """Return the bytes of each slice of each picture."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.bit_rate = width, height, "yuv420p", bit_rate
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    parameters = f"slice-max-size={most}:keyint={GOP}"
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "x264-params": parameters}
    packets = [bytes(each) for one in pictures(width, height, noise, count) for each in encoder.encode(one)]
    kinds = SYNTAXES[Codec.H264].slices
    return [[nal.end - nal.header for nal in nal_units(each, Codec.H264) if nal.kind in kinds] for each in packets]


def guessed(sizes: list[list[int]]) -> tuple[int, int]:
    """Return (pictures that the learner hands on sooner, those that it cuts in two)."""
    sooner = cut = 0
    least: int | None = None  # of those that were not the last one
    for one in sizes:
        if least is not None and len(one) > 1:
            is_cut = min(one[:-1]) < least
            cut, sooner = cut + is_cut, sooner + (not is_cut and one[-1] < least)
        least = min([*one[:-1], *([] if least is None else [least])], default=None)
    return sooner, cut


def main() -> None:
    """Measure, and print a line for each stream."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=150, metavar="N", help="of each stream (default: 150)")
    count = parser.parse_args().pictures
    print(f"of {count} pictures: size, bytes of a slice at most, noise, slices a picture, sooner, cut in two")
    for width, height, most, bit_rate in STREAMS:
        for noise in NOISES:
            sizes = slice_sizes(width, height, most, bit_rate, noise, count)
            mean = sum(map(len, sizes)) / len(sizes)
            sooner, cut = guessed(sizes)
            print(f"{width}x{height}  {most:>5}  {noise:>3}  {mean:>5.1f}  {sooner:>4}  {cut:>4}")


if __name__ == "__main__":
    main()
