# SPDX-License-Identifier: Apache-2.0
"""Encodes sound with PyAV: frames of samples in, frames for the ring out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import av

from ..encoder_settings import EncoderError
from .options import Sound

_NAMES = {"opus": "libopus", "aac": "aac"}
# ISO/IEC 13818-7, table 35: sampling_frequency_index.
_ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)


class EncodedSound(NamedTuple):
    """An encoded frame.

    data: as it is written into the ring. number: of the input frame. early: samples before that frame.
    """

    data: bytes
    number: int
    early: int


def adts(data: bytes, rate: int, channels: int) -> bytes:
    """Return an AAC-LC frame with its ADTS header (ISO/IEC 13818-7, 6.2), which tells a decoder all that it needs."""
    size = len(data) + 7
    profile, frequency, fullness = 1, _ADTS_RATES.index(rate), 0x7FF
    bits = 0xFFF1 << 40 | profile << 38 | frequency << 34 | channels << 30 | size << 13 | fullness << 2
    return bits.to_bytes(7) + data


class SoundEncoder:
    """Encodes one stream of signed 16-bit sound with interleaved channels. Raises EncoderError."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._layout = "mono" if sound.channels == 1 else "stereo"
        self._number = 0
        self._context: Any = None
        if sound.codec == "pcm":
            return
        name = _NAMES[sound.codec]
        try:
            context: Any = av.CodecContext.create(name, "w")
            context.sample_rate, context.layout = sound.rate, self._layout
            context.format = context.codec.audio_formats[0]
            context.time_base = Fraction(1, sound.rate)
            if sound.bit_rate:
                context.bit_rate = sound.bit_rate
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(f"{name}: {sound.rate} Hz, {self._layout}: {error}") from None
        if context.frame_size != sound.samples:
            raise EncoderError(f"{name}: it wants {context.frame_size} samples a frame, not {sound.samples}")
        self._context = context

    def encode(self, samples: bytes) -> list[EncodedSound]:
        """Encode the samples of one frame, and return the encoded frames that are ready. Raises EncoderError."""
        if self._context is None:
            self._number += 1
            return [EncodedSound(samples, self._number - 1, 0)]
        frame = av.AudioFrame(format="s16", layout=self._layout, samples=self._sound.samples)
        frame.planes[0].update(samples)
        frame.sample_rate, frame.time_base = self._sound.rate, Fraction(1, self._sound.rate)
        frame.pts = self._number * self._sound.samples
        self._number += 1
        return self._frames(frame)

    def flush(self) -> list[EncodedSound]:
        """Return the frames that the encoder still holds. It can't encode afterwards."""
        return self._frames(None) if self._context is not None else []

    def _frames(self, frame: av.AudioFrame | None) -> list[EncodedSound]:
        try:
            packets = self._context.encode(frame)
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(f"{self._context.name}: {error}") from None
        found = []
        for packet in packets:
            # Encoders look ahead: Opus starts some samples early, and AAC with a silent frame.
            number = -(-packet.pts // self._sound.samples)
            early = number * self._sound.samples - packet.pts
            data = bytes(packet)
            if 0 <= number < self._number:
                if self._sound.codec == "aac":
                    data = adts(data, self._sound.rate, self._sound.channels)
                found.append(EncodedSound(data, number, early))
        return found
