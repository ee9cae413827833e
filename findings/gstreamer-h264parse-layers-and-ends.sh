#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GStreamer 1.22.0 (Debian 12): h264parse and three things that H.264 permits.
# 1. A prefix NAL unit (type 14) before each slice, as scalable encoders such as OpenH264 write it: each one begins an
#    access unit for it, also between the slices of a picture, where none begins by 7.4.1.2.3. Pictures of two slices
#    come out as two buffers of alignment=au each.
# 2. The same stream in small buffers: where one ends within the header of such a NAL unit, which has three bytes more
#    than others, it takes the stream for invalid, and all is over. In large buffers it goes through.
# 3. A stream that ends with an end of stream NAL unit and a zero byte (trailing_zero_8bits of annex B): "Invalid H.264
#    stream", and the last picture never comes out; where the first error ends all, as in gst-launch, more may be lost.
#    h265parse does the same. Without the zero byte all is well.
# Seen (buffers of 8 pictures): plain 8; prefixed 16; prefixed in pieces of 50 bytes 1, and the error; with an end of
# stream 8; with a zero byte behind it at most 7, and the error, of H.265 too.
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

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
venv/bin/python - <<'PYTHON'
from fractions import Fraction

import av


def encode(name, option, settings):
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"tune": "zerolatency", option: settings}
    packets = []
    for number in range(8):
        frame = av.VideoFrame(64, 64, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes((n * 7 + number * 31) % 256 for n in range(plane.buffer_size)))
        frame.pts = number
        packets += encoder.encode(frame)
    return b"".join(bytes(packet) for packet in packets + encoder.encode(None))


def prefixed(stream):
    """A prefix NAL unit as a base view has it, before each slice."""
    out = b""
    for nal in stream.split(b"\0\0\1")[1:]:
        nal = nal.rstrip(b"\0")
        if nal[0] & 31 in (1, 5):
            out += b"\0\0\0\1" + bytes([nal[0] & 0x60 | 14, 0x40 if nal[0] & 31 == 1 else 0, 0, 7])
        out += b"\0\0\0\1" + nal
    return out


h264 = encode("libx264", "x264-params", "slices=2:annexb=1:repeat-headers=1:threads=1")
h265 = encode("libx265", "x265-params", "repeat-headers=1:log-level=none:pools=1")
for name, data in {
    "plain.h264": h264,
    "prefixed.h264": prefixed(h264),
    "end.h264": h264 + b"\0\0\1\x0b",
    "end-zero.h264": h264 + b"\0\0\1\x0b\0",
    "end.h265": h265 + b"\0\0\1\x4a\1",
    "end-zero.h265": h265 + b"\0\0\1\x4a\1\0",
}.items():
    with open(name, "wb") as file:
        file.write(data)
PYTHON

export LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_PLUGIN_PATH='' GST_REGISTRY=$folder/registry
export GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner
# told FILE BLOCKSIZE: how many come out, or that it complains and some are lost. The queue has it take what it is given.
told() {
	local codec=${1##*.} count
	root/usr/bin/gst-launch-1.0 -v filesrc location="$1" blocksize="$2" ! queue ! "video/x-$codec,stream-format=byte-stream" ! \
		"${codec}parse" ! "video/x-$codec,stream-format=byte-stream,alignment=au" ! fakesink silent=false >log 2>&1 || true
	count=$(grep -c 'last-message = chain' log || true)
	if grep -q 'Invalid H.26[45] stream' log && [ "$count" -lt 8 ]; then count=invalid; fi
	echo "$1 in pieces of $2: $count"
}
seen=$(
	told plain.h264 100000
	told plain.h264 50
	told prefixed.h264 100000
	told prefixed.h264 50
	for codec in h264 h265; do
		told "end.$codec" 100000
		told "end-zero.$codec" 100000
	done
)
echo "$seen"
[ "$seen" = 'plain.h264 in pieces of 100000: 8
plain.h264 in pieces of 50: 8
prefixed.h264 in pieces of 100000: 16
prefixed.h264 in pieces of 50: invalid
end.h264 in pieces of 100000: 8
end-zero.h264 in pieces of 100000: invalid
end.h265 in pieces of 100000: 8
end-zero.h265 in pieces of 100000: invalid' ]
