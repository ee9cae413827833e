#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a camera or a small server sends by HTTP without a length, and ends by closing the connection, as HTTP/1.0 always did and
# HTTP/1.1 allows (RFC 9112, 6.3), ends in FFmpeg with an error, "Input/output error", in any container and with whatever headers.
# FFmpeg has 2**64 - 1 for a length that is not known, and finds then that the stream ended before it was so long. All
# pictures come, but a program can't tell the regular end of a recording from a connection that broke: PyAV raises OSError
# behind the last packet, where a loop over packets should just end, and FFmpeg's own program logs the error and exits with 0.
# With Content-Length, or in chunks, the end is an end. Expected was the same without.
#
# Seen with PyAV 18.1.0 (libavformat 62.12.102), 10 pictures in .ts, .mkv, .flv, .avi and fragmented .mp4:
#     Content-Length, or Transfer-Encoding: chunked             10 packets, and the end
#     HTTP/1.0 without a length, HTTP/1.1, with Connection: close or without
#                         10 packets, OSError 5, "Stream ends prematurely at 4136, should be 18446744073709551615"
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import errno
import http.server
import io
import sys
import threading
from fractions import Fraction

import av
import av.logging

COUNT, NO_LENGTH = 10, str(2**64 - 1)
KINDS = {"mpegts": {}, "matroska": {}, "flv": {}, "avi": {}, "mp4": {"movflags": "frag_keyframe+empty_moov"}}
WAYS = {  # protocol, and headers
    "length": ("HTTP/1.1", {}),
    "chunks": ("HTTP/1.1", {"Transfer-Encoding": "chunked"}),
    "closed": ("HTTP/1.1", {"Connection": "close"}),
    "bare": ("HTTP/1.1", {}),
    "old": ("HTTP/1.0", {}),
}
av.logging.set_level(av.logging.ERROR)


def recording(kind: str) -> bytes:
    written = io.BytesIO()
    with av.open(written, "w", format=kind, options=KINDS[kind]) as out:
        video = out.add_stream("libx264", rate=25, options={"bf": "0", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        picture = av.VideoFrame(64, 48, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        for number in range(COUNT):
            picture.pts, picture.time_base = number, Fraction(1, 25)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
    return written.getvalue()


class Answer(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        way, kind = self.path[1:].split("/")
        self.protocol_version, headers = WAYS[way]
        data = RECORDINGS[kind]
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        if way == "length":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if way == "chunks" else data)
        self.close_connection = True


def read(address: str) -> tuple[int, str]:
    packets = 0
    try:
        with av.open(address, timeout=20) as file:
            for packet in file.demux(video=0):
                packets += packet.size > 0
    except OSError as error:
        return packets, f"{errno.errorcode.get(error.errno, error.errno)}: {error}"
    return packets, "the end"


RECORDINGS = {kind: recording(kind) for kind in KINDS}
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"PyAV {av.__version__}, libavformat {av.library_versions['libavformat']}")
same = []
for kind in KINDS:
    for way in WAYS:
        packets, end = read(f"http://127.0.0.1:{server.server_address[1]}/{way}/{kind}")
        print(f"{kind}, {way}: {packets} packets, {end[-90:]}")
        is_regular = way in ("length", "chunks")
        same.append(packets == COUNT and (end == "the end" if is_regular else end.startswith("EIO") and NO_LENGTH in end))
server.shutdown()
sys.exit(0 if all(same) else f"it has changed: {same}")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py"
