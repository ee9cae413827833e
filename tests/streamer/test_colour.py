# SPDX-License-Identifier: Apache-2.0
"""Patches of grey and colour through the encoders: what decoders of others show is what went in, within 3 levels."""

import itertools
import weakref
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from colour_judges import Pictures, by_ffmpeg, by_gstreamer, by_opencv, each_by_ffmpeg
from parsers import parsed
from streamers import end, streaming, take

from hil.streamer.channels import CODECS, Channel
from hil.streamer.colour import BT601, BT709, BT2020, UNTOLD, Colour, colour_of, colour_to_encode
from hil.streamer.converter import Converter
from hil.streamer.encoder import SOFTWARE, Encoder
from hil.streamer.rescaler import PIXELS as DIRECT
from hil.suite import patches
from vshm_ctypes import Codec, Consumer

LEVELS = 3
LIMITED, FULL = False, True
SIZE = patches.WIDTH, patches.HEIGHT
ENCODED = ("h264", "h265", "jpeg")
EVERY = [Colour(full_range, matrix) for full_range in (LIMITED, FULL) for matrix in (BT601, BT709, BT2020)]
TWO = [Colour(LIMITED, BT601), Colour(FULL, BT709)]
CASES = [
    *(("yuyv422", colour) for colour in [*EVERY, Colour(LIMITED, 7), Colour(LIMITED, UNTOLD), Colour(FULL, UNTOLD)]),
    *itertools.product(("uyvy422", "nv12", "yuv422p", "yuv444p", "yuv420p10le"), TWO),
    *itertools.product(("gray", "gray10le"), (Colour(LIMITED), Colour(FULL))),
    *itertools.product(("yuvj420p", "yuvj422p"), (Colour(FULL, 5), Colour(LIMITED, BT709))),  # as cameras' JPEG decodes
    *itertools.product(("rgb24", "bgr24", "gbrp"), [Colour(FULL, 0)]),
]
NAMES = [f"{pixels}-{'full' if colour.full_range else 'limited'}-{colour.matrix}" for pixels, colour in CASES]


def stream_of(codec: Any, *pictures: av.VideoFrame) -> bytes:
    encoder = Encoder(Channel(codec=codec), SOFTWARE[codec], *SIZE, 30)
    units = [unit for at, picture in enumerate(pictures) for unit in encoder.encode(picture, at * 33_000_000)]
    return b"".join(unit.data for unit, _ in units + encoder.flush())


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Pictures]:
    """What FFmpeg shows of every case, by name and codec."""
    found: dict[tuple[str, str], Pictures] = {}
    for codec in ENCODED:
        given = [patches.picture(pixels, colour) for pixels, colour in CASES]
        streams = [stream_of(codec, picture, picture) for picture in given]
        pictures = each_by_ffmpeg(streams, CODECS[codec], *SIZE, tmp_path_factory.mktemp(codec))
        found |= {(name, codec): rgb for name, rgb in zip(NAMES, pictures, strict=True)}
    return found


@pytest.mark.parametrize("codec", ENCODED)
@pytest.mark.parametrize("name", NAMES)
def test_ffmpeg_shows_what_went_in(name: str, codec: str, shown: dict[tuple[str, str], Pictures]) -> None:
    pictures = shown[name, codec]
    assert len(pictures) == 2
    assert max(patches.deviation(rgb, name) for rgb in pictures) <= LEVELS


@pytest.mark.parametrize("codec", ENCODED)
@pytest.mark.parametrize(
    ("pixels", "colour"),
    [
        ("nv12", Colour(FULL, BT709)),
        ("yuyv422", Colour(LIMITED, BT2020)),
        ("rgb24", Colour(FULL, 0)),
        ("gray", Colour(FULL)),
    ],
)
def test_gstreamer_does_so_too(pixels: str, colour: Colour, codec: Any, tmp_path: Path) -> None:
    picture = patches.picture(pixels, colour)
    pictures = by_gstreamer(stream_of(codec, picture, picture), CODECS[codec], *SIZE, tmp_path)
    assert max(patches.deviation(rgb, pixels) for rgb in pictures) <= LEVELS


@pytest.mark.parametrize(("pixels", "colour"), CASES[::3], ids=NAMES[::3])
def test_jpeg_is_what_every_reader_takes_it_for(pixels: str, colour: Colour) -> None:
    (rgb,) = by_opencv(stream_of("jpeg", patches.picture(pixels, colour)))
    assert patches.deviation(rgb, pixels) <= LEVELS


def test_jpeg_says_that_it_is_jfif() -> None:
    """This gives its range and matrix a meaning."""
    data = stream_of("jpeg", patches.picture("nv12", Colour(FULL, BT709)))
    assert data[:4] + data[6:11] == b"\xff\xd8\xff\xe0JFIF\0"


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_stream_says_what_the_source_said(codec: Any) -> None:
    for colour in (Colour(FULL, BT709, 1, 13), Colour(LIMITED, BT2020, 9, 16), Colour(LIMITED, 7, 7, 7), Colour()):
        picture = patches.picture("yuyv422", colour)
        decoder: Any = av.CodecContext.create("hevc" if codec == "h265" else codec, "r")
        decoded = decoder.decode(av.Packet(stream_of(codec, picture))) + decoder.decode(None)
        assert [colour_of(found) for found in decoded] == [colour]


def test_what_nobody_tells_is_what_other_programs_take_it_for() -> None:
    """Grey of PyAV's from an array, or of a file without tags, is FFmpeg's, which has it of full range."""
    for pixels in ("gray", "rgb24", "yuvj420p", "nv12", "yuyv422"):
        untold = av.VideoFrame(64, 48, pixels)
        assert colour_of(untold).full_range == (pixels not in ("nv12", "yuyv422"))
    picture = patches.picture("gray", Colour(FULL))
    picture.color_range = 0
    for codec in ENCODED:
        (rgb,) = by_ffmpeg(stream_of(codec, picture), CODECS[codec], *SIZE)
        assert patches.deviation(rgb, "gray") <= LEVELS


def test_a_matrix_that_nothing_can_convert_is_kept_or_refused_by_number() -> None:
    picture = patches.picture("yuyv422", Colour(LIMITED, BT709))
    picture.colorspace = 14  # ICtCp
    decoder: Any = av.CodecContext.create("h264", "r")
    (decoded,) = decoder.decode(av.Packet(stream_of("h264", picture))) + decoder.decode(None)
    assert int(decoded.colorspace) == 14
    with pytest.raises(RuntimeError, match=r"matrix 14 of ITU-T H\.273"):
        stream_of("jpeg", picture)


@pytest.mark.parametrize("codec", ENCODED)
@pytest.mark.parametrize("field", ["matrix", "primaries", "transfer"])
def test_whatever_number_a_source_says_its_pictures_are_encoded(field: str, codec: Any) -> None:
    """What the encoders have no name for, and what is reserved, is untold."""
    picture = patches.picture("nv12", Colour(FULL, BT709, 1, 1))
    for number in range(23):
        if codec == "jpeg" and field == "matrix" and number in range(10, 15):
            continue  # refused by name
        Colour(FULL, **{"matrix": BT709, "primaries": 1, "transfer": 1} | {field: number}).put_on(picture)
        for pixels in ("nv12", "rgb24"):
            given = (
                picture if pixels == "nv12" else Colour(FULL, 0, 1, number).put_on(patches.picture("rgb24", Colour()))
            )
            decoder: Any = av.CodecContext.create({"h265": "hevc", "jpeg": "mjpeg"}.get(codec, codec), "r")
            (found,) = decoder.decode(av.Packet(stream_of(codec, given))) + decoder.decode(None)
            assert colour_of(found).full_range == (pixels == "nv12" or codec == "jpeg")


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_where_the_colours_change_a_new_sequence_says_so(codec: Any) -> None:
    """One camera may stand in for another; every picture then has its own description."""
    given = [patches.picture("nv12", Colour(full_range, BT601, 1, 1)) for full_range in (LIMITED, FULL, FULL, LIMITED)]
    data = stream_of(codec, *given)
    decoder: Any = av.CodecContext.create("hevc" if codec == "h265" else codec, "r")
    decoded = [picture for packet in parsed(decoder, data) for picture in decoder.decode(packet)]
    decoded += decoder.decode(None)
    assert [colour_of(picture).full_range for picture in decoded] == [LIMITED, FULL, FULL, LIMITED]
    assert max(patches.deviation(patches.shown(picture)) for picture in decoded) <= LEVELS


def test_rgb_of_limited_range_is_no_darker() -> None:
    """vivid has such, and so have HDMI grabbers."""
    squeezed = [tuple(round(16 + level * 219 / 255) for level in patch) for patch in patches.PATCHES]
    for codec, pixels in (("h264", "rgb24"), ("jpeg", "bgr24"), ("jpeg", "bgra"), ("h264", "gbrp")):
        picture = patches.picture("rgb24", Colour(), squeezed).reformat(format=pixels)  # type: ignore[arg-type]
        picture.color_range = 1
        (rgb,) = by_ffmpeg(stream_of(codec, picture), CODECS[codec], *SIZE)
        assert patches.deviation(rgb) <= LEVELS


@pytest.mark.parametrize("pixels", ["rgb565le", "rgb565be", "bgr565le", "rgb555le"])
def test_white_of_five_bits_is_white(pixels: str) -> None:
    picture = av.VideoFrame(64, 64, pixels)
    for level, bits in ((0, b"\0"), (255, b"\xff")):
        picture.planes[0].update(bits * picture.planes[0].buffer_size)
        for target in (Colour(LIMITED, BT601), Colour(FULL, BT601)):
            made = Converter(64, 64, "yuv420p").convert(picture, target)
            assert abs(patches.shown(made) - level).max() <= 1


def test_scaling_does_not_change_what_players_take_an_untold_matrix_for() -> None:
    large, small = (1920, 1080), (640, 360)
    assert colour_to_encode(Colour(), Codec.H264, large, large) == Colour()
    assert colour_to_encode(Colour(), Codec.H264, large, small).matrix == BT709
    assert colour_to_encode(Colour(), Codec.H265, small, large).matrix == BT601
    assert colour_to_encode(Colour(FULL, 0), Codec.H264, small, large).matrix == BT709


def test_an_encoder_that_is_silent_about_colours_has_them_written_into_its_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A board's driver is told nothing of colours; libx264, which is not told either, stands in for it."""
    from hil.streamer import encoder as module

    opened = module._opened

    def untold(context: Any) -> str | None:
        context.color_range = context.colorspace = context.color_primaries = context.color_trc = 0
        context.colorspace = context.color_primaries = context.color_trc = UNTOLD
        return opened(context)

    monkeypatch.setattr(module, "_opened", untold)
    monkeypatch.setattr(module, "SILENT", ("libx264",))
    picture = patches.picture("nv12", Colour(FULL, BT709))
    assert patches.deviation(by_ffmpeg(stream_of("h264", picture, picture), Codec.H264, *SIZE)[-1]) <= LEVELS


@pytest.mark.parametrize(
    ("pixels", "colour"), [("bgr24", Colour(FULL, 0)), ("yuyv422", Colour(LIMITED, BT2020)), ("gray", Colour(LIMITED))]
)
def test_what_is_converted_loses_less_than_two_levels(pixels: str, colour: Colour) -> None:
    """swscale's short cut for BGR loses 3, its way from one matrix to another 4."""
    picture = patches.picture(pixels, colour)
    for codec in (Codec.H264, Codec.JPEG):
        target = colour_to_encode(colour_of(picture), codec, SIZE, SIZE)
        made = Converter(*SIZE, "yuv420p").convert(picture, target)
        assert patches.deviation(patches.shown(made), pixels) < 2


def test_a_file_of_full_range_is_as_bright_behind_the_ring(ring: str, tmp_path: Path) -> None:
    picture = patches.picture("yuv420p", Colour(FULL, BT601))
    path = tmp_path / "full.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.color_range = *SIZE, "yuv420p", 2
        stream.codec_context.qmin = stream.codec_context.qmax = 2
        for number in range(5):
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    words = ["--device", f"file:{path}", "--loop", "--channel", f"{ring}:", "--stats"]
    with streaming(ring, *words) as process:
        with Consumer(ring, start="keyframe") as reader:
            data = b"".join(frame.data for frame in take(reader, 3))
        end(process)
    assert patches.deviation(by_ffmpeg(data, Codec.H264, *SIZE)[-1]) <= LEVELS


def test_a_picture_that_fits_is_not_copied_and_stays_as_it_was() -> None:
    picture = patches.picture("yuv420p", Colour(FULL, BT601, 1, 13))
    picture.pts = 7
    made = Converter(*SIZE, "yuv420p").convert(picture, Colour(FULL, BT601, 1, 13))
    made.pts = 9
    assert picture.pts == 7
    assert made.planes[0].buffer_ptr == picture.planes[0].buffer_ptr


@pytest.mark.parametrize("codec", ENCODED)
@pytest.mark.parametrize("pixels", ["yuv420p", "nv12", "gray"])
def test_memory_that_a_picture_only_borrows_is_given_back_once_it_is_encoded(codec: Any, pixels: str) -> None:
    """A driver's buffer: kept by a filter or an encoder, the camera would soon have none left."""
    encoder = Encoder(Channel(codec=codec), SOFTWARE[codec], 128, 96, 30)
    returned: list[int] = []
    for number in range(4):
        rows = numpy.full((96 if pixels == "gray" else 144, 128), 100, numpy.uint8)
        weakref.finalize(rows, returned.append, number)
        picture = av.VideoFrame.from_numpy_buffer(rows, format=pixels, width=128)
        del rows
        encoder.encode(picture, number * 33_000_000)
        assert len(returned) == number
        del picture
        assert len(returned) == number + 1


def test_only_pictures_that_nobody_else_has_are_encoded_as_they_are() -> None:
    fits = av.VideoFrame(64, 64, "yuv420p")
    alone, shared = Converter(64, 64, "yuv420p", alone=True), Converter(64, 64, "yuv420p")
    assert alone.convert(fits, Colour()) is fits
    assert shared.convert(fits, Colour()) is not fits
    for pixels, size in (("nv12", (64, 64)), ("yuv420p", (32, 64))):
        assert alone.convert(av.VideoFrame(*size, pixels), Colour()).format.name == "yuv420p"
    converted = alone.convert(fits, Colour(FULL, BT601))  # another range, so other numbers
    assert converted is not fits
    assert colour_of(fits) == Colour()


@pytest.mark.parametrize("pixels", sorted(DIRECT))
@pytest.mark.parametrize("sizes", [((1280, 720), (640, 360)), ((642, 362), (320, 178)), ((64, 48), (64, 48))], ids=str)
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
def test_what_is_scaled_without_filters_is_the_same(pixels: str, sizes: Any, full: bool) -> None:
    before: tuple[int, int] = sizes[0]
    after: tuple[int, int] = sizes[1]
    noise = numpy.random.default_rng(1)
    converters = Converter(*after, "yuv420p"), Converter(*after, "yuv420p", reuses=True)
    for _ in range(2):  # the second one into the same picture
        picture = Colour(full, BT601, BT601, BT601).put_on(av.VideoFrame(*before, pixels))
        for plane in picture.planes:
            plane.update(noise.integers(0, 256, plane.buffer_size, dtype=numpy.uint8).tobytes())
        target = colour_of(picture)
        filtered, direct = (converter.convert(picture, target) for converter in converters)
        assert (direct.to_ndarray() == filtered.to_ndarray()).all()
        assert colour_of(direct) == colour_of(filtered) == target
    assert converters[1]._rescaler is not None
    assert converters[1]._rescaler._shape == ((*before, pixels) if (*before, pixels) != (*after, "yuv420p") else ())


def test_what_changes_its_colours_is_not_scaled_without_filters() -> None:
    converter = Converter(64, 64, "yuv420p", reuses=True)
    picture = Colour(False, BT601).put_on(av.VideoFrame(128, 128, "yuv420p"))
    for target in (Colour(FULL, BT601), Colour(False, BT709)):
        converter.convert(picture, target)
    converter.convert(av.VideoFrame(128, 128, "rgb24"), Colour(False, BT601))
    assert converter._rescaler is not None
    assert converter._rescaler._shape == ()
