# SPDX-License-Identifier: Apache-2.0
"""Writes colour description and aspect ratio into the parameter sets of a stream."""

from __future__ import annotations

import io

import av
from av.bitstream import BitStreamFilterContext

from vshm_ctypes import Codec

from .colour import Colour

_NAMES = {Codec.H264: "h264", Codec.H265: "hevc"}


def metadata_filter(codec: Codec, said: dict[str, object]) -> BitStreamFilterContext:
    """Return a filter for access units in byte stream format.

    said: options of FFmpeg's h264_metadata or hevc_metadata.
    """
    name = _NAMES[codec]
    words = ":".join(f"{option}={value}" for option, value in said.items())
    with av.open(io.BytesIO(), "w", format=name) as nowhere:  # the filter takes its codec from a stream
        return BitStreamFilterContext(f"{name}_metadata={words}", nowhere.add_stream(name))


def said_of(colour: Colour) -> dict[str, object]:
    """Return a colour description as options of those filters."""
    return {
        "video_full_range_flag": int(colour.full_range),
        "matrix_coefficients": colour.matrix,
        "colour_primaries": colour.primaries,
        "transfer_characteristics": colour.transfer,
    }
