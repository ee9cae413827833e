# SPDX-License-Identifier: Apache-2.0
"""Streams as other encoders make them: x264 and x265 with other settings, and sound; and rings that play them."""

import functools
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
import numpy

from hil.streamer.sound.encoder import SoundEncoder
from hil.streamer.sound.options import Sound, SoundCodec
from vshm_ctypes import AudioFormat, Codec, Producer
from vshm_ctypes.bitstream import EntryPoint, entry_point, nal_units

WIDTH, HEIGHT, FPS, GOP = 160, 120, 25, 10
Units = tuple[tuple[bytes, bool, int], ...]

_SETS = {Codec.H264: (7, 8), Codec.H265: (32, 33, 34)}
_NAMES = {Codec.H264: ("libx264", "x264-params", "annexb=1"), Codec.H265: ("libx265", "x265-params", "log-level=none")}


def _picture(number: int, width: int, height: int, pixels: str) -> av.VideoFrame:
    picture = numpy.full((height * 3 // 2, width), 128, numpy.uint8)
    picture[:height] = 40 + number % 8 * 20
    at = number * 8 % (width - 16)
    picture[height // 2 : height, at : at + 16] = 235
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p").reformat(format=pixels)
    frame.pts = number
    return frame


@functools.cache
def encoded(
    own: str,
    codec: Codec = Codec.H264,
    count: int = 60,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    pixels: str = "yuv420p",
    **options: str,
) -> Units:
    """Return (access unit, whether the encoder calls it a keyframe, time) of each picture, in decoding order.

    own: options of the encoder itself, joined by colons.
    """
    name, words, always = _NAMES[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.time_base, encoder.framerate = pixels, Fraction(1, FPS), Fraction(FPS)
    gop = f"keyint={GOP}:min-keyint={GOP}:scenecut=0"
    encoder.options = {"preset": "ultrafast", words: f"{always}:{gop}:{own}"} | options
    packets = []
    for number in range(count):
        packets += encoder.encode(_picture(number, *size, pixels))
    packets += encoder.encode(None)
    return tuple((bytes(packet), packet.is_keyframe, packet.pts) for packet in packets)


def without_sets(units: Units, codec: Codec = Codec.H264) -> Units:
    """Return the same units without parameter sets."""
    return tuple((_but(data, codec, _SETS[codec]), key, at) for data, key, at in units)


def sets_of(units: Units, codec: Codec = Codec.H264) -> bytes:
    """Return the parameter sets of the first picture."""
    data = units[0][0]
    return b"".join(data[nal.begin : nal.end] for nal in nal_units(data, codec) if nal.kind in _SETS[codec])


def _but(data: bytes, codec: Codec, kinds: Sequence[int]) -> bytes:
    return b"".join(data[nal.begin : nal.end] for nal in nal_units(data, codec) if nal.kind not in kinds)


def from_first_recovery_point(units: Units, codec: Codec = Codec.H264) -> Units:
    """Return the stream as a late reader gets it: it begins at an entry point that is not an IDR, and has no IDR."""
    entries = [entry_point(data, codec) for data, _, _ in units]
    begin, sets = entries.index(EntryPoint.RECOVERY_POINT), sets_of(units, codec)
    assert EntryPoint.IDR not in entries[begin:]
    return tuple((sets + data if key else data, key, at) for data, key, at in units[begin:])


RATE, CHANNELS = 48000, 2
SOUND_CODECS: dict[SoundCodec, Codec] = {"opus": Codec.OPUS, "aac": Codec.AAC, "pcm": Codec.PCM_S16LE}


@functools.cache
def sound(codec: SoundCodec, count: int = 50) -> Units:
    """Return a tone of 440 Hz, in frames as camera-streamer writes them."""
    made = Sound("testaudio", codec=codec, rate=RATE, channels=CHANNELS)
    encoder = SoundEncoder(made)
    units = []
    for number in range(count):
        at = numpy.arange(number * made.samples, (number + 1) * made.samples)
        tone = (numpy.sin(at * (440 * 2 * numpy.pi / RATE)) * 8000).astype("<i2")
        units += encoder.encode(numpy.repeat(tone, CHANNELS).tobytes())
    return tuple((unit.data, True, unit.number) for unit in units)


@contextmanager
def playing(
    ring: str, units: Units, *, interval_s: float = 1 / FPS, again: bool = True, slots: int = 100, **meta: int
) -> Iterator[Producer]:
    """Write the units into a ring in real time. again: start over after the last one. meta: arguments of write()."""
    over = threading.Event()
    told: dict[str, Any] = {"codec": Codec.H264, "width": WIDTH, "height": HEIGHT, "fps": FPS} | meta

    def play(producer: Producer) -> None:
        begin = time.monotonic()
        for number, (data, key, _) in enumerate(itertools.cycle(units) if again else units):
            if over.wait(max(0.0, begin + number * interval_s - time.monotonic())):
                return
            producer.write(data, keyframe=key, **told)

    with Producer(ring, slots=slots) as producer:
        thread = threading.Thread(target=play, args=(producer,))
        thread.start()
        try:
            yield producer
        finally:
            over.set()
            thread.join()


@contextmanager
def playing_sound(ring: str, codec: SoundCodec, units: Units | None = None) -> Iterator[Producer]:
    """Write sound into a ring in real time; units replace the tone."""
    samples = Sound("testaudio", codec=codec, rate=RATE, channels=CHANNELS).samples
    told = AudioFormat(RATE, CHANNELS, samples).meta()
    meta = {"width": told["width"], "height": told["height"], "fps": told["fps"], "codec": SOUND_CODECS[codec]}
    with playing(ring, units or sound(codec), interval_s=samples / RATE, **meta) as producer:  # type: ignore[arg-type]
        yield producer
