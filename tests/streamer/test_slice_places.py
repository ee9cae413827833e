# SPDX-License-Identifier: Apache-2.0
"""Where slices begin, by our reading and by FFmpeg's."""

import re
import subprocess
from typing import Any

import av
import pytest
from encoded import picture
from judges import ffmpeg

from hil.streamer.sources.slice_places import SlicePlaces
from vshm_ctypes import Codec
from vshm_ctypes.bitstream import nal_units

ENCODERS = {Codec.H264: ("libx264", "x264-params", "h264"), Codec.H265: ("libx265", "x265-params", "hevc")}
PLACE = {Codec.H264: "first_mb_in_slice", Codec.H265: "slice_segment_address"}
PICTURES = 4


def stream(codec: Codec, size: tuple[int, int], parameters: str) -> bytes:
    """Return pictures as they come out of x264 or x265."""
    name, option, _ = ENCODERS[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.options = "yuv420p", {"preset": "ultrafast", option: parameters}
    encoder.framerate = 30
    drawn = [picture(number).reformat(*size, format="yuv420p") for number in range(PICTURES)]
    for number, each in enumerate(drawn):
        each.pts = number
    return b"".join(bytes(packet) for each in [*drawn, None] for packet in encoder.encode(each))


def places_by_ffmpeg(data: bytes, codec: Codec) -> list[int]:
    """Return where each slice begins, the first of a picture left out, as FFmpeg traces it."""
    words = ["-v", "trace", "-f", ENCODERS[codec][2], "-i", "-", "-c", "copy", "-bsf:v", "trace_headers"]
    run = subprocess.run([ffmpeg(), *words, "-f", "null", "-"], input=data, capture_output=True, check=True)
    found = re.findall(rf"trace_headers.*\s{PLACE[codec]}\s.*= (\d+)$", run.stderr.decode(), re.MULTILINE)
    return [place for place in map(int, found) if place]


@pytest.mark.parametrize("size", [(320, 180), (1000, 70), (130, 2000)])
@pytest.mark.parametrize(
    ("codec", "parameters"),
    [
        (Codec.H264, "slices=5:threads=1"),
        (Codec.H264, "slice-max-size=300"),
        (Codec.H265, "slices=2:ctu=16:log-level=none"),
        (Codec.H265, "slices=3:ctu=32:keyint=1:log-level=none"),
        (Codec.H265, "slices=2:ctu=64:log-level=none"),
    ],
)
def test_a_slice_begins_where_ffmpeg_says(codec: Codec, parameters: str, size: tuple[int, int]) -> None:
    data, places = stream(codec, size, parameters), SlicePlaces(codec)
    found = [places.first(data[nal.begin : nal.end]) for nal in nal_units(data, codec)]
    expected = places_by_ffmpeg(data, codec)
    assert [place for place in found if place] == expected
    assert expected


def test_without_parameter_sets_the_place_in_h265_is_not_known() -> None:
    data = stream(Codec.H265, (320, 180), "slices=2:ctu=16:log-level=none")
    slices = [data[nal.begin : nal.end] for nal in nal_units(data, Codec.H265) if nal.kind < 32]
    places = SlicePlaces(Codec.H265)
    assert {places.first(each) for each in slices} == {0, None}
