# SPDX-License-Identifier: Apache-2.0
"""Raw frames as numpy arrays: OpenCV's and FFmpeg's layouts, without a copy, and Pictures of raw rings."""

import subprocess
import sys
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

from vshm_ctypes import (
    BrokenPicture,
    Codec,
    Colour,
    Consumer,
    Frame,
    PictureLayout,
    Pictures,
    Producer,
    Range,
    picture_layout,
)

cv2 = pytest.importorskip("cv2", reason="needs OpenCV: ci/bootstrap")
WIDTH, HEIGHT = 64, 48
BT601, BT709 = 6, 1


def drawn() -> NDArray[numpy.uint8]:
    """Return a picture in BGR whose chroma survives subsampling: patches of 16 x 16 pixels."""
    patches = numpy.random.default_rng(5).integers(0, 255, (HEIGHT // 16, WIDTH // 16, 3), numpy.uint8)
    return patches.repeat(16, axis=0).repeat(16, axis=1)


def inner(picture: NDArray[numpy.uint8]) -> NDArray[numpy.uint8]:
    """Return the middle of each patch: at their edges, some converters interpolate chroma."""
    return numpy.stack([picture[at // 4 * 16 + 8, at % 4 * 16 + 8] for at in range(HEIGHT // 16 * WIDTH // 16)])


def padded(planes: list[NDArray[numpy.uint8]], layout: PictureLayout) -> bytes:
    """Return the payload of planes with the strides of a layout, and padding of 0xEE."""
    payload = bytearray(b"\xee" * layout.size)
    for plane, samples in zip(layout.planes, planes, strict=True):
        lines = numpy.frombuffer(payload, numpy.uint8)[plane.offset :][: plane.stride * plane.rows]
        flat = samples.reshape(plane.rows, -1)
        lines.reshape(plane.rows, plane.stride)[:, : flat.shape[1]] = flat
    return bytes(payload)


def by_opencv(codec: Codec) -> list[NDArray[numpy.uint8]]:
    """Return the planes that OpenCV makes of the picture, which is of limited range and BT.601 where it is Y'CbCr."""
    bgr = drawn()
    i420 = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)
    y, u, v = (part.reshape(-1) for part in numpy.split(i420.reshape(-1), [WIDTH * HEIGHT, WIDTH * HEIGHT * 5 // 4]))
    if codec == Codec.I420:
        return [y.reshape(HEIGHT, -1), u.reshape(HEIGHT // 2, -1), v.reshape(HEIGHT // 2, -1)]
    if codec == Codec.NV12:
        return [y.reshape(HEIGHT, -1), numpy.stack([u, v], -1).reshape(HEIGHT // 2, -1)]
    if codec == Codec.YUYV:
        both = [plane.reshape(HEIGHT // 2, WIDTH // 2).repeat(2, axis=0) for plane in (u, v)]
        chroma = numpy.stack(both, -1).reshape(HEIGHT, WIDTH)
        return [numpy.stack([y.reshape(HEIGHT, WIDTH), chroma], -1)]
    if codec == Codec.GREY:
        return [cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)]
    return [bgr if codec == Codec.BGR24 else bgr[..., ::-1]]


TO_BGR: dict[Codec, Any] = {
    Codec.NV12: cv2.COLOR_YUV2BGR_NV12,
    Codec.I420: cv2.COLOR_YUV2BGR_I420,
    Codec.YUYV: cv2.COLOR_YUV2BGR_YUYV,
    Codec.RGB24: cv2.COLOR_RGB2BGR,
    Codec.GREY: cv2.COLOR_GRAY2BGR,
}
SHAPES = {
    Codec.NV12: (HEIGHT * 3 // 2, WIDTH),
    Codec.I420: (HEIGHT * 3 // 2, WIDTH),
    Codec.YUYV: (HEIGHT, WIDTH, 2),
    Codec.RGB24: (HEIGHT, WIDTH, 3),
    Codec.BGR24: (HEIGHT, WIDTH, 3),
    Codec.GREY: (HEIGHT, WIDTH),
}
YCBCR = Colour(matrix=BT601, range=Range.LIMITED)


def frame_of(ring: str, codec: Codec, stride: int = 0) -> Frame:
    layout = picture_layout(codec, WIDTH, HEIGHT, stride=stride)
    with Producer(ring, slots=4, slot_size=layout.size) as producer, Consumer(ring) as stream:
        producer.write(padded(by_opencv(codec), layout), **layout.meta())
        frame = stream.receive(10)
    assert frame is not None
    return frame


@pytest.mark.parametrize("stride", [0, 256])
@pytest.mark.parametrize("codec", SHAPES)
def test_an_array_is_what_opencv_takes(ring: str, codec: Codec, stride: int) -> None:
    frame = frame_of(ring, codec, stride)
    if codec == Codec.I420 and stride:
        with pytest.raises(ValueError, match=r"use planes\(\)"):
            frame.array()
        return
    array = frame.array()
    assert array.shape == SHAPES[codec]
    assert array.dtype == numpy.uint8
    shown = array if codec == Codec.BGR24 else cv2.cvtColor(array, TO_BGR[codec])
    wanted = drawn() if codec != Codec.GREY else cv2.cvtColor(by_opencv(codec)[0], cv2.COLOR_GRAY2BGR)
    assert numpy.abs(shown.astype(int) - wanted).max() <= (3 if codec in (Codec.NV12, Codec.I420, Codec.YUYV) else 0)


@pytest.mark.parametrize("stride", [0, 256])
@pytest.mark.parametrize("codec", SHAPES)
def test_planes_are_those_that_the_writer_laid_out(ring: str, codec: Codec, stride: int) -> None:
    planes = frame_of(ring, codec, stride).planes()
    wanted = by_opencv(codec)
    assert len(planes) == len(wanted)
    for plane, samples in zip(planes, wanted, strict=True):
        assert numpy.array_equal(plane.reshape(len(plane), -1), samples.reshape(len(samples), -1))
        assert not plane.flags.writeable
    if codec == Codec.NV12:
        assert planes[1].shape == (HEIGHT // 2, WIDTH // 2, 2)


@pytest.mark.parametrize(
    ("codec", "shapes"),
    [
        (Codec.NV12, [(3, 5), (2, 3, 2)]),
        (Codec.I420, [(3, 5), (2, 3), (2, 3)]),
        (Codec.YUYV, [(3, 6, 2)]),
        (Codec.BGR24, [(3, 5, 3)]),
    ],
)
def test_odd_sides(ring: str, codec: Codec, shapes: list[tuple[int, ...]]) -> None:
    layout = picture_layout(codec, 5, 3)
    with Producer(ring, slots=4, slot_size=1000) as producer, Consumer(ring) as stream:
        producer.write(bytes(range(layout.size)), **layout.meta())
        frame = stream.receive(10)
    assert frame is not None
    planes = frame.planes()
    assert [plane.shape for plane in planes] == shapes
    assert planes[-1].reshape(-1)[-1] == layout.size - 1


@pytest.mark.parametrize(("width", "height", "stride"), [(5, 2, 0), (5, 2, 6), (6, 3, 0), (6, 2, 7), (6, 2, 8)])
def test_i420_of_odd_sides_or_with_padding_is_no_array(ring: str, width: int, height: int, stride: int) -> None:
    layout = picture_layout(Codec.I420, width, height, stride=stride)
    with Producer(ring, slots=4, slot_size=1000) as producer, Consumer(ring) as stream:
        producer.write(bytes(layout.size), **layout.meta())
        frame = stream.receive(10)
    assert frame is not None
    with pytest.raises(ValueError, match=r"use planes\(\)"):
        frame.array()


BORROWED = """
import gc, sys, numpy
from vshm_ctypes import Codec, Consumer, Producer, picture_layout
layout = picture_layout(Codec.NV12, 640, 480)
producer, stream = Producer(sys.argv[1], slots=4, slot_size=layout.size), Consumer(sys.argv[1])
producer.write(b"a" * layout.size, **layout.meta())
with stream.borrow(timeout=10) as frame:
    whole, planes = frame.array(), frame.planes()
    assert numpy.shares_memory(whole, numpy.frombuffer(frame.data, numpy.uint8))
    assert all(numpy.shares_memory(whole, plane) for plane in planes)
del frame
for _ in range(4):
    producer.write(b"b" * layout.size, **layout.meta())
stream.close(); producer.close()
del producer, stream
gc.collect()
assert whole.sum() == layout.size * ord("b") == sum(int(plane.sum()) for plane in planes)
try:
    whole.flags.writeable = True
except ValueError:
    print("read-only")
"""


def test_an_array_of_a_borrowed_frame_shares_its_memory_and_outlives_it(ring: str) -> None:
    done = subprocess.run([sys.executable, "-c", BORROWED, ring], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "read-only\n"), done.stderr


def test_what_is_no_raw_picture_has_no_array(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=1000) as producer, Consumer(ring) as stream:
        producer.write(b"abc", keyframe=True)
        producer.write(b"abc", keyframe=True, codec=Codec.GREY, width=2, height=2)
        coded, broken = stream.receive(10), stream.receive(10)
    assert coded is not None
    assert broken is not None
    with pytest.raises(ValueError, match=r"h264 are no raw pictures: vshm_ctypes\.Pictures decodes them"):
        coded.array()
    with pytest.raises(BrokenPicture):
        broken.array()


# ---- Pictures of raw rings ----


@pytest.mark.parametrize("stride", [0, 256])
@pytest.mark.parametrize("codec", SHAPES)
@pytest.mark.parametrize("form", ["bgr24", "rgb24", "grey"])
def test_pictures_of_a_raw_ring_have_the_format_asked_for(ring: str, codec: Codec, form: str, stride: int) -> None:
    colour = YCBCR if codec in (Codec.NV12, Codec.I420, Codec.YUYV) else None
    layout = picture_layout(codec, WIDTH, HEIGHT, stride=stride, colour=colour)
    with Producer(ring, slots=4, slot_size=layout.size) as producer, Pictures(ring, format=form) as pictures:
        producer.write(padded(by_opencv(codec), layout), **layout.meta())
        ok, array = pictures.read(timeout=10)
    assert ok
    assert array is not None
    grey = cv2.cvtColor(drawn(), cv2.COLOR_BGR2GRAY)
    of_grey = {"grey": grey, "bgr24": numpy.dstack([grey] * 3), "rgb24": numpy.dstack([grey] * 3)}
    of_colour = {"grey": grey, "bgr24": drawn(), "rgb24": drawn()[..., ::-1]}
    wanted = (of_grey if codec == Codec.GREY else of_colour)[form]
    assert array.shape == wanted.shape
    assert numpy.abs(inner(array).astype(int) - inner(wanted)).max() <= 4
    array[:] = 0  # the program's own


def test_newest_passes_over_raw_pictures_and_broken_ones_are_counted(ring: str) -> None:
    layout = picture_layout(Codec.GREY, 8, 4)
    with Producer(ring, slots=16, slot_size=100) as producer, Pictures(ring, format="grey") as pictures:
        for number in range(10):
            producer.write(bytes([number] * layout.size), **layout.meta())
        first = pictures.receive(10)
        producer.write(b"too short", **layout.meta())
        for number in range(10, 15):
            producer.write(bytes([number] * layout.size), **layout.meta())
        second = pictures.receive(10)
        producer.write(b"too short", **layout.meta())
        assert pictures.receive(0) is None
        books = pictures.books
    assert first is not None
    assert second is not None
    assert [one.array()[0, 0] for one in (first, second)] == [9, 14]
    assert [one.skipped_before for one in (first, second)] == [9, 5]
    assert first.decoded is None
    assert (books.span, books.returned, books.damaged) == (17, 2, 1)


WITHOUT_PYAV = """
import sys
sys.modules["av"] = None
from vshm_ctypes import Codec, Pictures, Producer, picture_layout
layout = picture_layout(Codec.BGR24, 8, 4)
with Producer(sys.argv[1], slots=4, slot_size=layout.size) as ring, Pictures(sys.argv[1]) as pictures:
    ring.write(bytes(layout.size), **layout.meta())
    print(pictures.read(timeout=10)[1].shape)
"""


def test_raw_pictures_of_the_format_asked_for_need_no_pyav(ring: str) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PYAV, ring], capture_output=True, text=True, check=False)
    assert done.stdout == "(4, 8, 3)\n", done.stderr
