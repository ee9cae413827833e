# SPDX-License-Identifier: Apache-2.0
"""Independent decoders, and the colours that they show by what a stream says about itself."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy
from judges import TIMEOUT_S, ffmpeg, missing
from numpy.typing import NDArray

from hil.streamer.colour import BT601, BT709, BT2020, Colour
from hil.suite.patches import rgb_of
from vshm_ctypes import Codec

DEMUXERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}
GSTREAMER = {
    Codec.H264: "h264parse ! openh264dec",
    Codec.H265: "h265parse ! avdec_h265",
    Codec.JPEG: "jpegparse ! jpegdec",
}
# GstVideoColorimetry: its own names of whole sets, else numbers of range (1: full) and matrix.
NAMED = {"bt601": Colour(False, BT601), "bt709": Colour(False, BT709), "bt2020-10": Colour(False, BT2020)}
MATRICES = {"0": BT601, "3": BT709, "4": BT601, "6": BT2020}
Pictures = NDArray[Any]  # number, lines, pixels, R'G'B' of 0 to 255


_SHOW = ["-vf", "scale=flags=bitexact+accurate_rnd+full_chroma_int", "-f", "rawvideo", "-pix_fmt", "rgb24"]


def by_ffmpeg(data: bytes, codec: Codec, width: int, height: int) -> Pictures:
    """Return what FFmpeg's program shows."""
    rgb = _run([ffmpeg(), "-v", "error", "-f", DEMUXERS[codec], "-i", "-", *_SHOW, "-"], data)
    return numpy.frombuffer(rgb, numpy.uint8).reshape(-1, height, width, 3)


def each_by_ffmpeg(streams: Sequence[bytes], codec: Codec, width: int, height: int, folder: Path) -> list[Pictures]:
    """Return what FFmpeg's program shows of each, in one run."""
    inputs, outputs = [], []
    for number, data in enumerate(streams):
        (folder / f"{number}.in").write_bytes(data)
        inputs += ["-f", DEMUXERS[codec], "-i", str(folder / f"{number}.in")]
        outputs += ["-map", str(number), *_SHOW, str(folder / f"{number}.rgb")]
    _run([ffmpeg(), "-v", "error", "-y", *inputs, *outputs], b"")
    found = (numpy.fromfile(folder / f"{number}.rgb", numpy.uint8) for number in range(len(streams)))
    return [rgb.reshape(-1, height, width, 3) for rgb in found]


def by_gstreamer(data: bytes, codec: Codec, width: int, height: int, folder: Path) -> Pictures:
    """Return what GStreamer decodes (with OpenH264 or libjpeg), and the range and matrix that it found.

    GStreamer 1.22's own conversion to RGB is off by up to 5 levels, so ours is used.
    """
    path = folder / "decoded.yuv"
    pipeline = f"fdsrc fd=0 ! {GSTREAMER[codec]} ! video/x-raw,format=I420 ! filesink location={path}"
    told = _run(["gst-launch-1.0", "-v", *pipeline.split()], data).decode()
    found = re.findall(r"filesink0.*colorimetry=\(string\)([\w:-]+)", told)
    colour = _colour(found[-1] if found else "bt601")  # for a size of ours
    planes = numpy.fromfile(path, numpy.uint8).reshape(-1, height * 3 // 2, width)
    luma, chroma = planes[:, :height], planes[:, height:].reshape(-1, 2, height // 2, width // 2)
    ycbcr = numpy.stack([luma, *(chroma[:, at].repeat(2, axis=1).repeat(2, axis=2) for at in (0, 1))], axis=-1)
    return rgb_of(ycbcr.astype(float), colour)


def _colour(words: str) -> Colour:
    if words in NAMED:
        return NAMED[words]
    span, matrix, *_ = words.split(":")
    assert span in "12", f"GStreamer does not know the range: {words}"
    return Colour(span == "1", MATRICES[matrix])


def by_opencv(data: bytes) -> Pictures:
    """Return what OpenCV shows of a JPEG picture."""
    picture = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture[None, ..., ::-1]


def _run(command: list[str], data: bytes) -> bytes:
    try:
        result = subprocess.run(command, input=data, capture_output=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError:
        missing(f"no {command[0]} here")
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout
