#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# For FFmpeg's scaler grey pictures have full range, whatever their range is said to be. So:
# - Monochrome H.265 of an infrared camera, of limited range as its VUI says, is shown washed out, black as 16 and white as
#   235. The same luma with chroma planes of 128 beside it is shown right.
# - A colour picture that PyAV makes grey for an encoder, reformat(format="gray"), is stretched to full range on its way, and
#   goes on saying that it is of limited range. So x264 makes a stream that is of limited range to everybody, FFmpeg included:
#   all below 16 comes out black, all above 235 white. Of x265's stream FFmpeg makes grey again, which it does not scale
#   back, so the fault is seen in other players alone: the stream says limited. FFmpeg's own program (5.1, -pix_fmt gray) does
#   tell x264 of it.
# Expected was one picture, with and without chroma, since H.264 and H.265 say the range alike for both.
#
# Seen with PyAV 18.1.0 (libswscale 9.5.102, x265 4.2), a ramp; grey levels as RGB:
#     level in                                            0    8   64  128  248  255
#     H.265, limited, with chroma                         0    8   64  128  248  255
#     H.265, limited, monochrome                         16   23   71  126  229  235
#     colour made grey, by x264; range said: none         0    0   55  130  255  255
#     colour made grey, by x265; range said: limited      0    8   64  128  248  255
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction

import av
import numpy
from av.video.reformatter import ColorRange

WIDTH, HEIGHT, TOLERANCE = 256, 64, 1
LEVELS = [0, 8, 64, 128, 248, 255]
OPTIONS = {
    "libx264": {"crf": "2", "bf": "0"},
    "libx265": {"x265-params": "crf=2:bframes=0:range=limited:repeat-headers=1:log-level=none"},
}


def ramp(pixels: str) -> av.VideoFrame:
    """A picture of limited range whose n-th column is of grey level n."""
    luma = numpy.round(16 + 219 * numpy.arange(WIDTH) / 255).astype(numpy.uint8)
    array = numpy.full((HEIGHT if pixels == "gray" else HEIGHT * 3 // 2, WIDTH), 128, numpy.uint8)
    array[:HEIGHT] = luma
    picture = av.VideoFrame.from_ndarray(array, format=pixels)
    picture.color_range = ColorRange.MPEG
    return picture


def shown(codec: str, picture: av.VideoFrame) -> tuple[list[int], int]:
    """The levels as RGB of what comes out of the decoder, and the range that it says."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, picture.format.name
    encoder.time_base, encoder.framerate, encoder.options = Fraction(1, 25), Fraction(25), OPTIONS[codec]
    encoder.color_range = picture.color_range
    picture.pts, picture.time_base = 0, encoder.time_base
    decoder = av.CodecContext.create({"libx264": "h264", "libx265": "hevc"}[codec], "r")
    packets = encoder.encode(picture) + encoder.encode(None)
    decoded = [one for packet in packets for one in decoder.decode(av.Packet(bytes(packet)))] + decoder.decode(None)
    red = decoded[0].to_ndarray(format="rgb24")[HEIGHT // 2, :, 0]
    return [int(red[level]) for level in LEVELS], int(decoded[0].color_range)


def alike(seen: list[int], expected: list[int]) -> bool:
    return all(abs(one - other) <= TOLERANCE for one, other in zip(seen, expected))


with_chroma = shown("libx265", ramp("yuv420p"))
monochrome = shown("libx265", ramp("gray"))
made_grey = {codec: shown(codec, ramp("yuv420p").reformat(format="gray")) for codec in OPTIONS}
for name, (levels, told) in {"with chroma": with_chroma, "monochrome": monochrome, **made_grey}.items():
    print(f"{name}: {levels}, range {ColorRange(told).name}")
same = [
    alike(with_chroma[0], LEVELS) and with_chroma[1] == ColorRange.MPEG,
    alike(monochrome[0], [16, 23, 71, 126, 229, 235]) and monochrome[1] == ColorRange.MPEG,
    alike(made_grey["libx264"][0], [0, 0, 56, 130, 255, 255]) and made_grey["libx264"][1] != ColorRange.JPEG,
    alike(made_grey["libx265"][0], LEVELS) and made_grey["libx265"][1] == ColorRange.MPEG,
]
sys.exit(0 if all(same) else f"it has changed: {same}")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 "numpy<3"
"$folder/venv/bin/python" "$folder/look.py"
