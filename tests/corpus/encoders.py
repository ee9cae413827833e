# SPDX-License-Identifier: Apache-2.0
"""How each encoder is run, to make a stream of the corpus. Which ones there are: RUN; what they need: README.md."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus import bits, edits, own_fields, own_orders, own_streams
from corpus.own_pictures import STREAMS

FOLDER = Path(__file__).parent
TIMEOUT_S = 120
SIZE, RATE, COUNT, GOP, QP = "64x64", 25, 14, 6, 37

Recipe = dict[str, Any]


def run(*command: str, folder: Path | None = None) -> bytes:
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def source(recipe: Recipe) -> list[str]:
    """Return FFmpeg's arguments for the pictures that are encoded."""
    pattern = f"testsrc2=size={recipe.get('size', SIZE)}:rate={RATE}{recipe.get('filter', '')}"
    return ["-v", "error", "-f", "lavfi", "-i", pattern, "-frames:v", str(recipe.get("count", COUNT))]


def raw_pictures(recipe: Recipe, path: Path) -> None:
    """Write the same pictures into a file of planar YUV 4:2:0."""
    run("ffmpeg", *source(recipe), "-pix_fmt", "yuv420p", "-f", "rawvideo", str(path))


def by_ffmpeg(library: str, option: str, container: str, always: str) -> Callable[[Recipe], bytes]:
    """An encoder that FFmpeg wraps; a recipe has params for the encoder and arguments for ffmpeg."""

    def make(recipe: Recipe) -> bytes:
        words = ["-c:v", recipe.get("library", library), "-threads", "1", "-g", str(recipe.get("gop", GOP))]
        params = recipe.get("params", "")
        rated = any(word in params for word in ("crf=", "bitrate="))
        params = ":".join(part for part in (always, "" if rated else f"qp={QP}", params) if part)
        words += [option, params, *shlex.split(recipe.get("arguments", "-pix_fmt yuv420p"))]
        return run("ffmpeg", *source(recipe), *words, "-f", container, "-")

    return make


def by_gstreamer(recipe: Recipe) -> bytes:
    """A recipe has the element and its properties."""
    width, height = recipe.get("size", SIZE).split("x")
    codec = recipe["codec"]
    frames = f"video/x-raw,format=I420,width={width},height={height},framerate={RATE}/1"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        text = (
            f"videotestsrc num-buffers={recipe.get('count', COUNT)} pattern=ball ! {frames} ! {recipe['element']} ! "
            f"video/x-{codec},stream-format=byte-stream ! filesink location={out}"
        )
        run("gst-launch-1.0", "-q", *shlex.split(text))
        return out.read_bytes()


def by_openh264(recipe: Recipe) -> bytes:
    """openh264.c is the program; a recipe has its arguments."""
    with tempfile.TemporaryDirectory() as folder:
        program, pictures, out = Path(folder, "program"), Path(folder, "in.yuv"), Path(folder, "out")
        run("cc", "-o", str(program), str(FOLDER / "openh264.c"), "-lopenh264")
        raw_pictures(recipe, pictures)
        run(
            str(program), str(pictures), str(out), *recipe.get("size", SIZE).split("x"), *shlex.split(recipe["options"])
        )
        return out.read_bytes()


def by_kvazaar(recipe: Recipe) -> bytes:
    """KVAZAAR names the program, if it is not on PATH."""
    program = shlex.split(os.environ.get("KVAZAAR", "kvazaar"))
    with tempfile.TemporaryDirectory() as folder:
        pictures, out = Path(folder, "in.yuv"), Path(folder, "out")
        raw_pictures(recipe, pictures)
        size = recipe.get("size", SIZE)
        words = ["-i", str(pictures), "--input-res", size, "-o", str(out), "--threads", "0", "--owf", "0"]
        run(*program, *words, *shlex.split(recipe["options"]))
        return out.read_bytes()


def by_minih264(recipe: Recipe) -> bytes:
    """minih264.js is the program, for Node; a recipe has the encoder's properties. It makes an .mp4 file."""
    with tempfile.TemporaryDirectory() as folder:
        pictures, out = Path(folder, "in.yuv"), Path(folder, "out.mp4")
        raw_pictures(recipe, pictures)
        size = recipe.get("size", SIZE).split("x")
        run("node", str(FOLDER / "minih264.js"), str(pictures), str(out), *size, *shlex.split(recipe["options"]))
        return run("ffmpeg", "-v", "error", "-i", str(out), "-c", "copy", "-f", "h264", "-")


def by_ourselves(recipe: Recipe) -> bytes:
    """One of these modules has a function of the stream's name."""
    assert own_fields and own_orders and own_streams
    return STREAMS[recipe["name"]]()


def by_editing(recipe: Recipe) -> bytes:
    """edits.py has a function of the stream's name; what it takes is another stream of the corpus."""
    data: bytes = (FOLDER / recipe["of"]).read_bytes()
    edited = bits.join(edits.EDITS[recipe["name"]](bits.split(data)))
    return edited[len(bits.START_CODE) :] if recipe.get("begins_mid_unit") else edited


RUN: dict[str, Callable[[Recipe], bytes]] = {
    "x264": by_ffmpeg("libx264", "-x264-params", "h264", "min-keyint=6:scenecut=0:threads=1"),
    "x265": by_ffmpeg("libx265", "-x265-params", "hevc", "log-level=none:info=0:min-keyint=6:scenecut=0:pools=1"),
    "GStreamer": by_gstreamer,
    "OpenH264": by_openh264,
    "Kvazaar": by_kvazaar,
    "minih264": by_minih264,
    "own": by_ourselves,
    "edited": by_editing,
}
