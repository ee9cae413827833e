# SPDX-License-Identifier: Apache-2.0
"""Converts a stream of a bundle for browsers: to a film, timed as its frames were received, or to stills.

A bundle's content is not trusted: broken pictures are left out, and the work is bounded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

from ...bitstream import StreamError, whole_jpeg
from ...bitstream.jpeg import jpeg_size

DEMUXERS = {"h264": "h264", "h265": "hevc", "mjpeg": "mjpeg"}
PLAYED_FPS = 90_000
STILLS = 6
MOST_PIXELS = 3 * 10**9  # of all pictures that are encoded again: a minute of 1080p at 25 frames/s
LARGEST_PIXELS = 2**25  # of one picture: 8K
# Browsers play no Motion JPEG in MP4.
ENCODER, OPTIONS = "libx264", {"preset": "ultrafast", "crf": "20"}

_BT_601, _LIMITED = 6, 1  # matrix and range, as FFmpeg numbers them


def film(content: bytes, ending: str, frames: list[dict[str, int]]) -> bytes:
    """Return a raw stream as MP4; only JPEG is encoded again. Raises ImportError, ValueError, OSError."""
    import av

    packed = io.BytesIO()
    with av.open(packed, "w", format="mp4") as out:
        if ending == "mjpeg":
            _encode(out, content, frames)
        else:
            _copy(out, content, ending, frames)
    return packed.getvalue()


def stills(content: bytes, frames: list[dict[str, int]]) -> list[tuple[int, bytes]]:
    """Return (frame number, JPEG picture) of some frames spread over the stream, as they were written."""
    step = max(len(frames) // STILLS, 1)
    found = []
    for frame, data in list(_units(content, frames))[::step]:
        with suppress(StreamError):
            found.append((frame["number"], whole_jpeg(data)))
    return found[:STILLS]


def _units(content: bytes, frames: list[dict[str, int]]) -> Iterator[tuple[dict[str, int], bytes]]:
    """Yield the frames with their bytes, until the bytes end."""
    at = 0
    for frame in frames:
        data = content[at : at + frame["size"]]
        at += frame["size"]
        if len(data) < frame["size"]:
            return
        yield frame, data


class _Times:
    """Presentation times of frames: as they were received, and strictly rising."""

    def __init__(self, frames: list[dict[str, int]]) -> None:
        self._first_ns = frames[0]["received_ns"]
        self._last = -1

    def of(self, frame: dict[str, int]) -> int:
        """Return the frame's time in units of 1/PLAYED_FPS s."""
        self._last = max((frame["received_ns"] - self._first_ns) * PLAYED_FPS // 10**9, self._last + 1)
        return self._last


def _copy(out: Any, content: bytes, ending: str, frames: list[dict[str, int]]) -> None:
    import av

    with av.open(io.BytesIO(content), format=DEMUXERS[ending]) as probe:
        stream, times = out.add_stream_from_template(probe.streams.video[0]), _Times(frames)
        if ending == "h265":
            stream.codec_context.codec_tag = "hvc1"  # Safari plays no other
        for frame, data in _units(content, frames):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, PLAYED_FPS)
            packet.pts = packet.dts = times.of(frame)
            packet.is_keyframe = bool(frame["keyframe"])
            out.mux(packet)


def _encode(out: Any, content: bytes, frames: list[dict[str, int]]) -> None:
    stream, times, pixels = None, _Times(frames), 0
    for frame, data in _units(content, frames):
        picture = _decoded(data)
        pixels += picture.width * picture.height if picture is not None else 0
        if pixels > MOST_PIXELS:
            break
        if picture is None:
            continue
        if stream is None:
            stream = out.add_stream(ENCODER, options=OPTIONS)
            stream.width, stream.height = (max(side & ~1, 2) for side in (picture.width, picture.height))
            stream.pix_fmt = "yuv420p"
            stream.codec_context.colorspace, stream.codec_context.color_range = _BT_601, _LIMITED
            stream.time_base = stream.codec_context.time_base = Fraction(1, PLAYED_FPS)
        shown = picture.reformat(stream.width, stream.height, "yuv420p", dst_color_range="MPEG")  # not JPEG's
        shown.pts, shown.time_base = times.of(frame), Fraction(1, PLAYED_FPS)
        out.mux(stream.encode(shown))
    if stream is None:
        raise ValueError("none of its pictures can be decoded")
    out.mux(stream.encode(None))


def _decoded(data: bytes) -> Any:
    """Decode a picture. Returns None if it is broken or too large."""
    import av

    width, height = jpeg_size(data) or (0, 0)
    if not 0 < width * height <= LARGEST_PIXELS:
        return None
    with suppress(StreamError, av.error.FFmpegError):
        for picture in av.CodecContext.create("mjpeg", "r").decode(av.Packet(whole_jpeg(data))):
            return picture
    return None
