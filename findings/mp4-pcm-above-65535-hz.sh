#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PCM above 65535 Hz in .mp4 is heard an octave or two lower, since FFmpeg writes it as the standard has it. A sample entry
# has 16 bits for the rate. Up to FFmpeg 8.0 the muxer wrote 0 there, and the demuxer took the track's timescale, which is
# right. libavformat 62.12.102 (FFmpeg 8.1, PyAV 18.1.0) writes a version 1 entry, with the rate's largest fraction that
# fits and the rate itself in a SamplingRateBox, 'srat' (ISO/IEC 14496-12, 12.2.3). It reads both; every older one,
# libavformat 60.16 to 62.3 here, knows no 'srat' and believes the fraction: a second of 96 kHz is two of 48 kHz, one of
# 192 kHz four, beside packets whose times are right. .mkv keeps the rate for all.
# Exits 0 while that is so. Needs Python 3.11 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >write.py <<'PYTHON'
import sys

import av

for rate in (48000, 96000, 192000):
    for ending in ("mp4", "mkv"):
        with av.open(f"{sys.argv[1]}-{rate}.{ending}", "w") as container:
            stream = container.add_stream("pcm_s16le", rate=rate, layout="mono")
            frame = av.AudioFrame(format="s16", layout="mono", samples=rate)
            frame.planes[0].update(bytes(2 * rate))
            frame.sample_rate = rate
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
PYTHON
cat >read.py <<'PYTHON'
import sys

import av

writer, fraction = sys.argv[1], sys.argv[2] == "fraction"
for rate in (48000, 96000, 192000):
    for ending in ("mp4", "mkv"):
        with av.open(f"{writer}-{rate}.{ending}") as container:
            told = container.streams.audio[0].rate
        print(f"libavformat {av.library_versions['libavformat']}: {rate} Hz in .{ending} by PyAV {writer} is {told} Hz")
        wrong = ending == "mp4" and rate > 65535 and fraction
        assert told == (48000 if wrong else rate), "this has changed"
PYTHON
for version in 12.3.0 13.1.0 16.0.1 18.1.0; do
	python3 -m venv "venv-$version"
	"venv-$version/bin/pip" install --quiet --disable-pip-version-check "av==$version"
	"venv-$version/bin/python" write.py "$version"
done
for version in 12.3.0 13.1.0 16.0.1 18.1.0; do
	"venv-$version/bin/python" read.py "$version" right
	"venv-18.1.0/bin/python" read.py "$version" right
	if [ "$version" != 18.1.0 ]; then "venv-$version/bin/python" read.py 18.1.0 fraction; fi
done
grep -qa srat 18.1.0-96000.mp4
if grep -qa srat 16.0.1-96000.mp4; then exit 1; fi
