# SPDX-License-Identifier: Apache-2.0
"""Files of Motion JPEG whose header does not fit their pictures, and those of fields, where it does not have to."""

import logging
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from clips import luma_of, play, source_of
from jpegs import HEIGHT, WIDTH, jpeg, put_in
from own_clock import Clock

from hil.streamer.sources.file import FileSource
from hil.streamer.sources.timeline import Timeline

COUNT = 6


@pytest.fixture
def clock() -> Clock:
    return Clock()


def write(path: Path, packets: Sequence[bytes]) -> Path:
    """Write a file whose header gives pictures of twice the height, and return its path."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, 2 * HEIGHT, "yuvj420p"
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), stream, True
            output.mux(packet)
    return path


@pytest.mark.parametrize("name", ["clip.mkv", "clip.avi", "clip.mp4"])
def test_pictures_of_less_height_than_the_file_tells_are_no_halves_of_one(
    clock: Clock, tmp_path: Path, name: str
) -> None:
    path = write(tmp_path / name, [jpeg(seed=number) for number in range(COUNT)])
    found = [captured.picture for captured in play(source_of(path, clock)) if captured.picture is not None]
    assert [(picture.width, picture.height) for picture in found] == [(WIDTH, HEIGHT)] * COUNT


def fields(first: int) -> bytes:
    """Return both fields of a picture whose odd lines are light. first: polarity of the first; 1: odd lines."""
    levels = {1: 200, 2: 50}
    made = []
    for polarity in (first, 3 - first):
        grey = numpy.full((HEIGHT, WIDTH), levels[polarity], numpy.uint8)
        encoder: Any = av.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = WIDTH, HEIGHT, "yuvj420p", Fraction(1, 25)
        (packet,) = encoder.encode(av.VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuvj420p"))
        made.append(put_in(bytes(packet), 0xE0, b"AVI1" + bytes([polarity]) + bytes(9)))
    return b"".join(made)


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("name", ["clip.mkv", "clip.avi", "clip.mov"])
def test_two_fields_of_a_picture_are_put_together_as_they_say(
    clock: Clock, tmp_path: Path, name: str, first: int
) -> None:
    path = write(tmp_path / name, [fields(first)] * COUNT)
    found = [captured.picture for captured in play(source_of(path, clock)) if captured.picture is not None]
    assert [(picture.width, picture.height) for picture in found] == [(WIDTH, 2 * HEIGHT)] * COUNT
    for picture in found:
        lines = luma_of(picture)[:, WIDTH // 2]
        assert lines[::2].min() > 190
        assert lines[1::2].max() < 60


def test_of_fields_that_are_passed_through_it_is_said_that_the_second_is_not(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    path = write(tmp_path / "clip.avi", [fields(1)] * COUNT)
    source = FileSource(str(path), False, Timeline(clock, clock.sleep), copy=True)
    source.open()
    assert (source.width, source.height) == (WIDTH, HEIGHT)
    source.close()
    assert "two JPEG pictures of half the height" in caplog.text
    assert "leave encoder=copy away" in caplog.text
