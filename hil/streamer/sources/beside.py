# SPDX-License-Identifier: Apache-2.0
"""Adds what a container says of its pictures to their stream, since a ring has only the stream."""

from __future__ import annotations

from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, picture_format

from ..colour import UNTOLD
from ..log import LOG
from ..metadata_filter import metadata_filter

_FULL = 2  # FFmpeg's enum AVColorRange


class Beside:
    """Writes range, matrix, primaries, transfer and aspect ratio into the parameter sets of H.264 and H.265.

    Colours are written only if the stream itself has none, since decoders believe the stream. The aspect ratio is
    always written, since players believe the container. stream: the container's, as PyAV has it.
    """

    def __init__(self, stream: Any, codec: Codec) -> None:
        self._codec = codec
        context = stream.codec_context
        self._full_range = int(context.color_range) == _FULL
        self._colours = {
            "matrix_coefficients": int(context.colorspace),
            "colour_primaries": int(context.color_primaries),
            "transfer_characteristics": int(context.color_trc),
        }
        ratio = stream.sample_aspect_ratio
        self._ratio = ratio if ratio and ratio != (context.sample_aspect_ratio or 1) else None
        self._said: dict[str, object] = {}
        self._filter: BitStreamFilterContext | None = None

    def put_into(self, unit: AccessUnit) -> AccessUnit:
        """Return the access unit, with the container's description if it is an entry point."""
        if not unit.keyframe:
            return unit
        said = self._unsaid(unit)
        if not said:
            return unit
        if said != self._said:
            self._said, self._filter = said, metadata_filter(self._codec, said)
        assert self._filter is not None
        try:
            data = b"".join(bytes(packet) for packet in self._filter.filter(av.Packet(unit.data)))
        except av.FFmpegError as error:
            LOG.warning("what the container says of colours or pixels can't be put into the stream: %s", error)
            self._full_range, self._colours, self._ratio = False, {}, None
            return unit
        return unit._replace(data=data)

    def _unsaid(self, unit: AccessUnit) -> dict[str, object]:
        told = picture_format(unit.data, self._codec)
        if told is None:
            return {}
        by_stream = {
            "matrix_coefficients": told.matrix,
            "colour_primaries": told.primaries,
            "transfer_characteristics": told.transfer,
        }
        said: dict[str, object] = {
            name: number
            for name, number in self._colours.items()
            if number != UNTOLD and by_stream[name] in (None, UNTOLD)
        }
        if self._full_range and told.full_range is None:
            said["video_full_range_flag"] = 1
        if self._ratio is not None:
            said["sample_aspect_ratio"] = f"{self._ratio.numerator}/{self._ratio.denominator}"
        return said
