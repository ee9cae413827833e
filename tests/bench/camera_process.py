# SPDX-License-Identifier: Apache-2.0
"""What a picture costs camera-streamer, beside FFmpeg's ffmpeg and beside ustreamer with the same work.

python tests/bench/camera_process.py [--camera /dev/videoN] [--only SCENE] [--rounds N] [--seconds S] [--json]
exit 1: over a limit, or no pictures came; 2: ffmpeg or ustreamer is not here

Without a camera, pictures of 1280x720 at 30 frames/s come from a file that both play at its own pace; a camera adds
JPEG beside ustreamer, and takes the file's place in the first line. The two take turns, ours first in one, last in the
next. Every program hands its pictures to a reader: ours through the ring, ffmpeg through a pipe, ustreamer through its
own shared memory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from process_cost import Cost, Program, measured, python_environment

from vshm_ctypes import Codec

WIDTH, HEIGHT, FPS, GOP, QUALITY = 1280, 720, 30, 30, 80
SIZE = f"{WIDTH}x{HEIGHT}"
CHANNELS = (("1280x720", "2M"), ("640x360", "700k"), ("320x180", "300k"))
CHANNEL = f"{SIZE}@{FPS},2M,gop={GOP}"
START_S = 0.5
LONGEST_START_S = 6.0
THEIRS = "of theirs"
RING = f"vshm_bench_{os.getpid()}"


@dataclass(frozen=True)
class Scene:
    """Two sides that do the same. cpu, memory: the most that ours may take of theirs. most_mb: in MB instead."""

    ours: Sequence[Program]
    theirs: Sequence[Program]
    cpu: float
    memory: float | None = None
    most_mb: float | None = None


class Row(NamedTuple):
    """A figure of a scene. ours, theirs: medians. of: what the limit is in, THEIRS if it is of our share of theirs."""

    what: str
    ours: float
    theirs: float
    spread: str
    limit: float | None
    of: str
    over: bool


def streamer(device: str, channels: Sequence[str], codec: Codec = Codec.H264) -> Program:
    """Return camera-streamer with channels of these settings."""
    rings = [f"/{RING}_{number}" for number in range(len(channels))]
    words = [word for ring, said in zip(rings, channels, strict=True) for word in ("--channel", f"{ring}:{said}")]
    return Program([sys.executable, "-m", "hil.streamer", "--device", device, *words], codec, rings)


def ffmpeg(source: Sequence[str], encoder: Sequence[str]) -> Program:
    """Return ffmpeg, which plays a source into a pipe of H.264."""
    quiet = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]
    return Program([*quiet, *source, "-map", "0:v:0", *encoder, "-f", "h264", "-flush_packets", "1", "pipe:1"])


def x264(size: str, bits: str) -> list[str]:
    """Return ffmpeg's words for what camera-streamer asks of libx264."""
    gop = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0:repeat-headers=1"
    words = ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-b:v", bits, "-x264-params", gop]
    scale = ["-s", size, "-sws_flags", "bilinear"] if size != SIZE else []
    return [*scale, "-pix_fmt", "yuv420p", "-forced-idr", "1", *words]


def file_scenes(clips: dict[str, Path]) -> dict[str, Scene]:
    """Return the scenes that need no camera, by name."""
    played, raw = ["-re", "-i", str(clips["raw"])], f"file:{clips['raw']}"
    coded = str(clips["h264"])
    return {
        "encode": Scene([streamer(raw, [CHANNEL])], [ffmpeg(played, x264(SIZE, "2M"))], 1.0, memory=0.9),
        "pass-through": Scene(
            [streamer(f"file:{coded}", ["encoder=copy"])],
            [ffmpeg(["-re", "-i", coded], ["-c", "copy"])],
            1.3,
            most_mb=20.0,
        ),
        "three-channels": Scene(
            [streamer(raw, [f"{size}@{FPS},{bits},gop={GOP}" for size, bits in CHANNELS])],
            [ffmpeg(played, x264(*channel)) for channel in CHANNELS],
            0.9,
        ),
    }


def camera_scenes(camera: str, folder: Path) -> dict[str, Scene]:
    """Return the scenes with a camera, by name. folder: for a socket."""
    pictures = ["-f", "v4l2", "-framerate", str(FPS), "-video_size", SIZE, "-i", camera]
    sink = f"{RING}_sink"
    words = ["--device", camera, "--format", "YUYV", "--resolution", SIZE, "--desired-fps", str(FPS)]
    words += ["--quality", str(QUALITY), "--unix", f"{folder}/socket"]
    theirs = ["ustreamer", *words, "--sink", sink, "--sink-rm", "--log-level", "0"]
    dump = ["ustreamer-dump", "--sink", sink, "--sink-timeout", "60", "--output", "-"]
    ours = streamer(camera, [f"{SIZE}@{FPS},codec=jpeg,quality={QUALITY}"], Codec.JPEG)
    return {
        "camera": Scene([streamer(camera, [CHANNEL])], [ffmpeg(pictures, x264(SIZE, "2M"))], 1.0, memory=0.9),
        "jpeg": Scene([ours], [Program(theirs, Codec.JPEG, reader=dump)], 1.0, memory=2.0),
    }


def make_clips(folder: Path, seconds: float) -> dict[str, Path]:
    """Write the same moving picture as raw pictures and as H.264, and return the files by name."""
    clips = {"raw": folder / "raw.y4m", "h264": folder / "h264.mp4"}
    pattern = ["-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate={FPS}", "-pix_fmt", "yuv420p", "-t", f"{seconds:g}"]
    for path, encoder in ((clips["raw"], []), (clips["h264"], x264(SIZE, "2M"))):
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *pattern, *encoder, str(path)], check=True)
    return clips


def compared(scene: Scene, rounds: int, measure: Callable[[Sequence[Program]], Cost]) -> tuple[list[Cost], list[Cost]]:
    """Measure both sides in turn, ours first in one turn and last in the next."""
    ours: list[Cost] = []
    theirs: list[Cost] = []
    for at in range(rounds * 2):
        for mine in (at % 2 == 0, at % 2 == 1):
            (ours if mine else theirs).append(measure(scene.ours if mine else scene.theirs))
    return ours, theirs


def judged(scene: Scene, ours: list[Cost], theirs: list[Cost]) -> list[Row]:
    """Return what is to be told of a scene, by the medians of both sides."""

    def row(what: str, name: str, limit: float | None, of: str) -> Row:
        values = [[getattr(cost, name) for cost in costs] for costs in (ours, theirs)]
        middle = [statistics.median(each) for each in values]
        judged_by = middle[0] / middle[1] if of == THEIRS else middle[0]
        spread = " beside ".join(f"{min(each):.3f}-{max(each):.3f}" for each in values)
        return Row(what, middle[0], middle[1], spread, limit, of, limit is not None and judged_by > limit)

    memory = (scene.memory, THEIRS) if scene.most_mb is None else (scene.most_mb, "MB")
    return [
        row("CPU per picture, ms", "cpu_ms", scene.cpu, THEIRS),
        row("private memory, MB", "anon_mb", *memory),
        row("start to first picture, s", "first_s", START_S, "s"),
    ]


def tell(name: str, rows: Sequence[Row]) -> None:
    """Print the rows of a scene."""
    for row in rows:
        ratio = f"{row.ours:8.3f} beside {row.theirs:8.3f}: {row.ours / row.theirs:5.2f}"
        verdict = f"; at most {row.limit:g} {row.of}: {'FAIL' if row.over else 'PASS'}" if row.limit is not None else ""
        print(f"{name:<14} {row.what:<24} {ratio}{verdict} ({row.spread})", flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camera", help="a V4L2 device that makes YUYV pictures of 1280x720")
    names = ("encode", "pass-through", "three-channels", "camera", "jpeg")
    parser.add_argument("--only", action="append", choices=names, help="one scene; may be given several times")
    parser.add_argument("--rounds", type=int, default=1, help="of both sides twice (default: 1)")
    parser.add_argument("--seconds", type=float, default=6.0, help="of a measurement (default: 6)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> int:
    arguments = parsed()
    missing = [name for name in ("ffmpeg", *["ustreamer"] * bool(arguments.camera)) if shutil.which(name) is None]
    if missing:
        print(f"{', '.join(missing)}: not here; Debian's package of that name has it", file=sys.stderr)
        return 2
    told: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        environment = python_environment(folder / "compiled")
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])

        def measure(programs: Sequence[Program], seconds: float = arguments.seconds) -> Cost:
            return measured(programs, seconds, environment, folder / "log")

        if arguments.camera:
            scenes = camera_scenes(arguments.camera, folder)
        else:
            scenes = file_scenes(make_clips(folder, arguments.seconds + LONGEST_START_S))
        for name, scene in scenes.items():
            if arguments.only and name not in arguments.only:
                continue
            measure(scene.ours, 0.1)  # compiles
            told[name] = judged(scene, *compared(scene, arguments.rounds, measure))
            if not arguments.json:
                tell(name, told[name])
    over = any(row.over for rows in told.values() for row in rows)
    if arguments.json:
        told_rows = {name: [row._asdict() for row in rows] for name, rows in told.items()}
        print(json.dumps({"scenes": told_rows, "over": over}))
    return int(over)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except (RuntimeError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"camera_process.py: {error}") from None
