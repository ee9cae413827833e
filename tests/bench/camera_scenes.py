# SPDX-License-Identifier: Apache-2.0
"""What camera_process.py compares: camera-streamer and others, with the same pictures, encoder and settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from process_cost import Program

from vshm_ctypes import Codec

WIDTH, HEIGHT, FPS, GOP, QUALITY = 1280, 720, 30, 30, 80
SIZE = f"{WIDTH}x{HEIGHT}"
CHANNELS = (("1280x720", "2M"), ("640x360", "700k"), ("320x180", "300k"))
CHANNEL = f"{SIZE}@{FPS},2M,gop={GOP}"
START_S = 0.5
LONGEST_START_S = 6.0
# A frame header of that size, since ustreamer shows a picture of its own, of another one, until the camera's come.
SOF = b"\xff\xc0\0\x11\x08" + HEIGHT.to_bytes(2, "big") + WIDTH.to_bytes(2, "big")
RING = f"vshm_bench_{os.getpid()}"


@dataclass(frozen=True)
class Scene:
    """Two sides that do the same, and a third that shows how little can do. floor: what that is.

    cpu, memory: the most that ours may take of theirs. most_mb: in MB instead.
    """

    ours: Sequence[Program]
    theirs: Sequence[Program]
    cpu: float
    memory: float | None = None
    most_mb: float | None = None
    least: Sequence[Program] = ()
    floor: str = ""


def streamer(device: str, channels: Sequence[str], codec: Codec = Codec.H264) -> Program:
    """Return camera-streamer with channels of these settings."""
    rings = [f"/{RING}_{number}" for number in range(len(channels))]
    words = [word for ring, said in zip(rings, channels, strict=True) for word in ("--channel", f"{ring}:{said}")]
    return Program([sys.executable, "-m", "hil.streamer", "--device", device, *words], codec, rings)


def ffmpeg(source: Sequence[str], encoder: Sequence[str], others: Sequence[str] = ()) -> Program:
    """Return ffmpeg, which plays a source into a pipe of H.264. others: words for more outputs."""
    quiet = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]
    return Program([*quiet, *source, "-map", "0:v:0", *encoder, "-f", "h264", "-flush_packets", "1", "pipe:1", *others])


def x264(size: str, bits: str, pixels: str = "yuv420p") -> list[str]:
    """Return ffmpeg's words for what camera-streamer asks of libx264."""
    gop = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0:repeat-headers=1"
    words = ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-b:v", bits, "-x264-params", gop]
    scale = ["-s", size, "-sws_flags", "bilinear"] if size != SIZE else []
    return [*scale, "-pix_fmt", pixels, "-forced-idr", "1", *words]


def least_loop(path: Path, how: str) -> Program:
    """Return the least program with PyAV."""
    ring = f"/{RING}_0"
    return Program([sys.executable, str(Path(__file__).with_name("least_loop.py")), ring, str(path), how], rings=[ring])


def three_channels(path: Path, pixels: str = "yuv420p") -> Scene:
    """Return the scene of three channels from one file, beside three ffmpegs that each play it."""
    played = ["-re", "-i", str(path)]
    others = [[*x264(*channel, pixels), "-f", "h264", "-y", "/dev/null"] for channel in CHANNELS[1:]]
    more = [word for words in others for word in ("-map", "0:v:0", *words)]
    return Scene(
        [streamer(f"file:{path}", [f"{size}@{FPS},{bits},gop={GOP}" for size, bits in CHANNELS])],
        [ffmpeg(played, x264(*channel, pixels)) for channel in CHANNELS],
        0.9,
        least=[ffmpeg(played, x264(*CHANNELS[0], pixels), more)],
        floor="one ffmpeg for all three",
    )


def file_scenes(clips: dict[str, Path]) -> dict[str, Scene]:
    """Return the scenes that need no camera, by name."""
    raw, coded, floor = clips["raw"], clips["h264"], "the least loop in Python"
    encoder = ffmpeg(["-re", "-i", str(raw)], x264(SIZE, "2M"))
    copier = ffmpeg(["-re", "-i", str(coded)], ["-c", "copy"])
    return {
        "encode": Scene(
            [streamer(f"file:{raw}", [CHANNEL])],
            [encoder],
            1.0,
            memory=0.9,
            least=[least_loop(raw, "encode")],
            floor=floor,
        ),
        "pass-through": Scene(
            [streamer(f"file:{coded}", ["encoder=copy"])],
            [copier],
            1.3,
            most_mb=20.0,
            least=[least_loop(coded, "copy")],
            floor=floor,
        ),
        "three-channels": three_channels(raw),
        "three-of-jpeg": three_channels(clips["jpeg"], "yuvj420p"),
    }


def camera_scenes(camera: str, folder: Path) -> dict[str, Scene]:
    """Return the scenes with a camera, by name. folder: for a socket."""
    pictures = ["-f", "v4l2", "-framerate", str(FPS), "-video_size", SIZE, "-i", camera]
    sink = f"{RING}_sink"
    words = ["--device", camera, "--format", "YUYV", "--resolution", SIZE, "--desired-fps", str(FPS)]
    words += ["--quality", str(QUALITY), "--unix", f"{folder}/socket", "--unix-rm"]
    theirs = ["ustreamer", *words, "--sink", sink, "--sink-rm", "--log-level", "0"]
    dump = ["ustreamer-dump", "--sink", sink, "--sink-timeout", "60", "--output", "-"]
    ours = streamer(camera, [f"{SIZE}@{FPS},codec=jpeg,quality={QUALITY}"], Codec.JPEG)
    return {
        "camera": Scene([streamer(camera, [CHANNEL])], [ffmpeg(pictures, x264(SIZE, "2M"))], 1.0, memory=0.9),
        "jpeg": Scene([ours], [Program(theirs, Codec.JPEG, (), dump, Path("/dev/shm", sink), SOF)], 1.0, memory=2.0),
    }


def make_clips(folder: Path, seconds: float) -> dict[str, Path]:
    """Write the same moving picture raw, as H.264, and as a USB camera's JPEG. Returns the files by name."""
    pattern = ["-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate={FPS}", "-t", f"{seconds:g}"]
    encoders = {
        "raw.y4m": ["-pix_fmt", "yuv420p"],
        "h264.mp4": x264(SIZE, "2M"),
        "jpeg.mkv": ["-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "4"],
    }
    clips = {}
    for name, encoder in encoders.items():
        path = clips[name.partition(".")[0]] = folder / name
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *pattern, *encoder, str(path)], check=True)
    return clips
