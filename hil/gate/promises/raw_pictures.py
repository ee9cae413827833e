# SPDX-License-Identifier: Apache-2.0
"""Promises about raw pictures: how they are described, where their planes are, and which rings may hold them."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

from .raw import STRUCTS, Guarded, Meta
from .scene import FRAME, Scene, promise

Picture = STRUCTS["video_shm_picture_t"]
NV12, I420, YUYV, RGB24, BGR24, GREY = range(32, 38)
KEYFRAME = 1
UNKNOWN = 2  # ITU-T H.273's number of a colour that is not known


class Layout(NamedTuple):
    """What a library should tell of a picture."""

    size: int
    stride: list[int]
    offset: list[int]
    rows: list[int]


def _expected(codec: int, width: int, height: int, padding: int) -> Layout:
    """Compute the layout from FORMAT.md's sentences alone."""
    even = width + width % 2
    stride = padding + {NV12: even, YUYV: 2 * even, RGB24: 3 * width, BGR24: 3 * width}.get(codec, width)
    half_rows = -(-height // 2)
    planes = {NV12: [(stride, half_rows)], I420: [(-(-stride // 2), half_rows)] * 2}.get(codec, [])
    shapes = [(stride, height), *planes]
    offsets = [sum(one * rows for one, rows in shapes[:plane]) for plane in range(len(shapes))]
    rest = [0] * (3 - len(shapes))
    strides, rows = [stride for stride, _ in shapes], [rows for _, rows in shapes]
    return Layout(sum(one * many for one, many in shapes), strides + rest, offsets + rest, rows + rest)


def _meta(codec: int, width: int = 64, height: int = 48, reserved: bytes = bytes(5), size: int = 0) -> Guarded:
    kept = (Meta().reserved.__class__)(*reserved)
    return Guarded(Meta, codec=codec, width=width, height=height, reserved=kept, size=size)


def _told(picture: Any) -> Layout:
    return Layout(picture.size, list(picture.stride), list(picture.offset), list(picture.rows))


@promise
def lays_out_raw_pictures_as_the_format_says(scene: Scene) -> None:
    """A picture's planes, rows and strides are those of FORMAT.md, whatever its format, its sides and its padding."""
    for codec in range(NV12, GREY + 1):
        for width, height, padding in ((64, 48, 0), (1920, 1080, 128), (5, 3, 0), (5, 3, 65535), (1, 1, 257)):
            meta = _meta(codec, width, height, bytes((padding % 256, padding // 256, 0, 0, 0)))
            picture, expected = Guarded(Picture), _expected(codec, width, height, padding)
            what = f"layout of codec {codec}, {width}x{height}, padding {padding}"
            scene.need(what, str(scene.library("picture_layout", meta, picture)), "0")
            scene.expect(what, _told(picture.value), expected)
            scene.expect(f"planes, {what}", picture.value.planes, sum(rows > 0 for rows in expected.rows))
            meta.value.size = expected.size
            scene.expect(f"{what} of its size", str(scene.library("picture_layout", meta, picture)), "0")
            for size in (expected.size - 1, expected.size + 1):
                if size:
                    meta.value.size = size
                    answer = scene.library("picture_layout", meta, picture)
                    scene.expect(f"{what} of size {size}", str(answer), "-1 EBADMSG")
            scene.expect(f"bytes beside, {what}", (picture.overrun, meta.overrun), (0, 0))


@promise
def tells_the_colour_of_raw_pictures(scene: Scene) -> None:
    """A picture's colour is what its metadata says, and H.273's 2 where it says nothing."""
    for codec in range(NV12, GREY + 1):
        for reserved in ((0, 0, 0, 0, 0), (0, 0, 1, 13, 6 | 2 << 6), (0, 0, 9, 16, 9 | 1 << 6), (0, 0, 255, 255, 255)):
            picture = Guarded(Picture)
            scene.need(
                "layout", str(scene.library("picture_layout", _meta(codec, reserved=bytes(reserved)), picture)), "0"
            )
            told = picture.value
            matrix = 0 if codec in (RGB24, BGR24) else reserved[4] % 64 or UNKNOWN
            scene.expect(
                f"colour of codec {codec}, {reserved}",
                (told.primaries, told.transfer, told.matrix, told.range),
                (reserved[2] or UNKNOWN, reserved[3] or UNKNOWN, matrix, reserved[4] // 64),
            )


@promise
def describes_raw_pictures_as_the_format_says(scene: Scene) -> None:
    """What a writer tells of its rows and its colour lies in the metadata's reserved bytes; NULL clears them."""
    meta = _meta(RGB24)
    given = Guarded(Picture, primaries=9, transfer=16, matrix=5, range=2)
    given.value.stride[0] = 192 + 0x102
    scene.expect("describe", str(scene.library("picture_describe", meta, given)), "0")
    scene.expect("reserved", bytes(meta.value.reserved), bytes((2, 1, 9, 16, 5 | 2 << 6)))
    scene.expect("bytes beside", (meta.overrun, given.overrun), (0, 0))
    scene.expect("describe with NULL", str(scene.library("picture_describe", meta, None)), "0")
    scene.expect("reserved then", bytes(meta.value.reserved), bytes(5))


@promise
def takes_older_and_newer_pictures(scene: Scene) -> None:
    """Both calls on raw pictures read and write no more of the struct than its size tells."""
    whole = ctypes.sizeof(Picture)
    for size in (Picture.primaries.offset, whole, whole + 24):
        given = Guarded(ctypes.c_uint8 * max(size, whole))
        ctypes.memset(given.address, 1 if size < whole else 0, max(size, whole))
        picture = Picture.from_address(given.address)
        picture.struct_size, picture.stride[0] = size, 70
        if size > whole:  # a field that this library does not know, and that is zero
            picture.primaries = 9
        meta = _meta(GREY)
        scene.expect(f"describe, of {size} bytes", str(scene.library("picture_describe", meta, given)), "0")
        expected = bytes((6, 0, 9 * (size > whole), 0, 0))
        scene.expect(f"reserved, of {size} bytes", bytes(meta.value.reserved), expected)
        behind = ctypes.string_at(given.address, max(size, whole))[size:]
        scene.expect(f"layout, of {size} bytes", str(scene.library("picture_layout", meta, given)), "0")
        scene.expect(f"size, of {size} bytes", picture.size, 70 * 48)
        now = ctypes.string_at(given.address, max(size, whole))[size:]
        scene.expect(f"what is behind {size} bytes, and beside", (now, given.overrun), (behind, 0))


@promise
def refuses_what_is_no_raw_picture(scene: Scene) -> None:
    """A layout that can't be is refused, by either call."""
    good = Guarded(Picture)
    for what, meta in {
        "H.264": _meta(0),
        "codec 31": _meta(31),
        "codec 38": _meta(38),
        "sound": _meta(64),
        "no width": _meta(GREY, 0, 48),
        "no height": _meta(GREY, 64, 0),
        "a size beyond any slot": _meta(RGB24, 65535, 65535),
    }.items():
        scene.expect(f"layout of {what}", str(scene.library("picture_layout", meta, good)), "-1 EINVAL")
        scene.expect(f"description of {what}", str(scene.library("picture_describe", meta, good)), "-1 EINVAL")
    for stride, fields in (
        (191, {}),
        (192 + 65536, {}),
        (0, {"matrix": 64}),
        (0, {"range": 3}),
        (0, {"struct_size": 0}),
    ):
        given, meta = Guarded(Picture, **fields), _meta(RGB24, reserved=b"abcde")
        given.value.stride[0] = stride
        answer = scene.library("picture_describe", meta, given)
        scene.expect(f"describe with stride {stride}, {fields}", str(answer), "-1 EINVAL")
        scene.expect("reserved then, as before", bytes(meta.value.reserved), b"abcde")
    unset = Guarded(Picture, struct_size=0)
    for arguments in ((_meta(GREY), unset), (_meta(GREY), None), (None, good)):
        scene.expect("layout of nothing", str(scene.library("picture_layout", *arguments)), "-1 EINVAL")
    scene.expect("description of nothing", str(scene.library("picture_describe", None, good)), "-1 EINVAL")


@promise
def keeps_raw_pictures_from_version_1(scene: Scene) -> None:
    """A ring of version 1's geometry takes no raw picture; in any other each is a keyframe."""
    writer = scene.writer()
    for codec in range(32, 64):
        scene.expect(f"write of codec {codec}", str(writer.write(FRAME, codec=codec)), "-1 EINVAL")
        scene.expect(f"commit of codec {codec}", str(writer.place(FRAME, codec=codec)), "-1 EINVAL")
        writer.abort()
    scene.expect("frames written", writer.info().frames, 0)
    scene.expect("write of another codec", str(writer.write(FRAME)), "0")
    other = scene.new_name()
    writer, reader = scene.writer(other, slots=30, slot_size=512 * 1024 + 1), scene.reader(other)
    for codec in (NV12, GREY):
        scene.expect(f"write of codec {codec}", str(writer.write(FRAME, codec=codec)), "0")
        scene.expect(f"keyframe's flag of codec {codec}", reader.look().flags & KEYFRAME, KEYFRAME)
    scene.expect("version", writer.info().version, 2)
