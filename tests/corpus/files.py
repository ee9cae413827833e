# SPDX-License-Identifier: Apache-2.0
"""Files of the corpus that are no raw streams: what is special about their container, colours, size or length."""

import shlex
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corpus.encoders import run

FOLDER = Path(__file__).parent
GREYS = (0, 64, 128, 192, 255)  # patches of full_range.mkv, each 16 pixels wide, from left to right


@dataclass(frozen=True)
class File:
    """made: FFmpeg's arguments, in front of the file's name; or what makes its bytes."""

    name: str
    made: str | Callable[[], bytes]
    special: str
    outcome: str

    @property
    def path(self) -> Path:
        return FOLDER / self.name

    def make(self) -> None:
        if isinstance(self.made, str):
            run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", *shlex.split(self.made), str(self.path))
        else:
            self.path.write_bytes(self.made())


def picture(size: str) -> bytes:
    """Return a JPEG picture."""
    return run(*f"ffmpeg -v error -f lavfi -i testsrc2=size={size} -frames:v 1 -pix_fmt yuvj420p -f mjpeg -".split())


def cut_with_thumbnail() -> bytes:
    thumbnail, whole = picture("32x24"), picture("64x48")
    inside = b"Exif\0\0" + thumbnail
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(inside)) + inside
    return whole[:2] + segment + whole[2 : len(whole) * 2 // 3]


def full_range() -> bytes:
    """Return three pictures of 80x48, full range, as Matroska."""
    line = b"".join(bytes([grey]) * 16 for grey in GREYS)
    with tempfile.TemporaryDirectory() as folder:
        raw, out = Path(folder, "raw"), Path(folder, "out.mkv")
        raw.write_bytes((line * 48 + bytes([128]) * (80 * 48 // 2)) * 3)
        told = "-f rawvideo -pix_fmt yuvj420p -video_size 80x48 -framerate 10"
        run("ffmpeg", "-v", "error", *told.split(), "-i", str(raw), "-c:v", "mjpeg", "-q:v", "2", str(out))
        return out.read_bytes()


FILES = (
    File(
        "starts_late.ts",
        "testsrc2=size=64x48:rate=10 -frames:v 12 -c:v libx264 -g 4 -bf 1 -pix_fmt yuv420p -output_ts_offset 3600",
        "the first picture's time is one hour",
        "12 pictures, which play at once",
    ),
    File(
        "odd_size.mp4",
        "testsrc2=size=65x49:rate=25 -frames:v 6 -c:v libx264 -pix_fmt yuv444p",
        "odd width and height",
        "6 pictures of 65x49; encoded anew, one pixel less or more",
    ),
    File(
        "full_range.mkv",
        full_range,
        f"full range: grey patches of {', '.join(map(str, GREYS))}",
        "the same grey after encoding, within 3 levels",
    ),
    File(
        "still.png",
        "testsrc2=size=64x48 -frames:v 1",
        "one picture",
        "looped, it is held one interval each, and that is no interruption",
    ),
    File(
        "cut_with_thumbnail.jpg",
        cut_with_thumbnail,
        "a picture that is cut off, with a whole thumbnail in APP1",
        "refused as cut off",
    ),
)
