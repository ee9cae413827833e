# SPDX-License-Identifier: Apache-2.0
"""Which damaged JPEG pictures camera-streamer refuses, whether it refuses whole ones, and what that costs.

python tests/bench/damaged_jpeg.py [--pictures N] [--pairs N]    exit 1: a whole picture was refused

Whole pictures are those of several encoders, and of each what cameras make of theirs: without tables, without an end
marker, padded. The damage is what a transfer does: packets that are missing, wrong, or those of an older picture. The
cost is CPU time of a picture on its way from the buffer, passed on with the check and without it, in turn.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))

import av
import cv2
import numpy
from jpegs import EOI, put_in, segments, without
from numpy.typing import NDArray

from hil.streamer.log import LOG
from hil.streamer.sources.jpeg_assembler import JpegAssembler
from hil.streamer.sources.jpeg_decoder import JpegDecoder
from hil.streamer.sources.source import Captured

Picture = NDArray[numpy.uint8]
SIZES = ((320, 240), (482, 270), (161, 121))
COST_SIZES = ((640, 360), (1280, 720), (1920, 1080))
QUALITY, SAMPLING = cv2.IMWRITE_JPEG_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR


def scene(width: int, height: int, seed: int) -> Picture:
    """Return a picture of soft shapes, a little noise, and letters."""
    chance = numpy.random.default_rng(seed)
    small = chance.integers(0, 255, (height // 24 + 2, width // 24 + 2, 3), numpy.uint8)
    picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(numpy.int16)
    picture += chance.integers(-4, 4, picture.shape, numpy.int16)
    drawn = numpy.clip(picture, 0, 255).astype(numpy.uint8)
    return numpy.asarray(cv2.putText(drawn, f"{seed:04}", (8, height // 2), 0, height / 100, (0, 0, 0), 3), numpy.uint8)


def by_libjpeg(*options: int) -> Callable[[Picture], bytes]:
    return lambda picture: cv2.imencode(".jpg", picture, options)[1].tobytes()


def by_ffmpeg(pixels: str, **options: str) -> Callable[[Picture], bytes]:
    def encode(picture: Picture) -> bytes:
        encoder: Any = av.CodecContext.create("mjpeg", "w")
        encoder.height, encoder.width = picture.shape[:2]
        encoder.pix_fmt, encoder.time_base, encoder.options = pixels, Fraction(1, 30), options
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixels)
        return b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))

    return encode


def camera_like(encode: Callable[[Picture], bytes]) -> Callable[[Picture], bytes]:
    return lambda picture: put_in(without(encode(picture), 0xC4), 0xE0, b"AVI1" + bytes(10))


ENCODERS: dict[str, Callable[[Picture], bytes]] = {
    "libjpeg-turbo 4:2:0": by_libjpeg(QUALITY, 80),
    "libjpeg-turbo 4:2:2": by_libjpeg(QUALITY, 70, SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422),
    "libjpeg-turbo 4:4:0": by_libjpeg(QUALITY, 80, SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440),
    "libjpeg-turbo 4:1:1": by_libjpeg(QUALITY, 80, SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411),
    "libjpeg-turbo 4:4:4": by_libjpeg(QUALITY, 95, SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    "libjpeg-turbo, own tables": by_libjpeg(QUALITY, 50, cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    "libjpeg-turbo, restarts": by_libjpeg(QUALITY, 80, cv2.IMWRITE_JPEG_RST_INTERVAL, 20),
    "libjpeg-turbo, progressive": by_libjpeg(QUALITY, 80, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "libjpeg-turbo, grey": lambda picture: by_libjpeg(QUALITY, 80)(picture[:, :, 0]),
    "FFmpeg 4:2:2": by_ffmpeg("yuvj422p"),
    "FFmpeg 4:2:0, standard tables": by_ffmpeg("yuvj420p", huffman="default"),
    "FFmpeg 4:4:4": by_ffmpeg("yuvj444p"),
    "as cameras do: 4:2:2, no tables": camera_like(by_ffmpeg("yuvj422p", huffman="default")),
    "as cameras do: restarts, no tables": camera_like(by_libjpeg(QUALITY, 75, cv2.IMWRITE_JPEG_RST_INTERVAL, 4)),
}
HABITS: dict[str, Callable[[bytes], bytes]] = {
    "as encoded": lambda data: data,
    "zeros behind it": lambda data: data + bytes(4000),
    "the end of an older picture behind it": lambda data: data + data[len(data) // 2 :],
    "no end marker": lambda data: data[: -len(EOI)],
    "no end marker, zeros behind it": lambda data: data[: -len(EOI)] + bytes(4000),
    "fill bytes, zeros in front of the end marker": lambda data: data[: -len(EOI)] + bytes(2) + b"\xff\xff" + EOI,
    "a thumbnail and a comment": lambda data: put_in(put_in(data, 0xE1, b"Exif\0\0" + data[:9000]), 0xFE, EOI * 9),
}


def coded(data: bytes) -> int:
    """Return where the coded data begins."""
    return len(data) - len(segments(data)[-1][1])


def changed(data: bytes, size: int, chance: random.Random, put: Callable[[int, int], bytes]) -> bytes | None:
    """Return data with size coded bytes replaced by put(place, size), or None if it is too small for that."""
    begin = coded(data)
    if size * 3 > len(data) - begin:
        return None
    at = chance.randrange(begin, len(data) - len(EOI) - size)
    return data[:at] + put(at, size) + data[at + size :]


def damaged(data: bytes, older: bytes, kind: str, size: int, chance: random.Random) -> bytes | None:
    """Return the damaged picture, or None if the picture is too small for that."""
    put: dict[str, Callable[[int, int], bytes]] = {
        "missing": lambda at, size: b"",
        "zeros instead": lambda at, size: bytes(size),
        "noise instead": lambda at, size: chance.randbytes(size),
        "those of an older picture": lambda at, size: older[at : at + size].ljust(size, b"\x55"),
    }
    if kind in put:
        return changed(data, size, chance, put[kind])
    end = len(data) - len(EOI) - size
    return data[:end] + {"end missing": b"", "end missing, zeros": bytes(4000)}[kind] if end > coded(data) else None


KINDS = ("missing", "zeros instead", "noise instead", "those of an older picture", "end missing", "end missing, zeros")
BYTES = (1, 12, 188, 800, 2900)


def is_refused(assembler: JpegAssembler, data: bytes) -> bool:
    return assembler.take(data, Captured(0))[0].bad


def judge_whole(pictures: dict[str, list[bytes]]) -> int:
    """Print how many whole pictures are refused, and return the sum."""
    print(f"| whole pictures of {len(pictures)} encoders | refused |\n|---|--:|")
    total = 0
    for habit, change in HABITS.items():
        refused, count = 0, 0
        for data in itertools.chain(*pictures.values()):
            refused += any(is_refused(_fresh(decodes), change(data)) for decodes in (False, True))
            count += 1
        print(f"| {habit} | {refused} of {count} |")
        total += refused
    return total


def _fresh(decodes: bool) -> JpegAssembler:
    return JpegAssembler(JpegDecoder(cpu_clock=lambda: 0.0), decodes)


def judge_damaged(pictures: dict[str, list[bytes]]) -> None:
    """Print how many damaged pictures are refused, by kind and number of bytes."""
    print(f"\n| bytes | {' | '.join(map(str, BYTES))} |\n|---|{'--:|' * len(BYTES)}")
    chance = random.Random(1)
    for kind in KINDS:
        cells = []
        for size in BYTES:
            found = []
            for of_one in pictures.values():
                assembler = _fresh(decodes=False)
                is_refused(assembler, of_one[0])  # a camera of which all is refused is believed in the end
                for data, older in zip(of_one, of_one[::-1], strict=True):
                    spoilt = damaged(data, older, kind, size, chance)
                    found += [is_refused(assembler, spoilt)] if spoilt is not None else []
            cells.append(f"{100 * sum(found) / len(found):.0f} %")
        print(f"| {kind} | {' | '.join(cells)} |")


class Careless(JpegDecoder):
    """Checks nothing."""

    def check(self, data: bytes, always: bool = False) -> None:
        """Do nothing."""


def cost_us(decoder: JpegDecoder, pictures: list[bytes]) -> float:
    """Return the CPU time of passing a picture on, in us."""
    assembler = JpegAssembler(decoder, decodes=False)
    begin_ns = time.thread_time_ns()
    for data in pictures:
        assembler.take(data, Captured(0))
    return (time.thread_time_ns() - begin_ns) / len(pictures) / 1000


def compare_costs(pairs: int) -> None:
    print("\n| size | bytes | without the check, us | with it, us | of a core at 30 fps |\n|---|--:|--:|--:|--:|")
    for width, height in COST_SIZES:
        encode = by_libjpeg(QUALITY, 80, SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422)
        pictures = [encode(scene(width, height, seed)) for seed in range(4)]
        decoders = [Careless(), JpegDecoder(cpu_clock=lambda: 0.0)]
        costs: list[list[float]] = [[], []]
        for number in range(pairs + 1):
            for which in random.sample((0, 1), 2):
                cost = cost_us(decoders[which], pictures)
                if number:  # the first round opens the decoder
                    costs[which].append(cost)
        without_it, with_it = map(statistics.median, costs)
        size = statistics.mean(map(len, pictures))
        more = (with_it - without_it) * 30 / 1e6
        print(f"| {width}x{height} | {size:.0f} | {without_it:.0f} | {with_it:.0f} | {more:.1%} more |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=12, metavar="N", help="of each encoder (default: 12)")
    parser.add_argument("--pairs", type=int, default=25, metavar="N", help="of costs (default: 25)")
    arguments = parser.parse_args()
    LOG.disabled = True
    scenes = [scene(*SIZES[seed % len(SIZES)], seed) for seed in range(arguments.pictures)]
    pictures = {name: [encode(each) for each in scenes] for name, encode in ENCODERS.items()}
    refused = judge_whole(pictures)
    judge_damaged(pictures)
    compare_costs(arguments.pairs)
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
