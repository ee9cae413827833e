#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Matroska file with B pictures, remuxed by GStreamer 1.22.0 (Debian 12) to MP4, comes out wrong, with exit code 0:
# matroskademux ! h264parse ! mp4mux writes 60 pictures that lie 40 ms apart at 0, 121, 161, 120, 322, ... ms, 3.86 s instead
# of 2.4 s; with fragment-duration=1000 a third of the pictures is missing, 40 of 60; by flvmux three pictures each have one
# time. Without B pictures all of it is right, and so is mpegtsmux.
#
# Matroska has times of presentation alone, and neither demuxer nor parser makes times of decoding of them; the muxers take
# what they are given for these. h264timestamper before the muxer makes them: then mp4mux and flvmux are right, and
# fragments hold all of it. Nothing says that it is needed.
#
# Seen with GStreamer 1.22.0, files made and read by PyAV 18.1.0, H.264 with two B pictures in a row.
# Exits 0 while that is so, 1 where it has changed. Needs Debian 12 on amd64, Python 3.11 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

while read -r package version; do
	apt-get download -qq -o APT::Sandbox::User=root "$package=$version"
done <<'PACKAGES'
gstreamer1.0-tools 1.22.0-2+deb12u1
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

COUNT, INTERVAL_MS = 60, 40


def make(path: str, b_pictures: int) -> None:
    with av.open(path, "w") as out:
        video = out.add_stream("libx264", rate=25, options={"bf": str(b_pictures)})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.codec_context.time_base, video.codec_context.gop_size = Fraction(1, 1000), 25
        for number in range(COUNT):
            picture = av.VideoFrame(320, 240, "yuv420p")
            for plane, value in zip(picture.planes, (30 + 2 * number, 128, 128)):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.pts, picture.time_base = number * INTERVAL_MS, Fraction(1, 1000)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def times_ms(path: str) -> list[int]:
    """Of each picture, against the first."""
    with av.open(path) as file:
        times = [picture.time for picture in file.decode(video=0)]
    return [round(1000 * (time - times[0])) for time in times]


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]))
else:
    path, expected = sys.argv[2:]
    times = times_ms(path)
    right = [INTERVAL_MS * number for number in range(COUNT)]
    seen = "right" if times == right else f"wrong,{len(times)},{','.join(map(str, times[:5]))}"
    print(f"{path}: {len(times)} pictures at {times[:5]} to {times[-1]} ms")
    assert seen == expected, f"{seen}, not {expected}"
PYTHON
venv/bin/python clip.py make b.mkv 2
venv/bin/python clip.py make plain.mkv 0

remux() { # FROM MUXER... ! TO
	local from=$1
	shift
	LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_PLUGIN_PATH='' \
		GST_REGISTRY=$folder/registry GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner \
		root/usr/bin/gst-launch-1.0 -q filesrc "location=$from" ! matroskademux ! h264parse ! "$@" 2>/dev/null
}

while read -r expected from name muxer; do
	# shellcheck disable=SC2086
	remux "$from" $muxer ! filesink "location=$name"
	venv/bin/python clip.py look "$name" "$expected"
done <<'REMUXED'
wrong,60,0,121,161,120,322 b.mkv b-mp4 mp4mux
wrong,40,0,121,161,120,322 b.mkv b-fragmented-mp4 mp4mux fragment-duration=1000
wrong,60,0,120,120,120,240 b.mkv b-flv flvmux
right b.mkv b-ts mpegtsmux
right b.mkv b-mp4-timestamper h264timestamper ! mp4mux
right b.mkv b-fragmented-mp4-timestamper h264timestamper ! mp4mux fragment-duration=1000
right b.mkv b-flv-timestamper h264timestamper ! flvmux
right plain.mkv plain-mp4 mp4mux
right plain.mkv plain-fragmented-mp4 mp4mux fragment-duration=1000
right plain.mkv plain-flv flvmux
REMUXED
