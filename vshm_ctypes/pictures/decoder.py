# SPDX-License-Identifier: Apache-2.0
"""Decodes access units by PyAV, and hands out whole pictures only."""

from __future__ import annotations

from typing import Any

from ..bitstream import nal_units
from ..codec import Codec
from .packages import not_installed

try:
    import av
    from av.codec.context import Flags
except ModuleNotFoundError as error:
    raise not_installed(error) from None

DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg", Codec.AV1: "libdav1d"}
# The decoder of H.264 marks pictures in which it has concealed errors. The others say nothing, unless they are told to
# stop at errors. That of H.264 would then refuse valid streams that it enters at a recovery point.
_STOPS_AT_ERRORS = {"err_detect": "explode"}
_FULL_RANGE = 2  # as JFIF prescribes (ITU-T T.871, clause 7); FFmpeg's decoder does not say so of grey
_H265_NEEDED = range(35)  # NAL unit types of slices and parameter sets (table 7-1)


class Decoder:
    """Decodes the access units of one codec in order. Pictures come out in output order, as soon as that is known.

    options: of FFmpeg's decoder, by name.

    It has one thread. With several for as many pictures, one may come out before it is known that the picture to which
    it refers is damaged; with several for the slices of a picture, FFmpeg does not mark what is missing.
    """

    def __init__(self, codec: Codec, options: dict[str, str]) -> None:
        self._context: Any = av.CodecContext.create(DECODERS[codec], "r")
        self._context.thread_count = 1
        # Without it columns that the stream crops away on the left are shown, and pictures are wider than it says.
        self._context.flags |= Flags.unaligned
        self._context.options = (_STOPS_AT_ERRORS if codec != Codec.H264 else {}) | options
        self._codec = codec
        self._without_messages = False

    def decode(self, data: bytes, number: int) -> list[Any] | None:
        """Return the pictures that this unit completes, PyAV's, with the number of their unit as their pts.

        A picture in which errors were concealed has is_corrupt set. Returns None if the unit is damaged, after which
        restart() has to be called.
        """
        if self._without_messages:
            needed = (nal for nal in nal_units(data, self._codec) if nal.kind in _H265_NEEDED)
            data = b"".join(data[nal.begin : nal.end] for nal in needed)
        packet: Any = av.Packet(data)
        packet.pts = packet.dts = number
        try:
            pictures: list[Any] = self._context.decode(packet)
        except av.FFmpegError:
            return None
        if self._codec == Codec.JPEG:
            for picture in pictures:
                picture.color_range = _FULL_RANGE
        return pictures

    def drain(self) -> list[Any]:
        """Return the pictures that are held back, and begin anew."""
        try:
            return self._context.decode(None)  # type: ignore[no-any-return]
        except av.FFmpegError:
            return []
        finally:
            self._context.flush_buffers()

    def restart(self) -> None:
        """Begin anew after a damaged unit, without the pictures that are held back.

        What the decoder of H.265 objected to may have been a message that no picture needs, as x265 writes some, so
        after each error it is spared them, or given them again.
        """
        self._context.flush_buffers()
        self._without_messages = self._codec == Codec.H265 and not self._without_messages
