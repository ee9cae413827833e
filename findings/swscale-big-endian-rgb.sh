#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PyAV 18.1.0 (libswscale 9.5.102) reads big-endian RGB of 16 bits as though it were little-endian, when 24 or 32 bits a
# pixel come out of it: RGB565BE (V4L2's RGBR), BGR565BE and RGB555BE to RGB24, BGR24, RGBA, BGRA and ARGB. To Y'CbCr,
# grey and planar RGB they are right, so an encoder gets what a preview or a numpy array of the same picture does not.
# PyAV 17.0.1 (libswscale 9.1.100) was right with all of them.
#
# Seen with the colour 156, 110, 85, as near as 16 bits come to it:
#     17.0.1 rgb565be: yuv420p ok rgb24 156,109,82 ok
#     18.1.0 rgb565be: yuv420p ok rgb24 107,81,222 bytes swapped
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import av
import numpy

WIDTH, HEIGHT, PACKED, OTHERS = 64, 48, ("rgb24", "bgr24", "rgba", "bgra", "argb"), ("yuv420p", "yuv444p", "gray", "gbrp")


def flat(pixels: str, low: int, high: int) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, pixels)
    memory = numpy.frombuffer(memoryview(frame.planes[0]), numpy.uint8)
    memory[:] = numpy.tile([low, high], len(memory) // 2)
    return frame


def out(frame: av.VideoFrame, pixels: str) -> numpy.ndarray:
    return frame.reformat(format=pixels).to_ndarray().astype(int)


red, green, blue, wrong = 156, 110, 85, set()
for name, green_bits in (("rgb565", 6), ("bgr565", 6), ("rgb555", 5)):
    value = red >> 3 << 5 + green_bits | green >> 8 - green_bits << 5 | blue >> 3
    big, little = flat(f"{name}be", value >> 8, value & 255), flat(f"{name}le", value & 255, value >> 8)
    swapped = flat(f"{name}le", value >> 8, value & 255)
    for pixels in PACKED + OTHERS:
        if abs(out(big, pixels) - out(little, pixels)).max() > 2:
            assert abs(out(big, pixels) - out(swapped, pixels)).max() <= 2, "wrong, but not by swapped bytes"
            wrong.add((name, pixels))
    shown = ",".join(map(str, out(big, "rgb24")[0, 0]))
    yuv, rgb = ("bytes swapped" if (name, each) in wrong else "ok" for each in ("yuv420p", "rgb24"))
    print(f"{av.__version__} {name}be: yuv420p {yuv} rgb24 {shown} {rgb}")
all_packed = {(name, pixels) for name in ("rgb565", "bgr565", "rgb555") for pixels in PACKED}
expected = all_packed if av.__version__ == "18.1.0" else set()
raise SystemExit(0 if wrong == expected else f"changed: {sorted(wrong ^ expected)}")
PYTHON

for version in 17.0.1 18.1.0; do
	python3 -m venv "$folder/$version"
	"$folder/$version/bin/pip" install --quiet --disable-pip-version-check "av==$version" "numpy<3"
	"$folder/$version/bin/python" "$folder/look.py"
done
