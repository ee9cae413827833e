# SPDX-License-Identifier: Apache-2.0
"""The pictures in a recording's container."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from ...bitstream import EntryPoint, nal_units
from ...frame import Codec, codec_name
from ..decodable import Picture, parameter_sets
from .presentation import Presentation, Timed
from .sink import SinkError, time_ns

_DEMUXERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}
_SECOND_NS = 1_000_000_000
_TICKS = {
    "mp4": 90_000,
    "mov": 90_000,
    "mpegts": 90_000,
    "matroska": 1000,
}  # a second: those of RTP and of MPEG; those that Matroska has
_IRAP = range(16, 24)  # NAL unit types of H.265 at which decoding can begin, whatever comes before (table 7-1)


def _is_irap(data: bytes) -> bool:
    slices = (nal.kind for nal in nal_units(data, Codec.H265) if nal.kind < 32)
    return next(slices, 0) in _IRAP


class PictureTrack:
    """A stream of pictures in a container. kind: FFmpeg's muxer. first: its first picture.

    sets_change: H.265 in MP4 is "hev1", whose pictures bring their parameter sets along; else "hvc1", which has them in
    the header alone: Apple's players take no other.

    Raises SinkError: no container takes it; av.error.InvalidDataError: it is not what its codec says.
    """

    def __init__(self, av: Any, container: Any, kind: str, first: Picture, sets_change: bool = False) -> None:
        codec = first.frame.codec
        demuxer = _DEMUXERS.get(Codec(codec)) if codec in set(Codec) else None
        if demuxer is None:
            why = f"{codec_name(codec)} does not go into {kind} as pictures"
            raise SinkError(0, f"{why}: record a ring of pictures, and sound beside them with --audio")
        self._av, self._codec = av, codec
        self._in_header = kind in ("mp4", "mov") and codec == Codec.H265 and not sets_change
        # What a container's header needs to know of the stream is in its first keyframe.
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

    @property
    def begin_ns(self) -> int | None:
        """When the picture at time 0 was captured; None: it is not known yet."""
        return self._presentation.begin_ns

    @staticmethod
    def _shape_of(picture: Picture) -> tuple[object, ...]:
        """What a container says once for all its pictures."""
        told = picture.format
        if told is None:
            return (picture.frame.codec, picture.frame.width, picture.frame.height)
        colour = (told.full_range, told.primaries, told.transfer, told.matrix)
        return (picture.frame.codec, told.width, told.height, told.chroma, told.depth, told.pixel or 1, *colour)

    def fits(self, picture: Picture) -> bool:
        """Whether the picture belongs to what the header says."""
        if self._shape_of(picture) != self._shape:
            return False
        return not self._in_header or parameter_sets(picture.data, self._codec) <= self._sets

    def packets(self, picture: Picture) -> Iterator[Any]:
        """Those that are due with the next picture."""
        # What is decoded before an entry point is shown before it (ITU-T H.265 clause 8.3.1). So it is where a writer
        # plays a piece again and the counting goes back without a word.
        begins = picture.begins or picture.entry is not EntryPoint.NONE
        return self._packets(self._presentation.take(picture, time_ns(picture.frame), picture.order, begins))

    def last_packets(self) -> Iterator[Any]:
        """The rest."""
        return self._packets(self._presentation.flush())

    def _packets(self, pictures: Iterable[Timed[Picture]]) -> Iterator[Any]:
        for timed in pictures:
            packet = self._av.Packet(timed.picture.data)
            packet.stream, packet.time_base = self._stream, Fraction(1, self._ticks)
            packet.pts, packet.dts = (round(ns * self._ticks / _SECOND_NS) for ns in (timed.pts_ns, timed.dts_ns))
            packet.duration = packet.dts - self._last_dts  # as that of the one before, until the next one tells
            self._last_dts = packet.dts
            packet.is_keyframe = self._is_first or self._is_sync(timed.picture)
            self._is_first = False
            yield packet

    def _is_sync(self, picture: Picture) -> bool:
        """Whether players may seek to it: ISO/IEC 14496-15 allows IDR, and in H.265 CRA and BLA pictures.

        Not where a picture becomes whole little by little.
        """
        if picture.entry is EntryPoint.RECOVERY_POINT:
            return self._codec == Codec.H265 and _is_irap(picture.data)
        return picture.entry is EntryPoint.IDR
