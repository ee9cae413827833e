# SPDX-License-Identifier: Apache-2.0
"""Prepares the sound of a ring for a browser."""

from __future__ import annotations

from typing import Any

from ...audio import AudioFormat
from ...bitstream import EntryPoint
from ...codec import Codec, codec_name
from ...decodable import Picture
from ...frame import Frame
from .pictures import Part

SOUND = (Codec.PCM_S16LE, Codec.AAC, Codec.OPUS)
NO_ADTS = "What the producer writes is no AAC with an ADTS header, which a ring has."


def _codec_string(frame: Frame) -> str | None:
    """Return the codec string of WebCodecs, or None for AAC without an ADTS header (ISO/IEC 13818-7 clause 6.2)."""
    if frame.codec == Codec.AAC:
        if frame.size < 7 or frame.data[0] != 0xFF or frame.data[1] & 0xF6 != 0xF0:
            return None
        return f"mp4a.40.{(frame.data[2] >> 6) + 1}"
    return "opus" if frame.codec == Codec.OPUS else "pcm-s16"


class Sound:
    """The sound of a ring. Every frame is an entry point.

    Attributes:
        waits: why there is nothing for the decoder yet; empty if there is.
    """

    def __init__(self) -> None:
        self.waits = ""
        self._told: tuple[AudioFormat, str] | None = None

    def take(self, frame: Frame) -> Part | None:
        """Take the next frame. Returns None if there is nothing in it for the decoder."""
        codec_string, audio = _codec_string(frame), frame.audio
        if codec_string is None or audio is None:
            self.waits = NO_ADTS
            return None
        self.waits = ""
        begins = self._begins(frame, audio, codec_string)
        return Part(Picture(frame, frame.data, EntryPoint.IDR, None, None, begins is not None), begins)

    def skip(self) -> None:
        """Do nothing: no other frame refers to the one that was not passed on."""

    def _begins(self, frame: Frame, audio: AudioFormat, codec_string: str) -> dict[str, Any] | None:
        now = (audio._replace(samples=0), codec_string)
        if now == self._told and not frame.discontinuity:
            return None
        self._told = now
        return {
            "media": "audio",
            "codec": codec_name(frame.codec),
            "codec_string": codec_string,
            "sample_rate": audio.sample_rate,
            "channels": audio.channels,
        }
