#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GStreamer 1.22.0 (Debian 12) heeds video_full_range_flag of an H.264 or H.265 stream only beside a whole colour
# description, though the VUI may have the one without the other (H.264 E.1.1, H.265 E.2.1):
# - without a description, the flag is lost: no parser says a colorimetry, and openh264dec ! videoconvert shows full range
#   as if it were limited, 18 levels off;
# - with a matrix beside unspecified primaries and transfer, h264parse says range 0, unknown, for limited and for full
#   range alike (0:4:0:0); openh264dec ! videoconvert takes that for full, and limited range is shown 20 levels off.
#   h265parse keeps the two apart (2:4:0:0 and 1:4:0:0).
# With primaries and transfer as well, both are right. So an encoder's wrapper that copies what a camera tells, and leaves
# the rest unspecified, makes streams that are of the right colours in FFmpeg and browsers only.
# Exits 0 while that is so. Needs Debian 12 on amd64, Python 3.11 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

while read -r package version; do
	apt-get download -qq -o APT::Sandbox::User=root "$package=$version"
done <<'PACKAGES'
gstreamer1.0-tools 1.22.0-2+deb12u1
gstreamer1.0-plugins-bad 1.22.0-4+deb12u8
libgstreamer1.0-0 1.22.0-2+deb12u1
libgstreamer-plugins-base1.0-0 1.22.0-3+deb12u7
libgstreamer-plugins-bad1.0-0 1.22.0-4+deb12u8
libglib2.0-0 2.74.6-2+deb12u9
PACKAGES
for package in *.deb; do dpkg -x "$package" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_PLUGIN_PATH='' GST_REGISTRY=$folder/registry
export GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
cat >make.py <<'PYTHON'
import sys
from fractions import Fraction

import av

# video_full_range_flag, matrix_coefficients, colour_primaries, transfer_characteristics; 2 is unspecified.
for codec, name in (("h264", "libx264"), ("h265", "libx265")):
    for words in ("1 2 2 2", "0 6 2 2", "1 6 2 2", "0 6 6 6", "1 6 1 13"):
        full, matrix, primaries, transfer = map(int, words.split())
        context = av.CodecContext.create(name, "w")
        context.width, context.height, context.pix_fmt, context.time_base = 128, 96, "yuv420p", Fraction(1, 25)
        context.color_range, context.colorspace = full + 1, matrix
        context.color_primaries, context.color_trc = primaries, transfer
        context.options = {"x265-params": "log-level=none:repeat-headers=1"} if codec == "h265" else {}
        data = b""
        for number in range(5):
            frame = av.VideoFrame(128, 96, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            frame.pts = number
            data += b"".join(bytes(packet) for packet in context.encode(frame))
        data += b"".join(bytes(packet) for packet in context.encode(None))
        decoder = av.CodecContext.create(codec.replace("h265", "hevc"), "r")
        frame = [f for p in decoder.parse(data) + decoder.parse(None) for f in decoder.decode(p)][0]
        assert (frame.color_range == 2) == (full == 1), "FFmpeg's own decoder heeds the flag"
        open(f"{codec} {words}", "wb").write(data)
PYTHON
env -u LD_LIBRARY_PATH venv/bin/python make.py

for stream in h26*; do
	said=$(root/usr/bin/gst-launch-1.0 -v filesrc location="\"$stream\"" ! "${stream%% *}parse" ! fakesink 2>/dev/null |
		sed -n 's/.*fakesink0.*caps = .*colorimetry=(string)\([^,]*\).*/\1/p' | tail -1)
	echo "$stream: ${said:-nothing}"
done | tee seen
diff seen - <<'EXPECTED'
h264 0 6 2 2: 0:4:0:0
h264 0 6 6 6: bt601
h264 1 2 2 2: nothing
h264 1 6 1 13: 1:4:7:1
h264 1 6 2 2: 0:4:0:0
h265 0 6 2 2: 2:4:0:0
h265 0 6 6 6: bt601
h265 1 2 2 2: nothing
h265 1 6 1 13: 1:4:7:1
h265 1 6 2 2: 1:4:0:0
EXPECTED
