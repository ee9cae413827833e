# SPDX-License-Identifier: Apache-2.0
"""Fragmented MP4, as Media Source Extensions take it: one fragment a frame, without encoding anything anew."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

from ...frame import Codec, Frame
from ..sink import time_ns

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
    """Of one stream, beginning with a keyframe. A fragment comes out with the frame after: only then it has a length.

    first_ns: what the first frame's time zero is on CLOCK_MONOTONIC. Raises ImportError, KeyError: a codec that MP4
    does not take, OSError.
    """

    def __init__(self, keyframe: Frame) -> None:
        import av

        self._av = av
        self._written = _Written()
        self.first_ns = time_ns(keyframe)
        self._last_pts = -1
        with av.open(io.BytesIO(keyframe.data), format=DEMUXERS[Codec(keyframe.codec)]) as probe:
            self._container: Any = av.open(self._written, "w", format="mp4", options=OPTIONS)
            self._stream = self._container.add_stream_from_template(probe.streams.video[0])
        self._container.start_encoding()
        self.head = self._written.take()

    def add(self, frame: Frame) -> bytes:
        """One more frame; the fragments that are complete now."""
        packet = self._av.Packet(frame.data)
        packet.stream, packet.time_base = self._stream, Fraction(1, TICKS)
        self._last_pts = max((time_ns(frame) - self.first_ns) * TICKS // 10**9, self._last_pts + 1)
        packet.pts = packet.dts = self._last_pts
        packet.is_keyframe = frame.is_keyframe
        self._container.mux(packet)
        return self._written.take()

    def close(self) -> None:
        """No more comes."""
        self._container.close()
