# SPDX-License-Identifier: Apache-2.0
"""Real H.264 for tests: small pictures, each of a brightness that tells its number."""

import functools
from fractions import Fraction

import av
import numpy

WIDTH, HEIGHT, FPS, GOP = 64, 48, 25, 10


def brightness(number: int) -> int:
    """Of picture number, modulo 20; far enough apart to survive the encoder."""
    return 20 + number % 20 * 10


@functools.cache
def access_units(count: int) -> list[tuple[bytes, bool]]:
    """(bytes, whether it is a keyframe) for each picture; parameter sets are in front of every keyframe."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.gop_size = GOP
    encoder.options = {"tune": "zerolatency", "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:annexb=1"}
    packets = []
    for number in range(count):
        picture = numpy.full((HEIGHT * 3 // 2, WIDTH), 128, numpy.uint8)
        picture[:HEIGHT] = brightness(number)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [(bytes(packet), packet.is_keyframe) for packet in packets]


def decoded(path: str, cut: bool = False) -> list[tuple[float, int]]:
    """(time in seconds, number modulo 20) for each picture of a file. cut: its last picture may be cut off."""
    with av.open(path) as container:
        pictures = []
        try:
            for frame in container.decode(video=0):
                level = float(frame.to_ndarray(format="yuv420p")[:HEIGHT].mean())
                pictures.append((frame.time or 0.0, round((level - brightness(0)) / 10)))
        except av.error.InvalidDataError:
            if not cut:
                raise
        return pictures
