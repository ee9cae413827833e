#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Three programs that cut a recording into files of ten seconds, and none cuts one with an outage in it as is expected, the files
# before it and behind it alike, ten seconds of pictures each:
# - FFmpeg's segment muxer counts its files as if there had been no outage, so behind it each keyframe begins a file until it
#   has as many as time has passed: a camera that was off for a night is followed by hundreds of files of a second.
#   Its HLS muxer does the same.
# - GStreamer's splitmuxsink counts the outage as a part of the group of pictures before it, which is then too long for the file
#   that it belongs to: the last second before an outage lies alone in a file of its own.
# - mkvmerge --split cuts well, but the first file behind the outage begins with the outage: a player shows nothing for its
#   first 100 s, or says so of its length, while all other files begin at 0.
#
# Seen with PyAV 18.1.0 (libavformat 62.12.102), GStreamer 1.22.0 and mkvmerge 74: 5 pictures a second, a keyframe each second,
# 20 s, an outage of 100 s, 40 s; pictures in each file, and the time of the first:
#     expected        50 50 50 50 50 50
#     FFmpeg          50 50 5 5 5 5 5 5 5 5 5 5 5 45 50 50
#     splitmuxsink    50 45 5 50 50 50 50
#     mkvmerge        50 50 50 50 50 50, at 0, 0, 100 s, 0, 0, 0
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
mkvtoolnix 74.0.0-1+deb12u1
libboost-filesystem1.74.0 1.74.0+ds1-21
libdvdread8 6.1.3-1
libebml5 1.4.4-1+deb12u1
libflac12 1.4.2+ds-2
libfmt9 9.1.0+ds1-2
libmatroska7 1.7.1-1
libogg0 1.3.5-3
libpugixml1v5 1.13-0.2
libqt5core5a 5.15.8+dfsg-11+deb12u3
libdouble-conversion3 3.2.1-1
libicu72 72.1-3+deb12u1
libpcre2-16-0 10.42-1+deb12u2
libglib2.0-0 2.74.6-2+deb12u9
libvorbis0a 1.3.7-1
PACKAGES
for package in *.deb; do dpkg -x "$package" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
with_them() { # run a program of these packages
	LC_ALL=C.UTF-8 LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_PLUGIN_PATH='' \
		GST_REGISTRY=$folder/registry GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner "$@"
}

cat >look.py <<'PYTHON'
import sys
from fractions import Fraction
from pathlib import Path

import av

MS = Fraction(1, 1000)
INTERVAL_MS, KEY, BEFORE, COUNT, OUTAGE_MS, LENGTH_S = 200, 5, 100, 300, 100_000, 10
FULL = LENGTH_S * 1000 // INTERVAL_MS
EXPECTED = {
    "ffmpeg": [FULL] * 2 + [KEY] * 11 + [FULL - KEY] + [FULL] * 2,
    "gstreamer": [FULL, FULL - KEY, KEY] + [FULL] * 4,
    "mkvmerge": [FULL] * 6,
}


def make(path: str) -> None:
    with av.open(path, "w") as out:
        video = out.add_stream("libx264", rate=5, options={"bf": "0", "g": str(KEY), "sc_threshold": "0", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = MS
        picture = av.VideoFrame(64, 48, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        for number in range(COUNT):
            picture.pts, picture.time_base = number * INTERVAL_MS + (OUTAGE_MS if number >= BEFORE else 0), MS
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def cut(path: str, pattern: str) -> None:
    options = {"segment_time": str(LENGTH_S), "segment_format": "matroska"}
    with av.open(path) as file, av.open(pattern, "w", format="segment", options=options) as out:
        stream = out.add_stream_from_template(file.streams.video[0])
        for packet in file.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as file:
        return [float(packet.pts * packet.time_base) for packet in file.demux(video=0) if packet.size]


if sys.argv[1:] == ["make"]:
    make("clip.mkv")
    cut("clip.mkv", "ffmpeg-%03d.mkv")
    sys.exit()
same = []
for name, expected in EXPECTED.items():
    files = [times_of(path) for path in sorted(Path.cwd().glob(f"{name}-*.mkv"))]
    begins = [round(times[0]) for times in files]
    print(f"{name}: pictures {[len(times) for times in files]}, first at {begins} s")
    same.append([len(times) for times in files] == expected)
    if name == "mkvmerge":
        same.append(begins == [0, 0, OUTAGE_MS // 1000, 0, 0, 0])
sys.exit(0 if all(same) else f"it has changed: {same}")
PYTHON

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
venv/bin/python look.py make
with_them root/usr/bin/mkvmerge -q -o mkvmerge.mkv --split 10s clip.mkv
with_them root/usr/bin/gst-launch-1.0 -q filesrc location=clip.mkv ! matroskademux ! h264parse ! \
	splitmuxsink muxer-factory=matroskamux max-size-time=10000000000 location=gstreamer-%03d.mkv
venv/bin/python look.py
