# SPDX-License-Identifier: Apache-2.0
"""Files of Motion JPEG whose header does not fit their pictures, and those of fields, where it does not have to."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import play, source_of
from jpegs import HEIGHT, WIDTH, jpeg, put_in
from own_clock import Clock

COUNT = 6


@pytest.fixture
def clock() -> Clock:
    return Clock()


def write(path: Path, packets: Sequence[bytes]) -> Path:
    """A file whose header tells pictures of twice the height."""
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


def test_two_fields_of_a_picture_are_put_together(clock: Clock, tmp_path: Path) -> None:
    fields = [put_in(jpeg(), 0xE0, b"AVI1" + bytes([polarity]) + bytes(9)) for polarity in (1, 2)]
    path = write(tmp_path / "clip.avi", [b"".join(fields)] * COUNT)
    found = [captured.picture for captured in play(source_of(path, clock)) if captured.picture is not None]
    assert [(picture.width, picture.height) for picture in found] == [(WIDTH, 2 * HEIGHT)] * COUNT
