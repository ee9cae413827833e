#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg's scaler converts Y'CbCr of one matrix to another (BT.2020 or BT.709 of HD cameras to the BT.601 of JPEG) by way
# of R'G'B' of 8 bits: colours are off by up to 4 levels, also with accurate_rnd, and it takes several times as long as
# the filter "colorspace", which stays within 1.5 levels: three roundings against one.
# And where R'G'B' has 5 or 6 bits, it makes grey of white: (250, 126, 126) of full range, for it shifts the bits up and
# leaves the lowest empty; by way of rgb24 white is (255, 128, 128).
# Seen with PyAV 18.1.0 (libswscale 9.5.102, libavfilter 11.14.102):
#     scale                  off by 3.2 levels, 3 ms for a picture of 1280x720
#     scale + accurate_rnd   off by 4.1 levels, 6 ms
#     colorspace             off by 1.1 levels, 0.4 ms
#     white of rgb565le: 250 126 126, by way of rgb24: 255 128 128
# Exits 0 while that is so; the times are printed, and not judged. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 "numpy<3"
cat >"$folder/look.py" <<'PYTHON'
import time

import av
import numpy

COLOURS = [(level,) * 3 for level in (0, 16, 64, 128, 192, 235, 255)]
COLOURS += [(191, 0, 0), (0, 191, 0), (0, 0, 191), (191, 191, 0), (0, 191, 191), (191, 0, 191), (224, 172, 105)]
WAYS = {
    "scale": "scale=out_range=pc:out_color_matrix=bt601,format=yuv420p",
    "scale + accurate_rnd": "scale=flags=bilinear+accurate_rnd:out_range=pc:out_color_matrix=bt601,format=yuv420p",
    "colorspace": "colorspace=ispace=bt2020nc:space=smpte170m:irange=tv:range=pc:iprimaries=bt709:primaries=bt709"
    ":itrc=bt709:trc=bt709:fast=1:format=yuv420p",
}


def matrix(red: float, blue: float) -> numpy.ndarray:
    luma = numpy.array([red, 1 - red - blue, blue])
    return numpy.array([luma, ([0, 0, 1] - luma) / (2 - 2 * blue), ([1, 0, 0] - luma) / (2 - 2 * red)])


BT2020, BT601 = matrix(0.2627, 0.0593), matrix(0.299, 0.114)


def flat(width: int, height: int, levels: numpy.ndarray) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, level in zip(frame.planes, levels):
        plane.update(bytes([int(level)]) * plane.buffer_size)
    frame.color_range, frame.colorspace = 1, 9
    return frame


def graph(width: int, height: int, way: str) -> av.filter.Graph:
    made, nodes = av.filter.Graph(), []
    size = f"video_size={width}x{height}:pix_fmt=yuv420p:time_base=1/25:colorspace=9:range=1"
    for step in ("buffer=" + size, *way.split(","), "buffersink"):
        name, _, words = step.partition("=")
        nodes.append(made.add(name, words or None))
    made.link_nodes(*nodes)
    made.configure()
    return made


def off_by(way: str) -> float:
    worst = 0.0
    for colour in COLOURS:
        levels = (BT2020 @ colour / 255 * (219, 224, 224) + (16, 128, 128)).round()
        path = graph(64, 64, way)
        path.vpush(flat(64, 64, levels))
        out = path.vpull()
        found = numpy.array([bytes(plane)[0] for plane in out.planes], float)
        shown = (numpy.linalg.inv(BT601) @ ((found - (0, 128, 128)) / 255) * 255).clip(0, 255)
        worst = max(worst, float(abs(shown - colour).max()))
    return worst


def milliseconds(way: str) -> float:
    path, frame, begin = graph(1280, 720, way), flat(1280, 720, (90, 110, 150)), time.perf_counter()
    for number in range(60):
        frame.pts = number
        path.vpush(frame)
        path.vpull()
    return (time.perf_counter() - begin) / 60 * 1000


worst, times = {name: off_by(way) for name, way in WAYS.items()}, {name: milliseconds(way) for name, way in WAYS.items()}
for name in WAYS:
    print(f"{name:22} off by {worst[name]:.1f} levels, {times[name]:.2f} ms for a picture of 1280x720")
white = av.VideoFrame(64, 48, "rgb565le")
white.planes[0].update(b"\xff" * white.planes[0].buffer_size)
direct = [bytes(plane)[0] for plane in white.reformat(format="yuvj444p").planes]
around = [bytes(plane)[0] for plane in white.reformat(format="rgb24").reformat(format="yuvj444p").planes]
print("white of rgb565le:", *direct, "by way of rgb24:", *around)
same = min(worst["scale"], worst["scale + accurate_rnd"]) > 3 and worst["colorspace"] < 1.5
same = same and (direct, around) == ([250, 126, 126], [255, 128, 128])
raise SystemExit(0 if same else "changed")
PYTHON
"$folder/venv/bin/python" "$folder/look.py"
