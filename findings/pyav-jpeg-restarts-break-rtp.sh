#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Motion JPEG that PyAV encodes with its defaults arrives broken at the other end of FFmpeg's own RTP where the machine has
# several processors, and whole where it has one. By default PyAV lets the encoder have a thread for each processor, and
# slices to divide among them; FFmpeg's encoder then puts a restart marker behind each row of blocks, which JPEG allows.
# RTP's JPEG (RFC 2435) has types of its own for that, 64 and 65, with the interval in a header. FFmpeg's muxer has none of
# it: it sends the markers within the coded data as type 1, without a word, and leaves the interval out, so that receivers
# build a picture without one, in which little is right behind the first marker. ffmpeg 5.1, the program, wrote no markers:
# its threads may take whole pictures.
#
# Seen with PyAV 18.1.0 (libavcodec 62.28.102, libavformat 62.12.102) as sender and as receiver, a picture of 320x240, its
# tables as RTP wants them; how far the luma that arrives is on average from what was sent:
#     one thread                                                  0.0 of 255
#     two threads that may take whole pictures (AUTO)             0.0
#     two threads, otherwise as PyAV has it (slices)              112.3
# Who sends Motion JPEG over RTP sets slices=1, or one thread.
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
cat >picture.py <<'PYTHON'
import io
import subprocess
import sys
import time
from fractions import Fraction

import av
import numpy

WIDTH, HEIGHT, PORT = 320, 240, 21000 + int(time.time()) % 5000 * 2


def encoded(threads, kind):
    rows, columns = numpy.mgrid[0 : HEIGHT * 3 // 2, 0:WIDTH]
    planes = ((rows * 3 + columns * 5) % 200 + 20).astype(numpy.uint8)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
    encoder.time_base, encoder.thread_count, encoder.options = Fraction(1, 25), threads, {"huffman": "default"}
    if kind:
        encoder.thread_type = kind
    picture = av.VideoFrame.from_ndarray(planes, format="yuv420p").reformat(format="yuvj420p")
    picture.pts = 0
    (packet,) = [*encoder.encode(picture), *encoder.encode(None)]
    return with_two_tables(bytes(packet))


def with_two_tables(data):
    table, frame = data.index(b"\xff\xdb\x00\x43\x00"), data.index(b"\xff\xc0")
    second = b"\xff\xdb\x00\x43\x01" + data[table + 5 : table + 69]
    header = bytearray(data[frame : frame + 19])
    header[15] = header[18] = 1  # the table that each colour uses
    return data[: table + 69] + second + data[table + 69 : frame] + bytes(header) + data[frame + 19 :]


def luma(data):
    with av.open(io.BytesIO(data), format="mjpeg") as opened:
        return next(opened.decode(video=0)).to_ndarray()[:HEIGHT].astype(int)


def send(data):
    with av.open(f"rtp://127.0.0.1:{PORT}", "w", format="rtp") as out:
        stream = out.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for number in range(40):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 25)
            out.mux(packet)
            time.sleep(0.1)


def receive():
    text = f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {PORT} RTP/AVP 26\n"
    with open("stream.sdp", "w") as file:
        file.write(text)
    receiver = (
        "import av, sys\n"
        "with av.open('stream.sdp', options={'protocol_whitelist': 'file,udp,rtp'}) as opened:\n"
        "    packets = (packet for packet in opened.demux(video=0) if packet.size)\n"
        "    next(packets)\n"
        "    sys.stdout.buffer.write(bytes(next(packets)))\n"
    )
    return subprocess.Popen([sys.executable, "-c", receiver], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


for threads, kind, breaks in ((1, "", False), (2, "AUTO", False), (2, "", True)):
    data = encoded(threads, kind)
    interval = data.find(b"\xff\xdd")
    with receive() as receiver:
        time.sleep(1)
        send(data)
        arrived = receiver.communicate(timeout=30)[0]
    distance = float(abs(luma(arrived) - luma(data)).mean())
    blocks = int.from_bytes(data[interval + 4 : interval + 6], "big") if interval > 0 else 0
    has_interval = b"\xff\xdd" in arrived
    print(f"{threads} thread(s) {kind}: interval {blocks}, of RTP's: {has_interval}, luma {distance:.1f} off")
    assert (blocks > 0) == breaks and not has_interval and (distance > 5) == breaks
PYTHON
venv/bin/python picture.py
