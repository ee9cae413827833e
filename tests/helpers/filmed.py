# SPDX-License-Identifier: Apache-2.0
"""A camera with an encoder of its own: real pictures, whose bytes and times of capture are known."""

import functools
import itertools
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NamedTuple

from vshm_ctypes import Codec, Producer

GOP = 10
_SETTINGS: dict[Codec, tuple[str, str, dict[str, str]]] = {
    Codec.H264: ("libx264", "yuv420p", {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0"}),
    Codec.H265: ("libx265", "yuv420p", {"preset": "ultrafast", "x265-params": "bframes=0:log-level=none:scenecut=0"}),
    Codec.JPEG: ("mjpeg", "yuvj420p", {"huffman": "default"}),
}


class Unit(NamedTuple):
    """An access unit, and whether decoding can start at it."""

    data: bytes
    keyframe: bool


class Written(NamedTuple):
    """What was written of a unit."""

    data: bytes
    capture_ns: int


@functools.cache
def encoded(codec: Codec, width: int, height: int, count: int = 60, bframes: int = 0) -> list[Unit]:
    """Return count access units, each with another picture."""
    import av
    import numpy

    name, pixels, options = _SETTINGS[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixels
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, 30), Fraction(30), GOP
    encoder.max_b_frames = bframes
    if bframes:
        options = {"preset": "ultrafast", "x264-params": f"bframes={bframes}:b-adapt=0:scenecut=0"}
    encoder.options = options
    encoder.thread_count = 1  # otherwise the encoder of JPEG cuts pictures into parts, with restart intervals
    found = []
    rows = numpy.arange(height * 3 // 2, dtype=numpy.uint32)[:, None]
    for number in range(count):
        luma = ((rows * 3 + numpy.arange(width, dtype=numpy.uint32)[None, :] * 5 + number * 7) % 200 + 20).astype("u1")
        picture = av.VideoFrame.from_ndarray(luma, format="yuv420p").reformat(format=pixels)
        picture.pts = number
        found += [Unit(bytes(packet), packet.is_keyframe) for packet in encoder.encode(picture)]
    return found + [Unit(bytes(packet), packet.is_keyframe) for packet in encoder.encode(None)]


class Filmed:
    """Writes units again and again until the block ends, each with a time of capture that trembles.

    Args:
        ring: name of the ring.
        units: what to write.
        shape: width and height.
        fps: frames per second.
        options: for Producer.

    Attributes:
        written: all that was written.
    """

    def __init__(
        self,
        ring: str,
        units: list[Unit],
        shape: tuple[int, int] = (64, 48),
        *,
        codec: Codec = Codec.H264,
        fps: float = 30,
        **options: Any,
    ) -> None:
        self._units, self._shape, self._codec, self._fps = units, shape, codec, fps
        self._producer = Producer(ring, **options)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._random = random.Random(7)
        self.written: list[Written] = []

    def _run(self) -> None:
        begin = time.monotonic()
        for number, unit in enumerate(itertools.cycle(self._units)):
            if self._over.wait(max(0.0, begin + number / self._fps - time.monotonic())):
                return
            # An exposure and a transfer take their time, and never the same.
            capture_ns = time.monotonic_ns() - self._random.randrange(2_000_000, 9_000_000)
            before_ns = self.written[-1].capture_ns if self.written else 0
            self._write(unit, max(capture_ns, before_ns + 2_000_000))

    def _write(self, unit: Unit, capture_ns: int) -> None:
        with self._producer.reserve() as slot:
            slot.data[: len(unit.data)] = unit.data
            slot.commit(
                len(unit.data),
                keyframe=unit.keyframe,
                codec=self._codec,
                width=self._shape[0],
                height=self._shape[1],
                fps=round(self._fps),
                capture_ns=capture_ns,
            )
        self.written.append(Written(unit.data, capture_ns))

    def __enter__(self) -> "Filmed":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._producer.close()


@contextmanager
def filmed(ring: str, codec: Codec = Codec.H264, shape: tuple[int, int] = (64, 48), **more: Any) -> Iterator[Filmed]:
    """Film into a ring as long as the block lasts."""
    bframes = more.pop("bframes", 0)
    with Filmed(ring, encoded(codec, *shape, bframes=bframes), shape, codec=codec, **more) as camera:
        yield camera
