#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# H.264 in .avi, remuxed to Matroska by GStreamer 1.22.0 (Debian 12), loses all pictures but the keyframes, with exit code 0
# and no message: of 100 pictures with a keyframe a second 4 are left, which looks like a camera of one picture a second.
# avidemux tells times of presentation of keyframes alone, since .avi has times of decoding only; h264parse makes none for
# the others, though the stream says that nothing is reordered; and matroskamux passes over what has none. What each does:
#     matroskamux       4 of 100 pictures            flvmux, mpegtsmux     all, at the right times
#     mp4mux            an error                     Motion JPEG, also to matroskamux: all of it right
# h264timestamper, which is what makes times of decoding for B pictures (gstreamer-remux-loses-b-pictures.sh), makes it
# worse: all pictures are there, but matroskamux, mp4mux and flvmux give most of them the time of a keyframe.
# So old recordings in .avi, and those of USB cameras that send H.264, are to be remuxed by mkvmerge or FFmpeg.
#
# Seen with GStreamer 1.22.0, files made and read by PyAV 18.1.0, H.264 without B pictures, 25 frames/s.
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

COUNT, INTERVAL_MS = 100, 40


def make(path: str, codec: str) -> None:
    with av.open(path, "w") as out:
        video = out.add_stream(codec, rate=25)
        video.width, video.height = 320, 240
        video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        video.codec_context.gop_size, video.codec_context.max_b_frames = 25, 0
        for number in range(COUNT):
            picture = av.VideoFrame(320, 240, video.pix_fmt)
            for plane, value in zip(picture.planes, (30 + 2 * number, 128, 128)):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.pts, picture.time_base = number, Fraction(1, 25)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def look(path: str) -> str:
    with av.open(path) as file:
        pictures = [(round((bytes(frame.planes[0])[0] - 30) / 2), frame.time) for frame in file.decode(video=0)]
    numbers = [number for number, _ in pictures]
    times = [round(1000 * (time - pictures[0][1])) for _, time in pictures]
    print(f"{path}: {len(pictures)} pictures, {numbers[:4]} at {times[:4]} ms")
    if numbers == list(range(0, COUNT, 25)):
        return "keyframes"
    assert numbers == list(range(COUNT))
    if times == [INTERVAL_MS * number for number in numbers]:
        return "right"
    return "times" if sum(abs(time - INTERVAL_MS * number) > 1 for number, time in enumerate(times)) > 50 else "few"


if sys.argv[1] == "make":
    make(sys.argv[2], sys.argv[3])
else:
    seen = look(sys.argv[2])
    assert seen == sys.argv[3], f"{seen}, not {sys.argv[3]}"
PYTHON
venv/bin/python clip.py make h264.avi libx264
venv/bin/python clip.py make mjpeg.avi mjpeg

while read -r expected from name pipeline; do
	code=0
	# shellcheck disable=SC2086
	LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_PLUGIN_PATH='' \
		GST_REGISTRY=$folder/registry GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner \
		root/usr/bin/gst-launch-1.0 -q filesrc "location=$from" ! avidemux ! $pipeline ! \
		filesink "location=$name" 2>error || code=$?
	if [ "$expected" = error ]; then
		[ "$code" = 1 ]
		echo "$name: $(sed -n 's/^ERROR: .*: //p' error)"
	else
		[ "$code" = 0 ]
		venv/bin/python clip.py look "$name" "$expected"
	fi
done <<'REMUXED'
keyframes h264.avi h264-matroska h264parse ! matroskamux
error h264.avi h264-mp4 h264parse ! mp4mux
right h264.avi h264-flv h264parse ! flvmux
right h264.avi h264-ts h264parse ! mpegtsmux
times h264.avi h264-matroska-timestamper h264parse ! h264timestamper ! matroskamux
times h264.avi h264-mp4-timestamper h264parse ! h264timestamper ! mp4mux
times h264.avi h264-flv-timestamper h264parse ! h264timestamper ! flvmux
right mjpeg.avi mjpeg-matroska jpegparse ! matroskamux
REMUXED
