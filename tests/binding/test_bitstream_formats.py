# SPDX-License-Identifier: Apache-2.0
"""What streams say of their pictures, held against what libavcodec makes of them."""

from fractions import Fraction
from typing import Any

import av
import pytest
from corpus.bits import Bits
from corpus.table import Stream, streams
from nal_writer import SPS5, picture5, pps, slice_, sps, vps5

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import PictureFormat, Splitter, picture_format

CODECS = {"h264": Codec.H264, "h265": Codec.H265}
DECODERS = {"h264": "h264", "h265": "hevc"}
UNALIGNED = 1  # AV_CODEC_FLAG_UNALIGNED


def units_of(stream: Stream) -> list[bytes]:
    splitter = Splitter(CODECS[stream.codec])
    return [unit.data for unit, _ in [*splitter.feed(stream.data), *splitter.flush()]]


def told_by(stream: Stream) -> PictureFormat:
    """Return the format from the first access unit that tells it."""
    told = (picture_format(data, CODECS[stream.codec]) for data in units_of(stream))
    return next(one for one in told if one is not None)


@pytest.mark.parametrize("stream", [one for one in streams() if one.frames and "begins" not in one.name], ids=str)
def test_size_rate_colour_samples_and_reordering_are_those_of_the_decoder(stream: Stream) -> None:
    decoder: Any = av.CodecContext.create(DECODERS[stream.codec], "r")
    decoder.flags |= UNALIGNED  # else it cuts off less on the left than the stream says
    decoder.thread_count = 1
    pictures = [picture for data in units_of(stream) for picture in decoder.decode(av.Packet(data))]
    first = (pictures + decoder.decode(None))[0]
    told = told_by(stream)
    assert (told.width, told.height) == (first.width, first.height)
    assert told.fps == (float(decoder.framerate) if decoder.framerate else None)
    assert first.color_range in {None: (0, 1), False: (1,), True: (2,)}[told.full_range]
    assert first.colorspace == (told.matrix if told.matrix is not None else 2)
    assert told.pixel == (decoder.sample_aspect_ratio or None)  # 0 since PyAV 19
    components = first.format.components
    assert told.depth == components[0].bits
    halved = (first.format.chroma_width(64) == 32, first.format.chroma_height(64) == 32)
    shown = {(True, True): 1, (True, False): 2, (False, False): 3}[halved] if len(components) > 1 else 0
    assert told.chroma == (shown if "grey" not in stream.name else 0)  # of H.264's it makes 4:2:0
    assert bool(decoder.has_b_frames) <= told.reorders
    if told.reorder_depth is not None:
        assert bool(decoder.has_b_frames) == told.reorders


def test_the_sequence_that_a_picture_is_under_counts() -> None:
    """Several are sent, as in streams that change between them."""
    several = sps(number=0, size=(10, 6)) + sps(number=3, size=(20, 15)) + pps(0, 0) + pps(1, 3)
    for pps_id, size in ((0, (160, 96)), (1, (320, 240))):
        told = picture_format(several + slice_(kind=5, reference=3, pps_id=pps_id, lsb=0), Codec.H264)
        assert told is not None
        assert (told.width, told.height) == size


def test_a_damaged_end_of_the_vui_spoils_no_more_than_itself() -> None:
    cut = Bits().u(2, 0).u(1, 1).u(3, 5).u(1, 1).u(1, 1).u(8, 9).u(8, 16).u(8, 9).u(1, 0).u(1, 1).u(16, 0)
    told = picture_format(sps(100, vui=cut), Codec.H264)
    assert told == PictureFormat(160, 96, None, True, 9, 16, 9, None, "avc1.64001E", 1, 8)


def test_a_video_parameter_set_tells_the_rate_where_no_other_does() -> None:
    told = picture_format(vps5(1001, 60000) + SPS5, Codec.H265)
    assert told == PictureFormat(64, 64, 60000 / 1001, None, None, None, None, 2, "hev1.1.6.L93.90", 1, 8)
    assert picture_format(picture5(1, 3), Codec.H265) is None


@pytest.mark.parametrize(("units", "scale"), [(0, 0), (0, 90000), (1, 90000), (2**32 - 1, 1)])
def test_a_rate_that_makes_no_sense_is_not_told(units: int, scale: int) -> None:
    vui = Bits().u(4, 0).u(1, 1).u(32, units).u(32, scale).u(1, 1).u(4, 0)
    for told in (picture_format(sps(vui=vui), Codec.H264), picture_format(vps5(units, scale) + SPS5, Codec.H265)):
        assert told is not None
        assert told.fps is None


def test_what_browsers_call_a_codec() -> None:
    main = SPS5.replace(b"\x90", b"\xb0", 1)  # as in the standard's own example: hev1.1.6.L93.B0
    told = [picture_format(data, Codec.H265) for data in (SPS5, main)]
    told.append(picture_format(sps(66, constraints=0xC0), Codec.H264))
    assert [one and one.codec_string for one in told] == ["hev1.1.6.L93.90", "hev1.1.6.L93.B0", "avc1.42C01E"]
    for codec in (Codec.H264, Codec.H265, Codec.JPEG, Codec.OPUS):
        assert picture_format(b"no stream", codec) is None


def test_a_jpeg_picture_tells_its_size_and_jfifs_colours() -> None:
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 161, 121, "yuvj420p", Fraction(1, 25)
    (packet,) = encoder.encode(av.VideoFrame(161, 121, "yuvj420p"))
    assert picture_format(bytes(packet), Codec.JPEG) == PictureFormat(161, 121, None, True, None, None, 5, 0, "jpeg")
