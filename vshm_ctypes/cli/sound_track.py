# SPDX-License-Identifier: Apache-2.0
"""The sound in a recording's container."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..frame import Codec, Frame
from .sink import SinkError, time_ns

# An encoder is opened for what a container's header needs to know of the stream; nothing is encoded by it.
_ENCODERS = {Codec.PCM_S16LE: "pcm_s16le", Codec.AAC: "aac", Codec.OPUS: "libopus"}
MP4_MOST_HZ = 65535  # its sample entry has 16 bits for it (ISO/IEC 14496-12 clause 12.2.3)
TREMBLES = 100  # times of capture by at most that part of a second
_LAYOUTS = {1: "mono", 2: "stereo"}


def _bare(frame: Frame) -> bytes:
    """The payload as containers have it: of AAC without the ADTS header, 7 bytes, or 9 with a checksum."""
    if frame.codec != Codec.AAC:
        return frame.data
    if frame.size < 9 or frame.data[0] != 0xFF or frame.data[1] & 0xF6 != 0xF0:
        raise SinkError(0, f"sound frame {frame.number} is no AAC with an ADTS header: look at the writer")
    return frame.data[7 if frame.data[1] & 1 else 9 :]


class SoundTrack:
    """A stream of sound in a container. first: a frame of it. Raises SinkError: no container takes it."""

    def __init__(self, container: Any, first: Frame) -> None:
        self._format = (first.codec, first.audio and first.audio[:2])
        sound = first.audio
        if sound is None or first.codec not in _ENCODERS or not sound.sample_rate or sound.channels not in _LAYOUTS:
            raise SinkError(0, f"{sound or 'pictures'} of codec {first.codec}: not a sound that a recording can have")
        self._rate = sound.sample_rate
        if container.format.name == "mp4" and first.codec == Codec.PCM_S16LE and self._rate > MP4_MOST_HZ:
            advice = "record to .mkv, or let the sound be encoded"
            raise SinkError(
                0, f"PCM of {self._rate} Hz does not go into .mp4, which says up to {MP4_MOST_HZ}: {advice}"
            )
        name, layout = _ENCODERS[Codec(first.codec)], _LAYOUTS[sound.channels]
        self._stream = container.add_stream(name, rate=self._rate, layout=layout)
        self._next: int | None = None  # the sample that follows the last one
        self._last = -1

    def packet(self, av: Any, frame: Frame, begin_ns: int) -> Any:
        """To be muxed. begin_ns: time zero of the recording; frames from before it are None. Raises SinkError."""
        if self._format != (frame.codec, frame.audio and frame.audio[:2]) or frame.audio is None:
            raise SinkError(0, "the sound's codec, rate or channels changed: record into a new file")
        at = round((time_ns(frame) - begin_ns) * self._rate / 1_000_000_000)
        if at < 0:
            return None
        # Times of capture tremble, samples do not. What is off by more is a gap, or the card's clock runs differently.
        if self._next is not None and abs(at - self._next) <= min(frame.audio.samples // 2, self._rate // TREMBLES):
            at = self._next
        at = max(at, self._last + 1)
        packet = av.Packet(_bare(frame))
        packet.stream, packet.time_base = self._stream, Fraction(1, self._rate)
        packet.pts = packet.dts = at
        packet.duration = frame.audio.samples
        packet.is_keyframe = True
        self._last, self._next = at, at + frame.audio.samples
        return packet
