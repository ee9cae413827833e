# SPDX-License-Identifier: Apache-2.0
"""Small files with numbered pictures, played by a clock that sleeping advances."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
from encoded import brightness
from own_clock import Clock

from hil.streamer.sources.file import FileSource
from hil.streamer.sources.source import Captured
from hil.streamer.sources.timeline import Timeline

WIDTH, HEIGHT, FPS = 64, 48, 25
X264 = {"x264-params": "keyint=10:min-keyint=10:scenecut=0:bframes=2"}


def picture(number: int, pixels: str = "yuv420p") -> av.VideoFrame:
    """Return a picture with a brightness that tells its number modulo 20, and a white upper left corner."""
    luma = numpy.full((HEIGHT, WIDTH), brightness(number), numpy.uint8)
    luma[: HEIGHT // 4, : WIDTH // 4] = 255
    if pixels == "rgb24":
        return av.VideoFrame.from_ndarray(numpy.repeat(luma[:, :, None], 3, 2), format=pixels)
    if pixels == "gray":
        return av.VideoFrame.from_ndarray(luma, format=pixels)
    colour = numpy.full((HEIGHT // 2, WIDTH), 128, numpy.uint8)
    return av.VideoFrame.from_ndarray(numpy.concatenate([luma, colour]), format=pixels)


def luma_of(frame: av.VideoFrame) -> Any:
    """Return its luma, or one of three equal colours."""
    step = {"rgb24": 3, "bgra": 4}.get(frame.format.name, 1)
    plane = frame.planes[0]
    return numpy.frombuffer(bytes(plane), numpy.uint8).reshape(-1, plane.line_size)[
        : frame.height, : frame.width * step : step
    ]


def number_of(frame: av.VideoFrame | None) -> int:
    assert frame is not None
    luma = luma_of(frame)[frame.height // 2 :, frame.width // 2 :]
    return round((float(luma.mean()) - brightness(0)) / 10)


def write(
    path: Path,
    times: Iterable[float],
    encoder: str = "libx264",
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    fps: int = FPS,
) -> Path:
    """Write a file of pictures with those times, in seconds."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoder, rate=fps, options=X264 if encoder == "libx264" else options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        # A raw stream tells its rate by the encoder's time base, and MPEG-2 knows but some rates.
        is_plain = path.name.startswith("raw") or encoder == "mpeg2video"
        stream.codec_context.time_base = Fraction(1, fps if is_plain else 1000)
        for number, time_s in enumerate(times):
            frame = picture(number, pixels)
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def even(count: int, fps: float = FPS) -> list[float]:
    return [number / fps for number in range(count)]


def source_of(path: Path, clock: Clock, loop: bool = False, fps: float = 0.0) -> FileSource:
    source = FileSource(str(path), loop, Timeline(clock, clock.sleep), fps)
    source.open()
    return source


def play(source: Any, most: int = 1000) -> list[Captured]:
    """Return all pictures to the end, or the first count."""
    found: list[Captured] = []
    while len(found) < most:
        try:
            captured = source.read(0.1)
        except EOFError:
            break
        found += [captured] if captured else []
    source.close()
    return found


def offsets(found: Sequence[Captured]) -> list[float]:
    """Return the seconds since the first picture."""
    return [round((captured.capture_ns - found[0].capture_ns) / 1e9, 3) for captured in found]


def numbers(found: Sequence[Captured]) -> list[int]:
    return [number_of(captured.picture) for captured in found]
