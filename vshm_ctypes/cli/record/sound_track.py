# SPDX-License-Identifier: Apache-2.0
"""The track of sound in a container."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from ...codec import Codec, codec_name
from ...decodable import Picture
from ...frame import Frame
from .. import units
from .sink import MOST_GAP_NS, SinkError, time_ns

# Encoders are opened only to fill in the container's header; they encode nothing.
_ENCODERS = {Codec.PCM_S16LE: "pcm_s16le", Codec.AAC: "aac", Codec.OPUS: "libopus"}
MP4_MOST_HZ = 65535  # an MP4 sample entry has 16 bits for the sample rate (ISO/IEC 14496-12 clause 12.2.3)
TREMBLES = 100  # times of capture jitter by at most 1/TREMBLES s
MOST_SILENCE_S = 3600  # at most so much silence fills a gap
# By number of channels: FFmpeg's name. PCM of more is often that of an array of microphones, whatever it is called.
_LAYOUTS = {1: "mono", 2: "stereo"}
_MORE_OF_PCM = {3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def _bare(frame: Frame, is_rtp: bool) -> bytes:
    """Return the payload for a container: AAC without its ADTS header of 7 bytes, or of 9 with a checksum.

    RTP has PCM with the high byte first (RFC 3551 clause 4.5.11).
    """
    if frame.codec == Codec.PCM_S16LE and is_rtp:
        samples = array("h", frame.data[: len(frame.data) & ~1])
        samples.byteswap()
        return samples.tobytes()
    if frame.codec != Codec.AAC:
        return frame.data
    if frame.size < 9 or frame.data[0] != 0xFF or frame.data[1] & 0xF6 != 0xF0:
        raise SinkError(0, f"sound frame {frame.number} is no AAC with an ADTS header: look at the writer")
    return frame.data[7 if frame.data[1] & 1 else 9 :]


class SoundTrack:
    """A track of sound; first is any of its frames. is_file: more than two channels of PCM may be kept.

    Raises SinkError if no container takes the format.
    """

    def __init__(self, container: Any, first: Frame, is_file: bool = False) -> None:
        self._format = (first.codec, first.audio and first.audio[:2])
        sound = first.audio
        layouts = _LAYOUTS | (_MORE_OF_PCM if is_file and first.codec == Codec.PCM_S16LE else {})
        if sound is None or first.codec not in _ENCODERS or not sound.sample_rate or sound.channels not in layouts:
            what = f"{codec_name(first.codec)} {units.stream(first.width, first.height, sound)}"
            raise SinkError(0, f"{what}: not a sound that a recording can have")
        self._rate = sound.sample_rate
        if container.format.name in ("mp4", "mov") and first.codec == Codec.PCM_S16LE and self._rate > MP4_MOST_HZ:
            advice = "record to .mkv or .wav, or let the sound be encoded"
            limit = f"does not go into .{container.format.name}, which says up to {MP4_MOST_HZ}"
            raise SinkError(0, f"PCM of {self._rate} Hz {limit}: {advice}")
        self._is_rtp = container.format.name == "rtsp"
        name, layout = _ENCODERS[Codec(first.codec)], layouts[sound.channels]
        if self._is_rtp and first.codec == Codec.PCM_S16LE:
            name = "pcm_s16be"
        self._stream = container.add_stream(name, rate=self._rate, layout=layout)
        self._next: int | None = None  # number of the sample after the last one
        self._last = -1
        self._taken_ns: int | None = None  # when the frame before was captured

    def fits(self, frame: Frame) -> bool:
        """Return whether the frame has the codec, sample rate and channels of the track."""
        return self._format == (frame.codec, frame.audio and frame.audio[:2])

    def reaches(self, frame: Frame) -> bool:
        """Return whether the pause before the frame is one that a container can tell."""
        return self._taken_ns is None or time_ns(frame) - self._taken_ns <= MOST_GAP_NS

    def packet(self, av: Any, frame: Frame, begin_ns: int) -> Any:
        """Return a packet to mux, or None for a frame from before begin_ns, time 0 of the file. Raises SinkError."""
        if not self.fits(frame) or frame.audio is None:
            raise SinkError(0, "the sound's codec, rate or channels changed: record into a new file")
        at = round((time_ns(frame) - begin_ns) * self._rate / 1_000_000_000)
        if at < 0:
            return None
        # Times of capture jitter, sample counts do not. A larger difference is a gap, or drift of the card's clock.
        if self._next is not None and abs(at - self._next) <= min(frame.audio.samples // 2, self._rate // TREMBLES):
            at = self._next
        at = max(at, self._last + 1)
        packet = av.Packet(_bare(frame, self._is_rtp))
        packet.stream, packet.time_base = self._stream, Fraction(1, self._rate)
        packet.pts = packet.dts = at
        packet.duration = frame.audio.samples
        packet.is_keyframe = True
        self._last, self._next, self._taken_ns = at, at + frame.audio.samples, time_ns(frame)
        return packet


class SoundAlone:
    """The track of a recording of sound only, with the methods of PictureTrack. Raises SinkError."""

    def __init__(self, av: Any, container: Any, first: Picture) -> None:
        self._av, self._track = av, SoundTrack(container, first.frame, is_file=True)
        self.begin_ns = time_ns(first.frame)
        self._is_untimed = container.format.name == "wav"  # WAV has no timestamps, so a gap must be filled
        self._next = 0  # number of the sample after the last packet

    def fits(self, picture: Picture) -> bool:
        """Return whether the frame can follow those before in one file."""
        return self._track.fits(picture.frame) and self._track.reaches(picture.frame)

    def packets(self, picture: Picture) -> Iterator[Any]:
        """Yield the frame's packet; in a container without timestamps, silence first to fill a gap."""
        packet = self._track.packet(self._av, picture.frame, self.begin_ns)
        if packet is None:
            return
        if self._is_untimed and packet.pts > self._next:
            yield from self._silence(packet, picture.frame)
        self._next = packet.pts + packet.duration
        yield packet

    def _silence(self, packet: Any, frame: Frame) -> Iterator[Any]:
        assert frame.audio is not None
        rate, channels = frame.audio.sample_rate, frame.audio.channels
        end = min(packet.pts, self._next + MOST_SILENCE_S * rate)
        for begin in range(self._next, end, rate):
            samples = min(rate, end - begin)
            silent = self._av.Packet(bytes(samples * channels * 2))
            silent.stream, silent.time_base = packet.stream, packet.time_base
            silent.pts = silent.dts = begin
            silent.duration, silent.is_keyframe = samples, True
            yield silent

    def last_packets(self) -> Iterator[Any]:
        """Return no packets, as none are pending."""
        return iter(())
