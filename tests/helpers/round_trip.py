# SPDX-License-Identifier: Apache-2.0
"""Sends a clip through camera-streamer, a ring and vshm record, and judges the result independently.

The clips are made by FFmpeg's encoders; FFmpeg's programs, and not PyAV's, decode and describe what was recorded.
"""

import json
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import judges
from streamers import streaming

from vshm_ctypes.cli.main import main as vshm_main

PICTURES, SIZE, RATE = 14, "64x64", 50
TIMEOUT_S = 60
RAW = {"h264": "h264", "hevc": "h265", "mjpeg": "mjpeg"}  # endings of raw streams


@dataclass(frozen=True)
class Clip:
    """arguments: FFmpeg's, of encoder and container. codec: as FFmpeg calls it. ending: of the file."""

    name: str
    codec: str
    arguments: str
    ending: str
    size: str = SIZE

    def __str__(self) -> str:
        return f"{self.name}.{self.ending}"

    def make(self, folder: Path) -> Path:
        """Make the file."""
        path = folder / f"{self.name.replace(' ', '_')}.{self.ending}"
        pattern = f"testsrc2=size={self.size}:rate={RATE}"
        words = ["-v", "error", "-f", "lavfi", "-i", pattern, "-frames:v", str(PICTURES), "-threads", "1"]
        run(judges.ffmpeg(), *words, *shlex.split(self.arguments), str(path))
        return path


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"
    return done.stdout


def pictures(path: Path) -> list[str]:
    """Return a checksum of each picture, in output order."""
    known = {".h264": "h264", ".h265": "hevc"}.get(path.suffix)  # what begins unusually is taken for something else
    form = ["-f", known] if known else []
    words = ["-v", "error", *form, "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"]
    lines = run(judges.ffmpeg(), *words).splitlines()
    return [line.rsplit(",", 1)[1].strip() for line in lines if not line.startswith("#")]


def probe(path: Path, *what: str) -> Any:
    """Return what ffprobe tells about the pictures of a file."""
    words = ["-v", "error", "-select_streams", "v:0", *what, "-of", "json", str(path)]
    return json.loads(run(judges.ffprobe(), *words))


def packets(path: Path) -> list[dict[str, Any]]:
    """Return the packets as ffprobe tells them."""
    return probe(path, "-show_packets")["packets"]  # type: ignore[no-any-return]


@contextmanager
def play(source: Path, ring: str, options: str) -> Iterator[None]:
    """Run camera-streamer, which plays a file in a loop."""
    with streaming(ring, "--device", f"file:{source}", "--loop", "--channel", f"{ring}:{options}"):
        yield


def record(source: Path, ring: str, count: int, outputs: list[Path]) -> None:
    """Record the first pictures of a file into others through a ring, while it plays in a loop."""
    with play(source, ring, "encoder=copy,slots=300,slot=256k"):
        for output in outputs:
            assert vshm_main(["record", ring, "--from", "oldest", "-c", str(count), "-o", str(output)]) == 0
