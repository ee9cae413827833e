# SPDX-License-Identifier: Apache-2.0
"""Raw pictures in a ring: what a writer says of planes, strides and colour is what every reader is told."""

import errno
import random

import pytest
from header import ENUMS

from vshm_ctypes import (
    BrokenPicture,
    Codec,
    Colour,
    Consumer,
    PictureLayout,
    Plane,
    Producer,
    Range,
    VideoShmError,
    inspect,
    inspect_slots,
    picture_layout,
)
from vshm_ctypes.codec import RAW_CODECS

RGB = (Codec.RGB24, Codec.BGR24)
RAW = [Codec(codec) for codec in RAW_CODECS]
BT709_LIMITED = Colour(1, 1, 1, Range.LIMITED)


def fill(layout: PictureLayout) -> bytes:
    return random.Random(layout.size).randbytes(layout.size)


def test_the_raw_codecs_are_those_of_the_header() -> None:
    theirs = {name.rpartition("_")[2].lower(): code for name, code in ENUMS["video_shm_codec"].items()}
    assert {name: code for name, code in theirs.items() if 32 <= code < 64} == {v: k for k, v in RAW_CODECS.items()}


@pytest.mark.parametrize(
    ("codec", "width", "height", "stride", "size", "planes"),
    [
        (Codec.NV12, 1920, 1080, 0, 3110400, [(0, 1920, 1080), (2073600, 1920, 540)]),
        (Codec.NV12, 1920, 1080, 2048, 3317760, [(0, 2048, 1080), (2211840, 2048, 540)]),
        (Codec.I420, 5, 3, 0, 27, [(0, 5, 3), (15, 3, 2), (21, 3, 2)]),
        (Codec.YUYV, 640, 480, 0, 614400, [(0, 1280, 480)]),
        (Codec.RGB24, 320, 320, 0, 307200, [(0, 960, 320)]),
        (Codec.BGR24, 5, 2, 16, 32, [(0, 16, 2)]),
        (Codec.GREY, 640, 480, 0, 307200, [(0, 640, 480)]),
    ],
)
def test_planes_lie_as_the_format_says(
    codec: Codec, width: int, height: int, stride: int, size: int, planes: list[tuple[int, int, int]]
) -> None:
    layout = picture_layout(codec, width, height, stride=stride)
    assert (layout.size, layout.planes) == (size, tuple(Plane(*plane) for plane in planes))


@pytest.mark.parametrize("codec", RAW)
@pytest.mark.parametrize("padding", [0, 3, 64])
def test_every_reader_is_told_the_layout(ring: str, codec: Codec, padding: int) -> None:
    tight = picture_layout(codec, 62, 34).planes[0].stride
    layout = picture_layout(codec, 62, 34, stride=tight + padding, colour=BT709_LIMITED)
    assert layout.colour == (BT709_LIMITED._replace(matrix=0) if codec in RGB else BT709_LIMITED)
    picture = fill(layout)
    with Producer(ring, slots=4, slot_size=layout.size) as producer, Consumer(ring) as stream:
        producer.write(picture, fps=25, **layout.meta())
        with producer.reserve() as slot:
            slot.data[: layout.size] = picture
            slot.commit(layout.size, fps=25, **layout.meta())
        copied = stream.receive(0)
        with stream.borrow(0) as lent:
            assert (lent.layout, bytes(lent.data), lent.is_keyframe) == (layout, picture, True)
        first, second = inspect_slots(ring)
        assert inspect(ring).version == 2
    assert copied is not None and copied.data == picture and copied.is_keyframe
    assert copied.layout == copied.meta.layout == first.meta.layout == second.meta.layout == layout
    assert (copied.codec, copied.width, copied.height, copied.fps) == (codec, 62, 34, 25)


def test_what_was_not_told_is_not_known_and_no_other_frame_has_a_layout(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=100) as producer, Consumer(ring) as stream:
        producer.write(bytes(6), codec=Codec.YUYV, width=1, height=1)
        producer.write(bytes(12), codec=Codec.YUYV, width=2, height=3)
        producer.write(b"x", codec=Codec.H264, width=2, height=3, reserved=b"mine!")
        broken, raw, coded = (stream.receive(0) for _ in range(3))
    assert broken is not None and raw is not None and coded is not None
    layout = raw.layout
    assert layout is not None and layout.colour == Colour(2, 2, 2, Range.UNKNOWN)
    assert (coded.layout, coded.meta.layout, coded.meta.reserved) == (None, None, b"mine!")
    assert raw.is_keyframe and not coded.is_keyframe
    with pytest.raises(
        BrokenPicture, match="a yuyv picture of 1x1 with rows of 4 bytes has 4 bytes, but this frame has 6"
    ):
        _ = broken.layout


def test_a_picture_that_can_not_be_is_refused(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=100) as producer, Consumer(ring) as stream:
        producer.write(b"x", codec=Codec.GREY)
        frame = stream.receive(0)
    assert frame is not None
    with pytest.raises(BrokenPicture, match="a grey picture of 0x0 can't be: its writer is wrong"):
        _ = frame.layout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codec": Codec.H264, "width": 64, "height": 48}, "codec=0: must be one of raw pictures: nv12, i420"),
        ({"codec": Codec.GREY, "width": 0, "height": 48}, "0x48: each side has from 1 to 65535 pixels"),
        ({"codec": Codec.RGB24, "width": 64, "height": 48, "stride": 191}, "a rgb24 picture of 64x48 with stride=191"),
        ({"codec": Codec.RGB24, "width": 65535, "height": 65535}, "a rgb24 picture of 65535x65535"),
        ({"codec": Codec.GREY, "width": 1, "height": 1, "colour": Colour(matrix=64)}, "colour="),
    ],
)
def test_a_layout_out_of_bounds_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        picture_layout(**arguments)  # type: ignore[arg-type]


def test_a_ring_of_version_1s_geometry_takes_no_raw_picture(ring: str) -> None:
    layout = picture_layout(Codec.GREY, 64, 48)
    with Producer(ring) as producer:
        with pytest.raises(VideoShmError, match=r"takes no raw pictures.*another number or size of slots") as caught:
            producer.write(bytes(layout.size), **layout.meta())
        assert caught.value.errno == errno.EINVAL
        with producer.reserve() as slot, pytest.raises(VideoShmError, match="takes no raw pictures"):
            slot.commit(layout.size, **layout.meta())
        assert producer.info().frames == 0
        assert producer.write(b"x")


def test_more_than_five_reserved_bytes_are_refused(ring: str) -> None:
    with Producer(ring) as producer, pytest.raises(ValueError, match="reserved=b'abcdef': has at most 5 bytes"):
        producer.write(b"x", reserved=b"abcdef")
