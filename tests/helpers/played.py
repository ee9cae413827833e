# SPDX-License-Identifier: Apache-2.0
"""Plays streams into rings for tests of Pictures, and lets FFmpeg's program say what their pictures are."""

import hashlib
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any

import numpy
from corpus.table import Stream
from encoded import brightness
from judges import TIMEOUT_S, ffmpeg

from vshm_ctypes import Codec, Picture, Pictures, Producer
from vshm_ctypes.bitstream import EntryPoint, entry_point

CODECS = {"h264": Codec.H264, "h265": Codec.H265}
DEMUXERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}


def units_of(stream: Stream) -> list[bytes]:
    """Return the access units of a stream of the corpus."""
    units, at = [], stream.begin
    for size in stream.sizes:
        units.append(stream.data[at : at + size])
        at += size
    return units


def write(producer: Producer, units: Iterable[bytes], codec: Codec, **meta: Any) -> None:
    """Write access units, flagged as keyframes where decoding can begin."""
    for unit in units:
        keyframe = entry_point(unit, codec) is not EntryPoint.NONE
        producer.write(unit, **{"keyframe": keyframe, "codec": codec, "width": 64, "height": 48, "fps": 25, **meta})


def pictures_of(ring: str, units: Sequence[bytes], codec: Codec, **options: Any) -> list[Picture]:
    """Return all pictures that a reader of a ring gets of units that are written into it."""
    options = {"policy": "every", **options}
    with Producer(ring, slots=len(units) + 1, slot_size=2**20) as producer, Pictures(ring, **options) as pictures:
        write(producer, units, codec)
        producer.close()
        found = [*pictures]
        books = pictures.books
    assert books.returned == len(found)
    assert books.span == books.returned + books.skipped + books.damaged + books.missed
    return found


def samples(picture: Any) -> bytes:
    """Return the samples of PyAV's picture as FFmpeg's program writes them raw: plane by plane, without padding."""
    rows = []
    for plane, component in zip(picture.planes, _of_planes(picture.format), strict=True):
        width = component.width * (2 if component.bits > 8 else 1)
        array = numpy.frombuffer(plane, numpy.uint8).reshape(-1, plane.line_size)
        rows.append(array[: component.height, :width].tobytes())
    return b"".join(rows)


def _of_planes(form: Any) -> list[Any]:
    """Return a component of each plane."""
    return list({component.plane: component for component in form.components}.values())


def number_of(picture: Picture) -> int:
    """Return the number, modulo 20, that the brightness of a picture of encoded.py or coded_streams.py tells."""
    luma = picture.decoded.planes[0]
    level = numpy.frombuffer(luma, numpy.uint8).reshape(-1, luma.line_size)[:, : picture.decoded.width].mean()
    return round((float(level) - brightness(0)) / 10)


def hashes(pictures: Iterable[Picture]) -> list[str]:
    """Return the MD5 sum of each picture's samples."""
    return [hashlib.md5(samples(picture.decoded)).hexdigest() for picture in pictures]


def by_ffmpeg(data: bytes, codec: Codec) -> list[str]:
    """Return the MD5 sums of the pictures of a stream that FFmpeg's program decodes."""
    # Cropped as the stream says: FFmpeg before 9 does so only if it may hand out rows that are not aligned.
    words = ["-v", "error", "-noautorotate", "-flags", "unaligned", "-f", DEMUXERS[codec], "-i", "-"]
    words += ["-fps_mode", "passthrough", "-noautoscale", "-f", "framemd5", "-"]
    done = subprocess.run([ffmpeg(), *words], input=data, capture_output=True, timeout=TIMEOUT_S, check=False)
    lines = done.stdout.decode().splitlines()
    return [line.rpartition(",")[2].strip() for line in lines if not line.startswith("#")]
