# SPDX-License-Identifier: Apache-2.0
"""Makes JPEG pictures for tests, and takes them apart."""

import struct
from collections.abc import Sequence

import av
import cv2
import numpy
from numpy.typing import NDArray

WIDTH, HEIGHT = 64, 48
SOI, EOI = b"\xff\xd8", b"\xff\xd9"
VARIANTS: dict[str, list[int]] = {
    "baseline": [],
    "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
    "own tables": [cv2.IMWRITE_JPEG_OPTIMIZE, 1],
    "4:4:4": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
}


def drawn(seed: int = 1) -> NDArray[numpy.uint8]:
    """Return a picture with edges, colours and noise, in BGR."""
    picture = numpy.zeros((HEIGHT, WIDTH, 3), numpy.uint8)
    picture[:, : WIDTH // 2] = (200, 60, 90)
    picture[HEIGHT // 3 :, WIDTH // 3 :] = (30, 180, 220)
    picture += numpy.random.default_rng(seed).integers(0, 30, picture.shape, numpy.uint8)
    return picture


def jpeg(variant: str = "baseline", seed: int = 1, quality: int = 90) -> bytes:
    """Return a JPEG picture by libjpeg."""
    done, data = cv2.imencode(".jpg", drawn(seed), [cv2.IMWRITE_JPEG_QUALITY, quality, *VARIANTS[variant]])
    assert done
    return data.tobytes()


def segment(marker: int, body: bytes) -> bytes:
    """Return a marker segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", 2 + len(body)) + body


def segments(data: bytes) -> list[tuple[int, bytes]]:
    """Return (marker, parameters) up to the first scan; the data after that scan's header has marker 0."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((data[at + 1], data[at + 4 : at + 2 + size]))
        at += 2 + size
    size = int.from_bytes(data[at + 2 : at + 4], "big")
    return [*found, (0xDA, data[at + 4 : at + 2 + size]), (0, data[at + 2 + size :])]


def joined(parts: Sequence[tuple[int, bytes]]) -> bytes:
    """Return the picture with these segments."""
    return SOI + b"".join(segment(marker, body) if marker else body for marker, body in parts)


def without(data: bytes, marker: int) -> bytes:
    """Return the picture without its segments of that kind."""
    return joined([part for part in segments(data) if part[0] != marker])


def put_in(data: bytes, marker: int, body: bytes) -> bytes:
    """Return the picture with one more segment before all others."""
    return joined([(marker, body), *segments(data)])


def strayed(data: bytes, stray: bytes) -> bytes:
    """Return the picture with these bytes in front of each segment of its header, which belong to none."""
    *heads, (_, rest) = segments(data)
    return SOI + b"".join(stray + segment(marker, body) for marker, body in heads) + rest


def by_opencv(data: bytes) -> NDArray[numpy.uint8]:
    """Decode the picture with libjpeg, to BGR."""
    picture = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR)
    assert picture is not None, "libjpeg does not decode it"
    return picture.astype(numpy.uint8)


def by_pyav(data: bytes) -> NDArray[numpy.uint8]:
    """Decode the picture with FFmpeg, and return its luma."""
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.options = {"err_detect": "explode"}
    (picture,) = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    return numpy.frombuffer(memoryview(picture.planes[0]), numpy.uint8).copy()
