# SPDX-License-Identifier: Apache-2.0
"""Rings with sound to record."""

import functools

import numpy

from hil.streamer.sound.encoder import SoundEncoder
from hil.streamer.sound.options import CODECS, Sound
from vshm_ctypes import AudioFormat, Producer

MS = 1_000_000
BEGIN_NS = 5_000 * MS
TONE_MS = (300, 1400)  # when tones of 100 ms begin, from the first picture on


@functools.cache
def frames_of_sound(codec: str, rate: int, begin_ms: int) -> tuple[tuple[int, bytes], ...]:
    """Return (time of capture in ns, payload) of 2.5 seconds that begin so many ms after the first picture."""
    sound = Sound("testaudio", codec=codec, rate=rate, channels=1)  # type: ignore[arg-type]
    encoder = SoundEncoder(sound)
    times_ms = begin_ms + numpy.arange(rate * 5 // 2) * 1000 / rate
    loud = numpy.any([(times_ms >= tone) & (times_ms < tone + 100) for tone in TONE_MS], axis=0)
    samples = (numpy.where(loud, numpy.sin(2 * numpy.pi * times_ms), 0) * 16000).astype("<i2").tobytes()
    found = []
    for at in range(0, len(samples) - sound.frame_bytes + 1, sound.frame_bytes):
        found += encoder.encode(samples[at : at + sound.frame_bytes])
    begin_ns = BEGIN_NS + begin_ms * MS
    return tuple(
        (begin_ns + (one.number * sound.samples - one.early) * 1_000_000_000 // rate, one.data)
        for one in found + encoder.flush()
    )


def write_sound(producer: Producer, codec: str, rate: int, begin_ms: int, but: range = range(0)) -> int:
    samples = 1024 if codec == "aac" else rate // 50
    frames = frames_of_sound(codec, rate, begin_ms)
    for number, (capture_ns, data) in enumerate(frames):
        if number not in but:
            with producer.reserve() as slot:
                slot.data[: len(data)] = data
                meta = AudioFormat(rate, 1, samples).meta()
                slot.commit(len(data), codec=CODECS[codec], capture_ns=capture_ns, **meta)
    return sum(number not in but for number in range(len(frames)))
