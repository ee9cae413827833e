#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# GStreamer's jpegdec shows JPEG of 4:1:1 in green. Its brightness is right, and both colour planes are 0 throughout: no
# error, no warning, exit code 0. Expected were its colours, or a refusal. 4:1:1, with colour at a quarter of the width
# (sampling factors 4x1, 1x1, 1x1), is baseline JPEG, and what cameras for DV gave; so is 4x2, where colour has half of
# the lines besides. 4:4:0 has its colours where it is written as 1x2, 1x1, 1x1. Written as 2x2, 2x1, 2x1, which means the
# same, each colour is that of another place: the left half's is stretched over the whole width. djpeg shows all of
# these pictures alike, and so do FFmpeg, Pillow and OpenCV.
#
# Seen with GStreamer 1.22.0 and libjpeg-turbo 2.1.5 (Debian 12), a picture of 128x96 that is red on its left and blue on
# its right. Y, Cb and Cr at the middle of either half, by jpegdec:
#     sampling factors    left            right
#     2x1                 88 101 208      58 208 115      right, as 4:2:2 is
#     1x2                 88 101 208      58 208 115      right
#     4x1                 88   0   0      58   0   0      green
#     4x2                 88   0   0      58   0   0      green
#     2x2,2x1,2x1         88 101 208      58 101 208      blue has turned into a dark red
# A receiver of Motion JPEG that may be of such factors decodes it by other means, or compares a known colour.
# Exits 0 while that is so, 1 where it has changed. Needs Debian 12 on amd64 with python3, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

while read -r package version; do
	apt-get download -qq -o APT::Sandbox::User=root "$package=$version"
done <<'PACKAGES'
gstreamer1.0-tools 1.22.0-2+deb12u1
gstreamer1.0-plugins-base 1.22.0-3+deb12u7
gstreamer1.0-plugins-good 1.22.0-5+deb12u4
gstreamer1.0-plugins-bad 1.22.0-4+deb12u8
libgstreamer1.0-0 1.22.0-2+deb12u1
libgstreamer-plugins-base1.0-0 1.22.0-3+deb12u7
libgstreamer-plugins-bad1.0-0 1.22.0-4+deb12u8
libglib2.0-0 2.74.6-2+deb12u9
liborc-0.4-0 1:0.4.33-2
libjpeg62-turbo 1:2.1.5-2
libjpeg-turbo-progs 1:2.1.5-2
PACKAGES
for package in *.deb; do dpkg -x "$package" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries

cat >picture.py <<'PYTHON'
import sys

WIDTH, HEIGHT = 128, 96
RED, BLUE = (200, 40, 40), (40, 40, 200)
LUMA = {"left": 88, "right": 58}


def by_jpegdec(path):
    """(Y, Cb, Cr) at the middle of either half of I420."""
    data = open(path, "rb").read()
    size = WIDTH * HEIGHT
    assert len(data) == size * 3 // 2, len(data)
    found = {}
    for name, column in (("left", WIDTH // 4), ("right", WIDTH * 3 // 4)):
        colour = HEIGHT // 4 * (WIDTH // 2) + column // 2
        found[name] = (data[HEIGHT // 2 * WIDTH + column], data[size + colour], data[size * 5 // 4 + colour])
    return found


def by_djpeg(path):
    """(red, green, blue) there, of a PPM."""
    data = open(path, "rb").read()[-WIDTH * HEIGHT * 3 :]
    places = {"left": WIDTH // 4, "right": WIDTH * 3 // 4}
    return {name: tuple(data[(HEIGHT // 2 * WIDTH + at) * 3 :][:3]) for name, at in places.items()}


if sys.argv[1] == "make":
    line = bytes(RED) * (WIDTH // 2) + bytes(BLUE) * (WIDTH // 2)
    sys.stdout.buffer.write(b"P6\n%d %d\n255\n" % (WIDTH, HEIGHT) + line * HEIGHT)
else:
    factors, expected, decoded, shown = sys.argv[2:]
    seen, rgb = by_jpegdec(decoded), by_djpeg(shown)
    print(f"{factors:12} by jpegdec: left {seen['left']}, right {seen['right']}; by djpeg: {rgb['left']}, {rgb['right']}")
    assert all(abs(a - b) < 6 for name, own in (("left", RED), ("right", BLUE)) for a, b in zip(rgb[name], own))
    assert all(abs(seen[name][0] - LUMA[name]) < 4 for name in seen)
    right = {"left": (101, 208), "right": (208, 115)}
    off = {name: max(abs(a - b) for a, b in zip(seen[name][1:], right[name])) for name in seen}
    if expected == "right":
        assert max(off.values()) < 6
    elif expected == "green":
        assert seen["left"][1:] == seen["right"][1:] == (0, 0)
    else:
        assert off["left"] < 6 and off["right"] > 60
PYTHON

try_it() {
	python3 picture.py make | root/usr/bin/cjpeg -quality 95 -sample "$1" >"$1.jpg"
	root/usr/bin/djpeg "$1.jpg" >"$1.ppm"
	GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_REGISTRY=$folder/registry \
		GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner root/usr/bin/gst-launch-1.0 -q \
		filesrc location="$1.jpg" blocksize=1000000 ! jpegparse ! jpegdec ! video/x-raw,format=I420 ! filesink location="$1.raw"
	python3 picture.py look "$1" "$2" "$1.raw" "$1.ppm"
}

try_it 2x1 right
try_it 1x2 right
try_it 4x1 green
try_it 4x2 green
try_it 2x2,2x1,2x1 stretched
