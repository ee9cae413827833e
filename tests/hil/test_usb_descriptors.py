# SPDX-License-Identifier: Apache-2.0
"""The descriptors of a USB camera, read back as a host's driver reads them."""

import struct
from collections.abc import Iterator

import pytest
from usb_host import STANDARD_IN, Plug, plugging

from hil.usb.configuration import configuration
from hil.usb.designs import DESIGNS, Design

plug = pytest.fixture(plugging)

GET_DESCRIPTOR = 6


def descriptors(data: bytes) -> Iterator[bytes]:
    """Each descriptor; their lengths must fill the whole."""
    at = 0
    while at < len(data):
        assert data[at] >= 2 and at + data[at] <= len(data)
        yield data[at : at + data[at]]
        at += data[at]


def parsed(design: Design) -> list[bytes]:
    largest = {clip: 1000 + clip[1] * clip[2] for clip in design.clips()}
    return list(descriptors(configuration(design, largest)))


@pytest.mark.parametrize("name", DESIGNS)
def test_lengths_and_counts_agree(name: str) -> None:
    design = DESIGNS[name]
    head, *rest = parsed(design)
    assert struct.unpack_from("<HB", head, 2) == (9 + sum(map(len, rest)), 4 if design.microphone else 2)
    interfaces = [each for each in rest if each[1] == 4]
    assert {each[2] for each in interfaces} == set(range(head[4]))
    for at, each in enumerate(rest):
        if each[1] != 4:
            continue
        following = rest[at + 1 :]
        until = next((place for place, other in enumerate(following) if other[1] in (4, 11)), len(following))
        assert sum(other[1] == 5 for other in following[:until]) == each[4]  # bNumEndpoints
        classes = [other for other in following[:until] if other[1] == 0x24]
        if classes and each[5] == 0x0E and each[6] in (1, 2):  # the first one's wTotalLength
            place = 5 if each[6] == 1 else 4
            assert struct.unpack_from("<H", classes[0], place)[0] == sum(map(len, classes))
        if classes and each[5] == 1 and each[6] == 1:
            assert struct.unpack_from("<H", classes[0], 5)[0] == sum(map(len, classes))


@pytest.mark.parametrize("name", DESIGNS)
def test_formats_and_sizes_are_those_of_the_design(name: str) -> None:
    design = DESIGNS[name]
    streaming = [
        each for each in parsed(design) if each[1] == 0x24 and each[2] in (4, 5, 6, 7, 0x10, 0x11) and each[0] > 12
    ]
    streaming = [each for each in parsed(design) if _is_format(each) or _is_frame(each)]
    found: list[tuple[str, list[tuple[int, int, tuple[int, ...], bool]]]] = []
    for each in streaming:
        if _is_format(each):
            assert each[3] == len(found) + 1
            found.append(("MJPG" if each[2] == 6 else each[5:9].decode(), []))
            frames_told = each[4]
            continue
        _form, frames = found[-1]
        width, height = struct.unpack_from("<HH", each, 5)
        count_at = 21 if each[2] == 0x11 else 25
        intervals = struct.unpack_from(f"<{each[count_at] or 3}I", each, 26)
        frames.append(
            (width, height, intervals, False) if each[count_at] else (width, height, intervals[:2], True)
        )  # 0: the shortest and the longest one, and a step
        assert each[3] == len(frames) <= frames_told
        assert len(each) == 26 + 4 * len(intervals)
        if each[2] != 0x11:
            clip = design.formats[len(found) - 1].clip
            assert struct.unpack_from("<I", each, 17)[0] == 1000 + width * height, clip  # dwMaxVideoFrameBufferSize
    names = {"YUYV": "YUY2", "HEVC": "H265"}
    assert found == [
        (names.get(form.fourcc, form.fourcc), [tuple(frame) for frame in form.frames]) for form in design.formats
    ]


def _is_format(each: bytes) -> bool:
    return each[1] == 0x24 and (each[2], len(each)) in ((4, 27), (6, 11), (0x10, 28)) and each[3] < 10


def _is_frame(each: bytes) -> bool:
    return each[1] == 0x24 and each[2] in (5, 7, 0x11) and len(each) > 26


@pytest.mark.parametrize(
    ("name", "version", "unit"), [("uvc10", 0x0100, 11), ("mjpeg", 0x0110, 12), ("uvc15", 0x0150, 13)]
)
def test_units_are_of_the_version(name: str, version: int, unit: int) -> None:
    """The processing unit grew in each version; a driver that finds a shorter one refuses the camera."""
    found = parsed(DESIGNS[name])
    header = next(each for each in found if each[1:3] == b"\x24\x01")
    assert struct.unpack_from("<H", header, 3)[0] == version
    processing = next(each for each in found if each[1:4] == b"\x24\x05\x02")
    assert processing[0] == unit
    video = next(each for each in found if each[1] == 4)
    assert video[7] == (version >= 0x0150)  # bInterfaceProtocol


def test_alternates_carry_what_their_packets_say() -> None:
    found = parsed(DESIGNS["mjpeg"])
    endpoints = [each for each in found if each[1] == 5 and each[2] == 0x81]
    assert [each[3] & 3 for each in endpoints] == [1] * 4  # isochronous
    sizes = [struct.unpack_from("<H", each, 4)[0] for each in endpoints]
    assert [(size & 0x7FF) * ((size >> 11) + 1) for size in sizes] == [512, 1024, 2048, 3072]
    bulk = [each for each in parsed(DESIGNS["bulk"]) if each[1] == 5 and each[2] == 0x81]
    assert [(each[3] & 3, struct.unpack_from("<H", each, 4)[0]) for each in bulk] == [(2, 512)]


def test_the_device_tells_its_texts(plug: Plug) -> None:
    host = plug()
    device = host.got(STANDARD_IN, GET_DESCRIPTOR, 0x0100, 0, 18)
    assert (len(device), device[1]) == (18, 1)
    texts = [
        host.got(STANDARD_IN, GET_DESCRIPTOR, 0x0300 | index, 0x0409)[2:].decode("utf-16-le") for index in device[14:17]
    ]
    assert texts == ["Maker", "Camera", "S1"]
    # A host asks for the head first, and for all of it then.
    head = host.got(STANDARD_IN, GET_DESCRIPTOR, 0x0200, 0, 9)
    (total,) = struct.unpack_from("<H", head, 2)
    assert len(head) == 9 and len(host.got(STANDARD_IN, GET_DESCRIPTOR, 0x0200, 0, total)) == total
    refused = host.control(STANDARD_IN, GET_DESCRIPTOR, 0x0F00, 0, 5)
    assert refused is not None and refused.status == -32
