# SPDX-License-Identifier: Apache-2.0
"""Fragmented MP4, as Media Source Extensions take it: one fragment a frame, without encoding anything anew."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Any

from ...bitstream import EntryPoint
from ...frame import Codec, Frame
from ..sink import SinkError, time_ns
from ..sound_track import SoundTrack

DEMUXERS = {Codec.H264: "h264", Codec.H265: "hevc"}
TICKS = 90_000  # a second
OPTIONS = {
    "movflags": "empty_moov+default_base_moof+frag_every_frame",
    "video_track_timescale": str(TICKS),
    "flush_packets": "1",
}


class _Written:
    """Where the muxer writes to."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        """What the muxer calls."""
        self._data += data
        return len(data)

    def take(self) -> bytes:
        """What came since the last time."""
        data, self._data = bytes(self._data), bytearray()
        return data


class Fragments:
    """Of one stream, beginning with an entry point, or with a frame of sound. frame, data: the first; data of a picture
    has its parameter sets.

    A fragment comes out with the frame after: only then it has a length. first_ns: what the first frame's time zero is
    on CLOCK_MONOTONIC. Raises ImportError, SinkError.
    """

    def __init__(self, frame: Frame, data: bytes) -> None:
        import av

        self._av = av
        self._written = _Written()
        self.first_ns = time_ns(frame)
        self._last_pts = -1
        self._under_way: tuple[Frame, EntryPoint] | None = None
        self._container: Any = av.open(self._written, "w", format="mp4", options=OPTIONS)
        self._sound: SoundTrack | None = None
        with self._errors_told():
            self._add_stream(frame, data)
            self._container.start_encoding()
        self.head = self._written.take()

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except self._av.error.FFmpegError as error:
            raise SinkError(0, f"the muxer says: {error.strerror}") from None

    def _add_stream(self, frame: Frame, data: bytes) -> None:
        if frame.audio is not None:
            self._sound = SoundTrack(self._container, frame)
            return
        with self._av.open(io.BytesIO(data), format=DEMUXERS[Codec(frame.codec)]) as probe:
            self._stream = self._container.add_stream_from_template(probe.streams.video[0])
        if frame.codec == Codec.H265:
            self._stream.codec_tag = "hvc1"  # the name that all browsers take; hev1 some do not

    def add(self, frame: Frame, entry: EntryPoint, data: bytes) -> Iterator[tuple[Frame, EntryPoint, bytes]]:
        """One more frame; the fragments that are complete now, each with the frame that it is of. Raises SinkError."""
        with self._errors_told():
            self._container.mux(self._packet(frame, entry, data))
        before, self._under_way = self._under_way, (frame, entry)
        written = self._written.take()
        if before is not None and written:
            yield (*before, written)

    def _packet(self, frame: Frame, entry: EntryPoint, data: bytes) -> Any:
        if self._sound is not None:
            return self._sound.packet(self._av, frame, self.first_ns)
        packet = self._av.Packet(data)
        packet.stream, packet.time_base = self._stream, Fraction(1, TICKS)
        self._last_pts = max((time_ns(frame) - self.first_ns) * TICKS // 10**9, self._last_pts + 1)
        packet.pts = packet.dts = self._last_pts
        packet.is_keyframe = entry is not EntryPoint.NONE
        return packet

    def close(self) -> None:
        """No more comes."""
        with suppress(self._av.error.FFmpegError):
            self._container.close()
