# SPDX-License-Identifier: Apache-2.0
"""Decodes frames of a ring to pictures with PyAV, for the other examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
import numpy
from numpy.typing import NDArray

from vshm_ctypes import Codec, Frame

DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg", Codec.AV1: "av1"}

PLANAR = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "nv12", "gray"}

Gray = NDArray[numpy.uint8]


class Decoder:
    """Decodes the frames of one stream in order, beginning with a keyframe. options are those of FFmpeg's decoder."""

    def __init__(self, codec: int, options: dict[str, str] | None = None) -> None:
        self._context: Any = av.CodecContext.create(DECODERS[Codec(codec)], "r")
        self._context.options = {"flags": "low_delay"} | (options or {})
        self._context.thread_count = 1  # several threads would delay pictures

    def decode(self, frame: Frame) -> Iterator[av.VideoFrame]:
        """Yield the pictures that this frame completes: nearly always one, and none for broken data."""
        try:
            yield from self._context.decode(av.Packet(frame.data))
        except av.error.InvalidDataError:
            return


def gray(picture: av.VideoFrame) -> Gray:
    """Return the brightness as an array of height x width, uint8, 0 to 255."""
    if picture.format.name in PLANAR:  # the first plane, without a copy
        plane = picture.planes[0]
        rows = numpy.frombuffer(memoryview(plane), numpy.uint8).reshape(plane.height, plane.line_size)
        return rows[:, : plane.width]
    return numpy.asarray(picture.to_ndarray(format="gray"), numpy.uint8)
