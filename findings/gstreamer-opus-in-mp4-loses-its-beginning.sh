#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Opus that GStreamer 1.22.0 (Debian 12) writes into MP4 loses its first 0.29 s to whoever reads the file by its format. The
# fields of dOps are big-endian ("Encapsulation of Opus in ISO Base Media File Format", 4.3.2); mp4mux and qtmux write them
# as they stand in OpusHead, little-endian. So a pre-skip of 312 samples becomes 14337, and FFmpeg takes 14025 samples too
# many from the beginning, silently; the sample rate becomes 2,159,738,880 Hz. GStreamer itself reads the number the same
# wrong way round, so that whoever tries the file there hears all of it. In Matroska nothing is lost.
#
# Seen with GStreamer 1.22.0 and PyAV 18.1.0, 4 s of sound (192,000 samples at 48 kHz):
#     mp4mux: dOps says 14337, 2159738880 Hz; 178623 samples come, the first at 0.292 s
#     matroskamux: OpusHead says 312, 48000 Hz; 192000 samples come, the first at 0.000 s
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
libopus0 1.3.1-3
PACKAGES
for package in *.deb; do dpkg -x "$package" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

for muxer in mp4mux qtmux matroskamux; do
	LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_PLUGIN_PATH='' \
		GST_REGISTRY=$folder/registry GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner \
		root/usr/bin/gst-launch-1.0 -q audiotestsrc samplesperbuffer=960 num-buffers=200 ! \
		audio/x-raw,rate=48000,channels=2 ! audioconvert ! opusenc ! "$muxer" ! filesink "location=$muxer" 2>/dev/null
done

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
cat >look.py <<'PYTHON'
import struct
from pathlib import Path

import av

SAMPLES, SKIPPED = 192000, 312


def came(path: str) -> tuple[int, float]:
    with av.open(path) as file:
        frames = list(file.decode(audio=0))
    return sum(frame.samples for frame in frames), round(frames[0].time, 3)


for muxer in ("mp4mux", "qtmux"):
    _, head = Path(muxer).read_bytes().split(b"dOps", 1)
    _, _, skipped, rate = struct.unpack_from(">BBHI", head)
    samples, first = came(muxer)
    print(f"{muxer}: dOps says {skipped}, {rate} Hz; {samples} samples come, the first at {first:.3f} s")
    assert struct.unpack_from("<BBHI", head)[2:] == (SKIPPED, 48000)
    lost = skipped - SKIPPED
    assert lost == 14025 and SAMPLES - samples in range(lost - 960, lost + 1) and first == round(lost / 48000, 3)
_, head = Path("matroskamux").read_bytes().split(b"OpusHead", 1)
_, _, skipped, rate = struct.unpack_from("<BBHI", head)
samples, first = came("matroskamux")
print(f"matroskamux: OpusHead says {skipped}, {rate} Hz; {samples} samples come, the first at {first:.3f} s")
assert (skipped, rate, samples, first) == (SKIPPED, 48000, SAMPLES, 0)
PYTHON
venv/bin/python look.py
