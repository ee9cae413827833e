# SPDX-License-Identifier: Apache-2.0
"""The track of pictures in a container."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from ...bitstream import EntryPoint, nal_units
from ...codec import Codec, codec_name
from ...decodable import Picture, parameter_sets
from .presentation import Presentation, Timed
from .sink import MOST_GAP_NS, SinkError, time_ns

_DEMUXERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}
_SECOND_NS = 1_000_000_000
_TICKS = {
    "mp4": 90_000,
    "mov": 90_000,
    "mpegts": 90_000,
    "rtsp": 90_000,
    "matroska": 1000,
}  # ticks per second: 90 kHz as in RTP and MPEG, milliseconds in Matroska
_IRAP = range(16, 24)  # NAL unit types of random access pictures (H.265 table 7-1)


def _is_irap(data: bytes) -> bool:
    slices = (nal.kind for nal in nal_units(data, Codec.H265) if nal.kind < 32)
    return next(slices, 0) in _IRAP


class PictureTrack:
    """A track of pictures.

    Args:
        av: the module.
        container: the container, open for writing.
        kind: FFmpeg's name of the muxer.
        first: the first picture.
        sets_change: write H.265 into MP4 as "hev1", with parameter sets in the pictures, instead of "hvc1", with
            parameter sets in the header only, which is all that Apple's players take.

    Raises:
        SinkError: no container takes the codec.
        av.error.InvalidDataError: the data is not of its codec.
    """

    def __init__(self, av: Any, container: Any, kind: str, first: Picture, sets_change: bool = False) -> None:
        codec = first.frame.codec
        demuxer = _DEMUXERS.get(Codec(codec)) if codec in set(Codec) else None
        if demuxer is None:
            why = f"{codec_name(codec)} does not go into {kind} as pictures"
            raise SinkError(0, f"{why}: record a ring of pictures, and sound beside them with --audio")
        self._av, self._codec = av, codec
        self._in_header = kind in ("mp4", "mov") and codec == Codec.H265 and not sets_change
        # The container's header is made from the first keyframe.
        with av.open(io.BytesIO(first.data), format=demuxer) as probe:
            template = probe.streams.video[0]
            if not template.width:
                raise av.error.InvalidDataError(0, "no parameter sets")
            self._stream = container.add_stream_from_template(template)
        self._ticks = _TICKS[kind]
        self._stream.time_base = Fraction(1, self._ticks)
        tick_ns = -(-_SECOND_NS // self._ticks)
        if self._in_header:
            self._stream.codec_context.codec_tag = "hvc1"
        self._presentation: Presentation[Picture] = Presentation(
            first.format.reorder_depth if first.format is not None else 0, tick_ns
        )
        self._shape = self._shape_of(first)
        self._sets = parameter_sets(first.data, codec)
        self._is_first, self._last_dts = True, 0
        self._taken_ns = time_ns(first.frame)  # when the picture before was captured

    @property
    def begin_ns(self) -> int | None:
        """When the picture at time 0 was captured, ns; None if it is not known yet."""
        return self._presentation.begin_ns

    @staticmethod
    def _shape_of(picture: Picture) -> tuple[object, ...]:
        """Return what a container's header says for all pictures."""
        told = picture.format
        if told is None:
            return (picture.frame.codec, picture.frame.width, picture.frame.height)
        colour = (told.full_range, told.primaries, told.transfer, told.matrix)
        return (picture.frame.codec, told.width, told.height, told.chroma, told.depth, told.pixel or 1, *colour)

    def fits(self, picture: Picture) -> bool:
        """Return whether the picture agrees with the header, and its time with those before."""
        if self._shape_of(picture) != self._shape or time_ns(picture.frame) - self._taken_ns > MOST_GAP_NS:
            return False
        return not self._in_header or parameter_sets(picture.data, self._codec) <= self._sets

    def packets(self, picture: Picture) -> Iterator[Any]:
        """Take the next picture, and yield the packets that are ready."""
        # Pictures that precede an entry point in decoding order precede it in output order (ITU-T H.265 clause
        # 8.3.1). That also holds if a writer repeats a clip, so that the order count starts again unannounced.
        begins = picture.begins or picture.entry is not EntryPoint.NONE
        self._taken_ns = time_ns(picture.frame)
        return self._packets(self._presentation.take(picture, time_ns(picture.frame), picture.order, begins))

    def last_packets(self) -> Iterator[Any]:
        """Yield the remaining packets."""
        return self._packets(self._presentation.flush())

    def _packets(self, pictures: Iterable[Timed[Picture]]) -> Iterator[Any]:
        for timed in pictures:
            packet = self._av.Packet(timed.picture.data)
            packet.stream, packet.time_base = self._stream, Fraction(1, self._ticks)
            packet.pts, packet.dts = (round(ns * self._ticks / _SECOND_NS) for ns in (timed.pts_ns, timed.dts_ns))
            packet.duration = packet.dts - self._last_dts  # that of the previous packet, until the next one is known
            self._last_dts = packet.dts
            packet.is_keyframe = self._is_first or self._is_sync(timed.picture)
            self._is_first = False
            yield packet

    def _is_sync(self, picture: Picture) -> bool:
        """Return whether players may seek to the picture.

        By ISO/IEC 14496-15 that is an IDR picture, and in H.265 a CRA or BLA picture, but not a gradual refresh.
        """
        if picture.entry is EntryPoint.RECOVERY_POINT:
            return self._codec == Codec.H265 and _is_irap(picture.data)
        return picture.entry is EntryPoint.IDR
