# SPDX-License-Identifier: Apache-2.0
"""The colours of decoded pictures: what was drawn, whatever matrix, range, chroma and depth the stream has."""

import struct
import subprocess
from fractions import Fraction
from typing import Any

import av
import numpy
import pytest
from jpegs import VARIANTS, by_opencv, drawn, jpeg, put_in
from judges import TIMEOUT_S, ffmpeg
from numpy.typing import NDArray
from played import pictures_of, write
from turned_streams import SEQUENCE, SIZE, on_its_side

from hil.streamer.colour import BT601, BT709, BT2020, Colour
from hil.suite.patches import COLUMNS, PATCHES, SIDE, picture
from vshm_ctypes import Codec, Pictures, Producer

cv2 = pytest.importorskip("cv2", reason="needs OpenCV: ci/bootstrap")
ENCODERS = {Codec.H264: ("libx264", "x264-params"), Codec.H265: ("libx265", "x265-params")}
RANGES = {False: "limited", True: "full"}
X264_RANGES = {False: "off", True: "on"}
MATRICES = {BT709: "bt709", BT601: "smpte170m", BT2020: "bt2020nc", 7: "smpte240m"}


def encoded(codec: Codec, pixels: str, colour: Colour, *, told: bool = True) -> bytes:
    """Return a lossless picture of the patches. told: the stream declares matrix and range."""
    name, option = ENCODERS[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    source = picture(pixels, colour)
    encoder.width, encoder.height, encoder.pix_fmt = source.width, source.height, pixels
    encoder.time_base = Fraction(1, 25)
    words = "log-level=none:lossless=1" if codec == Codec.H265 else "qp=0:annexb=1"
    if told:
        spans = RANGES if codec == Codec.H265 else X264_RANGES
        words += f":colormatrix={MATRICES[colour.matrix]}"
        words += f":{'range' if codec == Codec.H265 else 'fullrange'}={spans[colour.full_range]}"
    else:
        source.colorspace, source.color_range = 2, 0
    encoder.options = {option: words}
    source.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(source), *encoder.encode(None)])


def patches_of(array: NDArray[numpy.uint8]) -> NDArray[numpy.uint8]:
    """Return the middle of each patch."""
    at = range(SIDE // 2, array.shape[0], SIDE), range(SIDE // 2, COLUMNS * SIDE, SIDE)
    return numpy.array([array[y, x] for y in at[0] for x in at[1]])


def shown(ring: str, unit: bytes, codec: Codec, **options: Any) -> NDArray[numpy.uint8]:
    (found,) = pictures_of(ring, [unit], codec, **options)
    return found.array()


RGB = numpy.array(PATCHES[: len(PATCHES) // COLUMNS * COLUMNS], int)
GREYS = RGB @ [0.299, 0.587, 0.114]


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"])
@pytest.mark.parametrize("codec", ENCODERS)
def test_colours_are_those_that_were_drawn(ring: str, codec: Codec, pixels: str, matrix: int, full_range: bool) -> None:
    unit = encoded(codec, pixels, Colour(full_range, matrix))
    assert numpy.abs(patches_of(shown(ring, unit, codec, format="rgb24")) - RGB).max() <= 4
    assert numpy.abs(patches_of(shown(ring, unit, codec)) - RGB[:, ::-1]).max() <= 4


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize(("scale", "matrix"), [(1, BT601), (5, BT709)])
def test_a_stream_that_tells_no_matrix_has_that_of_its_size(
    ring: str, codec: Codec, scale: int, matrix: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.suite.patches.SIDE", SIDE * scale * 2)  # 1280 pixels wide by scale 5
    unit = encoded(codec, "yuv420p", Colour(False, matrix), told=False)
    side = SIDE * scale * 2
    array = shown(ring, unit, codec, format="rgb24")
    middles = array[side // 2 :: side, side // 2 :: side].reshape(-1, 3)
    assert numpy.abs(middles.astype(int) - RGB).max() <= 4


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("pixels", ["yuv420p", "gray"])
def test_grey_spans_everything(ring: str, codec: Codec, pixels: str, full_range: bool) -> None:
    unit = encoded(codec, pixels, Colour(full_range, BT601))
    for form in ("grey", "bgr24"):
        array = shown(ring, unit, codec, format=form)
        levels = patches_of(array) if form == "grey" else patches_of(array)[:7, 0]
        wanted = GREYS if form == "grey" else GREYS[:7]
        assert numpy.abs(levels - wanted).max() <= 3


def test_drawing_on_an_array_leaves_what_the_decoder_refers_to_alone(ring: str) -> None:
    """Grey of full range needs no conversion, so the array could be the decoder's own memory."""
    encoder: Any = av.CodecContext.create("libx265", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "gray", Fraction(1, 25)
    encoder.options = {"tune": "zerolatency", "x265-params": "range=full:log-level=none"}
    packets = []
    for number in range(5):
        frame = av.VideoFrame.from_ndarray(numpy.full((48, 64), 150, numpy.uint8), format="gray")
        frame.pts = number
        packets += encoder.encode(frame)
    stream = [bytes(packet) for packet in [*packets, *encoder.encode(None)]]
    with Producer(ring) as producer, Pictures(ring, policy="every", format="grey") as pictures:
        for unit in stream:
            write(producer, [unit], Codec.H265)
            picture = pictures.receive(10)
            assert picture is not None
            assert picture.decoded.format.name == "gray"
            assert abs(float(picture.array().mean()) - 150) < 1
            picture.array()[:] = 0


# ---- JPEG ----


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_jpeg_looks_as_libjpeg_shows_it(ring: str, variant: str) -> None:
    data = jpeg(variant, quality=98)
    array = shown(ring, data, Codec.JPEG)
    difference = numpy.abs(array.astype(int) - by_opencv(data))
    assert difference.mean() < 3  # converters differ in how they spread chroma
    assert difference[:, :16].max() <= 12  # where there are no edges


def written(pixels: NDArray[numpy.uint8], *options: int) -> bytes:
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 98, *options])
    assert done
    return data.tobytes()  # type: ignore[no-any-return]


def test_a_grey_jpeg(ring: str) -> None:
    data = written(cv2.cvtColor(drawn(), cv2.COLOR_BGR2GRAY))
    array = shown(ring, data, Codec.JPEG)
    assert numpy.abs(array.astype(int) - by_opencv(data)).max() <= 1
    assert numpy.array_equal(shown(ring, data, Codec.JPEG, format="grey"), array[..., 0])


# ---- Turned pictures ----


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_as_its_exif_data_say(ring: str, orientation: int) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHHI", 0x0112, 3, 1, orientation, 0, 0)
    data = put_in(jpeg("4:4:4", quality=98), 0xE1, exif)
    array = shown(ring, data, Codec.JPEG)
    wanted = by_opencv(data)  # which turns it
    assert array.shape == wanted.shape
    assert numpy.abs(array.astype(int) - wanted).max() <= 3
    assert array.flags.c_contiguous


@pytest.mark.parametrize(
    ("filters", "turn"), [("rotate=90", 1), ("rotate=180", 2), ("rotate=270", 3), ("flip=horizontal", 0)]
)
def test_a_stream_is_turned_as_its_display_orientation_says(ring: str, filters: str, turn: int) -> None:
    plain = encoded(Codec.H264, "yuv420p", Colour(False, BT709))
    words = ["-v", "error", "-f", "h264", "-i", "-", "-c", "copy"]
    words += ["-bsf:v", f"h264_metadata=display_orientation=insert:{filters}", "-f", "h264", "-"]
    made = subprocess.run([ffmpeg(), *words], input=plain, capture_output=True, timeout=TIMEOUT_S, check=True)
    array, upright = (shown(ring, unit, Codec.H264) for unit in (made.stdout, plain))
    assert numpy.array_equal(array, upright[:, ::-1] if filters == "flip=horizontal" else numpy.rot90(upright, turn))


@pytest.mark.parametrize("b_pictures", [0, 2])
def test_a_turn_that_a_keyframe_tells_holds_until_its_sequence_ends(ring: str, b_pictures: int) -> None:
    """FFmpeg tells the pictures of H.264 that carry the message, and no others."""
    found = pictures_of(ring, on_its_side(3, {0, 2}, b_pictures), Codec.H264)
    upright, turned = (SIZE[1], SIZE[0], 3), (SIZE[0], SIZE[1], 3)
    wanted = [turned] * SEQUENCE + [upright] * SEQUENCE + [turned] * SEQUENCE
    assert [picture.array().shape for picture in found] == wanted
