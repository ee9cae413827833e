#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Motion JPEG of FFmpeg goes through GStreamer's rtpjpegpay whole on a board with several processors, and becomes noise on
# one with a single one. RTP carries no Huffman tables (RFC 2435, 4.2: those of the JPEG standard are meant). FFmpeg's
# encoder makes better ones for each picture (huffman=optimal, its default), but only where it works in one thread: in
# slices, as it does where there are more processors, it takes the standard's, whatever was asked. rtpjpegpay compares
# nothing: it leaves the tables out, and rtpjpegdepay puts the standard ones in front of bits that were coded with others.
# A decoder shows something (libavcodec logs errors), and the exit code is 0. FFmpeg's own RTP muxer drops such a picture, and logs "RFC 2435
# requires standard Huffman tables for jpeg". So are the "optimized" JPEG files of other encoders.
#
# Seen with GStreamer 1.22.0 (Debian 12) and PyAV 18.1.0 (libavcodec 62.28.102), a picture of 320x240, payloaded and
# depayloaded in one pipeline; how far its luma is on average from what was encoded:
#     threads=1, huffman=optimal (as by default)     121 of 255; FFmpeg's muxer drops it
#     threads=2, huffman=optimal                     0
#     threads=1, huffman=default                     0
# Who sends Motion JPEG over RTP tells FFmpeg's encoder huffman=default.
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
gstreamer1.0-plugins-bad 1.22.0-4+deb12u8
libgstreamer1.0-0 1.22.0-2+deb12u1
libgstreamer-plugins-base1.0-0 1.22.0-3+deb12u7
libgstreamer-plugins-bad1.0-0 1.22.0-4+deb12u8
libglib2.0-0 2.74.6-2+deb12u9
PACKAGES
for package in *.deb; do dpkg -x "$package" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
cat >picture.py <<'PYTHON'
import io
import sys
from fractions import Fraction

import av
import numpy

WIDTH, HEIGHT = 320, 240


def make(path: str, threads: int, tables: str) -> None:
    """A picture in which edges, slopes and grain are."""
    rows, columns = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    grain = numpy.random.default_rng(1).integers(0, 24, (HEIGHT, WIDTH))
    luma = (columns // 2 + 60 * ((rows // 16 + columns // 16) % 2) + grain).clip(0, 255).astype(numpy.uint8)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
    encoder.time_base, encoder.thread_count = Fraction(1, 25), threads
    encoder.options = {"huffman": tables}
    picture = av.VideoFrame(WIDTH, HEIGHT, "yuvj420p")
    picture.planes[0].update(luma.tobytes())
    for plane in picture.planes[1:]:
        plane.update(bytes([128]) * plane.buffer_size)
    picture.pts = 0
    (packet,) = [*encoder.encode(picture), *encoder.encode(None)]
    with open(path, "wb") as file:
        file.write(bytes(packet))


def luma_of(path: str) -> "numpy.ndarray":
    with open(path, "rb") as file:
        whole = file.read()
    with av.open(io.BytesIO(whole), format="mjpeg") as opened:
        frame = next(opened.decode(video=0))
    return numpy.frombuffer(frame.planes[0], numpy.uint8).reshape(HEIGHT, -1)[:, :WIDTH].astype(int)


def ffmpeg_takes(path: str) -> bool:
    """Whether FFmpeg's RTP muxer sends it; nobody needs to listen."""
    with open(path, "rb") as file:
        whole = file.read()
    with av.open("rtp://127.0.0.1:49170", "w", format="rtp") as out:
        stream = out.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        out.start_encoding()
        packet = av.Packet(whole)
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1, 25)
        with av.logging.Capture() as lines:
            out.mux(packet)
    return not any("standard Huffman tables" in text for _, _, text in lines)


av.logging.set_level(av.logging.ERROR)
if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]), sys.argv[4])
else:
    distance = float(abs(luma_of(sys.argv[2]) - luma_of(sys.argv[3])).mean())
    takes = ffmpeg_takes(sys.argv[2])
    print(f"{sys.argv[2]}: {distance:.1f} off through GStreamer; FFmpeg {'sends' if takes else 'drops'} it")
    expected = sys.argv[4] == "right"
    assert (distance < 1 and takes) if expected else (distance > 20 and not takes)
PYTHON

launch() {
	LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_REGISTRY=$folder/registry \
		GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner root/usr/bin/gst-launch-1.0 -q "$@"
}

try_it() {
	venv/bin/python picture.py make "$1-$2.jpg" "$1" "$2"
	launch filesrc location="$1-$2.jpg" blocksize=1000000 ! jpegparse ! rtpjpegpay ! rtpjpegdepay ! filesink location="$1-$2.rtp"
	venv/bin/python picture.py compare "$1-$2.jpg" "$1-$2.rtp" "$3"
}

try_it 1 optimal noise
try_it 2 optimal right
try_it 1 default right
