#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GStreamer's tsdemux makes half a second of every outage in an MPEG-TS recording that is longer, however long it was: 0.6 s,
# 3 s and 20 s are all 0.5 s afterwards, and a camera of one picture in 4 s shows most of them at 2 a second. The times in the
# file are right, and FFmpeg and mkvmerge read them; but tsdemux counts clock references (PCR) that are more than half a second
# apart as two recordings, between which it puts 0.5 s of its own, and no message. So whoever looks for the moment of an
# event, or lays the recording beside another camera's, is off by all outages so far. What GStreamer's own mpegtsmux
# writes is no better off. Matroska, MP4 and Flash Video come through with their outages, the first two also in fragments.
#
# Seen with GStreamer 1.22.0 (Debian 12), tsdemux ! h264parse ! matroskamux, exit code 0; times by PyAV 18.1.0:
#     100 pictures, 40 ms apart, an outage after the 37th    of 0.5 s: kept    of 0.6, 3 and 20 s: 0.500 s each time
#     20 pictures, 0.4 s apart: right    0.6 s apart, 11.4 s long: 9.6 s long    4 s apart, 76 s long: 13 s long
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
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
cat >clip.py <<'PYTHON'
import sys
from fractions import Fraction

import av


def make(path: str, times_ms: list[int]) -> None:
    with av.open(path, "w") as out:
        video = out.add_stream("libx264", rate=25, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.codec_context.time_base, video.codec_context.gop_size = Fraction(1, 1000), 25
        for time_ms in times_ms:
            picture = av.VideoFrame(320, 240, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            picture.pts, picture.time_base = time_ms, Fraction(1, 1000)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def read(path: str) -> list[int]:
    """The times of the pictures in ms, against the first one's."""
    with av.open(path) as file:
        times = [picture.time for picture in file.decode(video=0)]
    return [round(1000 * (time - times[0])) for time in times]


what, interval_ms, outage_ms, expected_ms = sys.argv[1], *map(int, sys.argv[2:])
if outage_ms:
    times = [number * interval_ms + (outage_ms - interval_ms) * (number >= 37) for number in range(100)]
else:
    times = [number * interval_ms for number in range(20)]
if what == "make":
    make("clip.ts", times)
    assert read("clip.ts") == times, "FFmpeg reads its own times as they are"
else:
    came = read("clip.mkv")
    seen_ms = came[37] - came[36] if outage_ms else came[-1]
    kind = "outage" if outage_ms else "length"
    print(f"every {interval_ms} ms: {kind} of {outage_ms or times[-1]} ms, through tsdemux {seen_ms} ms")
    assert len(came) == len(times) and seen_ms == expected_ms
PYTHON

while read -r interval outage expected; do
	venv/bin/python clip.py make "$interval" "$outage" "$expected"
	LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_PLUGIN_PATH='' \
		GST_REGISTRY=$folder/registry GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner \
		root/usr/bin/gst-launch-1.0 -q filesrc location=clip.ts ! tsdemux ! h264parse ! matroskamux ! \
		filesink location=clip.mkv 2>/dev/null
	venv/bin/python clip.py read "$interval" "$outage" "$expected"
done <<'CLIPS'
40 500 500
40 600 500
40 3000 500
40 20000 500
400 0 7600
600 0 9600
4000 0 13000
CLIPS
