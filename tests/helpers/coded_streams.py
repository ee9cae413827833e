# SPDX-License-Identifier: Apache-2.0
"""Streams for a recorder: with B pictures, open GOPs or gradual refresh, in any codec, from any frame on."""

import functools
import threading
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

import av
from av.video.reformatter import ColorRange
from encoded import FPS, GOP, HEIGHT, WIDTH, picture

from vshm_ctypes import Codec, Flag, Producer
from vshm_ctypes.bitstream import EntryPoint, entry_point

FRAME_NS = 1_000_000_000 // FPS
BEGIN_NS = 5_000_000_000
PERIOD = 60  # pictures; a whole number of GOPs, and of the 20 levels that tell a picture's number
_X264 = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:annexb=1:log-level=none"
_X265 = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:repeat-headers=1:log-level=none"
# Of each kind of stream: codec, encoder, what is special.
KINDS: dict[str, tuple[Codec, str, dict[str, str]]] = {
    "h264": (Codec.H264, "libx264", {"tune": "zerolatency", "x264-params": _X264}),
    "h264 b": (Codec.H264, "libx264", {"x264-params": f"{_X264}:bframes=3:b-adapt=0:b-pyramid=2"}),
    "h264 open gop": (Codec.H264, "libx264", {"x264-params": f"{_X264}:bframes=2:b-adapt=0:open-gop=1"}),
    "h264 refresh": (Codec.H264, "libx264", {"x264-params": f"{_X264}:bframes=0:intra-refresh=1"}),
    "h265": (Codec.H265, "libx265", {"tune": "zerolatency", "x265-params": f"{_X265}:open-gop=0"}),
    "h265 b": (Codec.H265, "libx265", {"x265-params": f"{_X265}:bframes=3:b-adapt=0:open-gop=0"}),
    "h265 open gop": (Codec.H265, "libx265", {"x265-params": f"{_X265}:bframes=3:b-adapt=0:open-gop=1"}),
    "jpeg": (Codec.JPEG, "mjpeg", {}),
}


class Unit(NamedTuple):
    """An access unit, in decoding order. number is the place of its picture in output order."""

    data: bytes
    entry: EntryPoint
    number: int


@functools.cache
def units(kind: str, count: int = PERIOD, width: int = WIDTH, height: int = HEIGHT) -> tuple[Unit, ...]:
    """Return the units of a stream of a kind of KINDS."""
    codec, name, options = KINDS[kind]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuvj420p" if codec == Codec.JPEG else "yuv420p"
    encoder.time_base, encoder.framerate, encoder.options = Fraction(1, FPS), Fraction(FPS), options
    packets: list[Any] = []
    for number in range(count):
        frame = picture(number)
        if codec == Codec.JPEG:
            frame.color_range = ColorRange.JPEG  # else the levels were stretched
        frame = frame.reformat(width=width, height=height, format=encoder.pix_fmt)
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple(Unit(bytes(packet), entry_point(bytes(packet), codec), packet.pts) for packet in packets)


class Coded:
    """Writes the units of a stream into a ring, over and over, each with the time of its picture.

    rising: use the time at which the encoder was done instead. flagged: whether recovery points are flagged.
    """

    def __init__(self, producer: Producer, kind: str, rising: bool = False, flagged: bool = True) -> None:
        self.producer, self.kind, self.codec = producer, kind, KINDS[kind][0]
        self.written = 0
        self._rising, self._flagged = rising, flagged
        self._one_writes = threading.Lock()

    def time_ns(self, place: int) -> int:
        """Return the time of the unit at that place in decoding order."""
        stream = units(self.kind)
        number = place // len(stream) * len(stream) + stream[place % len(stream)].number
        return BEGIN_NS + FRAME_NS * (place if self._rising else number)

    def write(self, count: int = 1, **meta: int) -> None:
        """Write the next units. May be called from any thread."""
        with self._one_writes:
            for _ in range(count):
                unit = units(self.kind)[self.written % PERIOD]
                put(self.producer, unit, self.codec, self.time_ns(self.written), self._flagged, **meta)
                self.written += 1


def put(producer: Producer, unit: Unit, codec: Codec, capture_ns: int, flagged: bool = True, **meta: Any) -> None:
    """Write one unit into a ring."""
    recovers = flagged and unit.entry is EntryPoint.RECOVERY_POINT
    with producer.reserve() as slot:
        slot.data[: len(unit.data)] = unit.data
        slot.commit(
            len(unit.data),
            keyframe=unit.entry is not EntryPoint.NONE,
            codec=codec,
            fps=FPS,
            capture_ns=capture_ns,
            **{
                "width": WIDTH,
                "height": HEIGHT,
                "flags": Flag.RECOVERY_POINT if recovers else Flag(0),
                **meta,
            },
        )


def put_all(producer: Producer, stream: Iterable[Unit], codec: Codec, begin_ns: int, **meta: Any) -> None:
    """Write units with the times of their pictures."""
    for unit in stream:
        put(producer, unit, codec, begin_ns + unit.number * FRAME_NS, **meta)
