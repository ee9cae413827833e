#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What GStreamer encodes as AAC or MP3 is heard late, by as many samples at each rate, and no file of its muxers says so:
# a sound that begins at 1 s begins 1600 samples later from voaacenc and 1105 from lamemp3enc, in MP4 as in Matroska. Of a
# microphone at 16 kHz that is 100 and 69 ms, at 8 kHz 200 and 138 ms, beyond what lips may be off. opusenc is exact in Matroska.
#
# The encoders do not tell their delay to those after them, so the first packet, with what comes before the sound, is dated
# 0; mp4mux writes no edit list and matroskamux no CodecDelay. FFmpeg's AAC in MP4 has an edit list, and is exact. Nothing
# in such a file tells a reader how much to take away; of FFmpeg's own encoder (1024) it is another number.
#
# Seen with GStreamer 1.22.0 (Debian 12), decoded by PyAV 18.1.0; samples by which the tone comes late at 48, 16 and 8 kHz:
#     voaacenc 1600 1600 1600; lamemp3enc 1105 1105 1105; opusenc 0 0 0; FFmpeg's aac in MP4 0 0 0
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
libvo-aacenc0 0.1.3-2
libmp3lame0 3.100-6
libopus0 1.3.1-3
PACKAGES
for package in *.deb; do dpkg -x "$package" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
cat >sound.py <<'PYTHON'
import sys
import wave
from fractions import Fraction

import av
import numpy


def tone(rate: int) -> numpy.ndarray:
    """A hundredth of a second of 1 kHz, louder and softer again."""
    at = numpy.arange(rate // 100)
    return numpy.sin(2 * numpy.pi * 1000 * at / rate) * numpy.hanning(len(at))


def make(path: str, rate: int) -> None:
    """4 s with a tone at the beginning of each second but the first; beside it what FFmpeg's encoder makes of it."""
    samples = numpy.zeros(4 * rate, numpy.int16)
    for second in (1, 2, 3):
        samples[second * rate : second * rate + rate // 100] = 20000 * tone(rate)
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    with av.open(f"{path}.ffmpeg.mp4", "w") as file:
        stream = file.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def late(path: str, rate: int) -> list[int]:
    """By how many samples the tones come late, against the times that the file gives its sound."""
    with av.open(path) as file:
        resampler, found, first = av.AudioResampler("s16", "mono", rate), [], None
        for frame in file.decode(audio=0):
            first = frame.time if first is None else first
            found += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        found += [part.to_ndarray()[0] for part in resampler.resample(None)]
    assert first is not None and abs(first) < 0.001
    sound, what = numpy.concatenate(found).astype(float), tone(rate)
    return [
        int(numpy.argmax(numpy.correlate(sound[at - rate // 2 : at + rate // 2], what, "valid"))) - rate // 2
        for at in (rate, 2 * rate, 3 * rate)
    ]


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]))
else:
    path, rate, expected = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    came = late(path, rate)
    print(f"{path}: {came} samples late, {1000 * came[0] / rate:.0f} ms")
    # A tone that was decoded at another rate is found to a sample.
    assert all(abs(samples - expected) <= 1 for samples in came)
PYTHON

launch() {
	LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_PLUGIN_PATH='' \
		GST_REGISTRY=$folder/registry GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner \
		root/usr/bin/gst-launch-1.0 -q "$@" 2>/dev/null
}

for rate in 48000 16000 8000; do
	venv/bin/python sound.py make "tones-$rate.wav" "$rate"
	venv/bin/python sound.py late "tones-$rate.wav.ffmpeg.mp4" "$rate" 0
	while read -r samples encoder parser muxers; do
		for muxer in ${muxers//,/ }; do
			launch filesrc "location=tones-$rate.wav" ! wavparse ! audioconvert ! "$encoder" ! "$parser" ! "$muxer" ! \
				filesink "location=$encoder-$rate-$muxer"
			venv/bin/python sound.py late "$encoder-$rate-$muxer" "$rate" "$samples"
		done
	done <<-'ENCODERS'
		1600 voaacenc aacparse mp4mux,matroskamux
		1105 lamemp3enc mpegaudioparse mp4mux,matroskamux
		0 opusenc opusparse matroskamux
	ENCODERS
done
