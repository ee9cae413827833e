#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Motion JPEG of FFmpeg's own encoder, sent by FFmpeg's own RTP muxer without a complaint, arrives at GStreamer with colours
# of chance. The encoder writes one quantization table, which luma and colour share. RTP's JPEG (RFC 2435, types 0 and 1)
# has two, luma's and the colours', and the muxer sends the one that there is: 64 bytes. rtpjpegdepay makes a DQT segment
# of 64 bytes for each of two tables and takes the second one from what follows in the packet: the coded picture. No
# element, muxer or decoder says a word, and luma is right. FFmpeg's own receiver logs "Invalid qtable length 64".
#
# Seen with PyAV 18.1.0 (libavformat 62.12.102) and GStreamer 1.22.0 (Debian 12), a picture of 320x240; how far its colour
# planes are on average from what was sent:
#     as the encoder writes it, one table               112 of 255
#     the same picture, its table written twice         0
# Who sends Motion JPEG over RTP by FFmpeg writes two tables into each picture first.
# Exits 0 while that is so, 1 where it has changed. Needs Debian 12 on amd64, Python 3.11 with pip, and a network.
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
libgstreamer1.0-0 1.22.0-2+deb12u1
libgstreamer-plugins-base1.0-0 1.22.0-3+deb12u7
libglib2.0-0 2.74.6-2+deb12u9
PACKAGES
for package in *.deb; do dpkg -x "$package" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
cat >picture.py <<'PYTHON'
import io
import sys
import time
from fractions import Fraction

import av
import numpy

WIDTH, HEIGHT = 320, 240


def encoded() -> bytes:
    rows, columns = numpy.mgrid[0 : HEIGHT * 3 // 2, 0:WIDTH]
    planes = ((rows * 3 + columns * 5) % 200 + 20).astype(numpy.uint8)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
    encoder.time_base, encoder.thread_count, encoder.options = Fraction(1, 25), 1, {"huffman": "default"}
    picture = av.VideoFrame.from_ndarray(planes, format="yuv420p").reformat(format="yuvj420p")
    picture.pts = 0
    (packet,) = [*encoder.encode(picture), *encoder.encode(None)]
    return bytes(packet)


def with_two_tables(data: bytes) -> bytes:
    table, frame = data.index(b"\xff\xdb\x00\x43\x00"), data.index(b"\xff\xc0")
    second = b"\xff\xdb\x00\x43\x01" + data[table + 5 : table + 69]
    header = bytearray(data[frame : frame + 19])
    header[15] = header[18] = 1  # the table that each colour uses
    return data[: table + 69] + second + data[table + 69 : frame] + bytes(header) + data[frame + 19 :]


def send(data: bytes, port: str) -> None:
    with av.open(f"rtp://127.0.0.1:{port}", "w", format="rtp") as out:
        stream = out.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for number in range(10):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 25)
            out.mux(packet)
            time.sleep(0.1)


def colours(data: bytes) -> "numpy.ndarray":
    with av.open(io.BytesIO(data), format="mjpeg") as opened:
        return next(opened.decode(video=0)).to_ndarray()[HEIGHT:].astype(int)


if sys.argv[1] == "send":
    data = encoded() if sys.argv[2] == "one" else with_two_tables(encoded())
    assert (colours(data) == colours(encoded())).all()
    send(data, sys.argv[3])
else:
    with open(sys.argv[3], "rb") as file:
        distance = float(abs(colours(file.read()) - colours(encoded())).mean())
    print(f"{sys.argv[2]} table(s): colours are {distance:.1f} off")
    assert (distance > 5) if sys.argv[2] == "one" else (distance == 0)
PYTHON

launch() {
	LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_REGISTRY=$folder/registry \
		GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner exec root/usr/bin/gst-launch-1.0 -q "$@"
}

port=$((20000 + RANDOM % 10000 * 2))
for tables in one two; do
	(launch udpsrc port=$port caps="application/x-rtp,media=video,clock-rate=90000,encoding-name=JPEG,payload=26" \
		! rtpjpegdepay ! filesink location=$tables.jpg buffer-mode=2) &
	receiver=$!
	for _ in $(seq 100); do
		[ -e $tables.jpg ] && break
		sleep 0.1
	done
	sleep 0.5
	venv/bin/python picture.py send $tables $port
	sleep 0.5
	kill -INT $receiver
	wait $receiver || true
	venv/bin/python picture.py compare $tables $tables.jpg
done
