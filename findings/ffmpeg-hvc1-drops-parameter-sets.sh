#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg's MP4 muxer leaves parameter sets out of the samples of H.265 where the track is called "hvc1", which is what
# everybody is told to call it for Apple's players (-c copy -tag:v hvc1). That name means that all sets are in the
# header; but the muxer writes the first ones there, and throws away those that come later also where they differ. Of
# x265 with opt-qp-pps, which sends another picture parameter set with a keyframe where another quantizer has become
# usual, 50 of 60 pictures are decoded with the wrong one, and neither the muxer nor the decoder says a word. Under the
# name "hev1" all is well. Who wants hvc1 has to compare the sets, and to begin another file where they differ.
#
# Seen with PyAV 18.1.0 (libavformat 62.12.102, x265 4.2), 6 keyframes in 60 pictures:
#     opt-qp-pps=0: hev1 60 of 60 pictures right, hvc1 60 of 60
#     opt-qp-pps=1: hev1 60 of 60 pictures right, hvc1 10 of 60, 0 warnings
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import hashlib
import io
from fractions import Fraction

import av
import av.logging
import numpy

WIDTH, HEIGHT, COUNT, GOP = 128, 96, 60, 10
av.logging.set_level(av.logging.WARNING)


def encoded(optimized: bool) -> list[bytes]:
    options = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:open-gop=0:bframes=0:repeat-headers=1:pools=1:log-level=none"
    encoder = av.CodecContext.create("libx265", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = WIDTH, HEIGHT, "yuv420p", Fraction(1, 25)
    encoder.bit_rate = 300_000
    encoder.options = {"preset": "fast", "x265-params": f"{options}:opt-qp-pps={int(optimized)}"}
    random, packets = numpy.random.default_rng(1), []
    for number in range(COUNT):
        busy = 4 + 40 * (number // GOP % 3)  # a scene that is calm and busy in turn
        luma = numpy.clip(random.normal(128, busy, (HEIGHT, WIDTH)), 0, 255).astype(numpy.uint8)
        grey = numpy.full((HEIGHT // 2, WIDTH), 128, numpy.uint8)
        picture = av.VideoFrame.from_ndarray(numpy.concatenate([luma, grey]), format="yuv420p")
        picture.pts = number
        packets += encoder.encode(picture)
    return [bytes(packet) for packet in packets + encoder.encode(None)]


def sums(pictures) -> list[str]:
    return [hashlib.md5(picture.to_ndarray().tobytes()).hexdigest() for picture in pictures]


def muxed(units: list[bytes], tag: str) -> bytes:
    with av.open(io.BytesIO(units[0]), format="hevc") as probe:
        file = io.BytesIO()
        with av.open(file, "w", format="mp4") as output:
            stream = output.add_stream_from_template(probe.streams.video[0])
            stream.codec_context.codec_tag = tag
            for number, unit in enumerate(units):
                packet = av.Packet(unit)
                packet.pts = packet.dts = number
                packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), stream, number % GOP == 0
                output.mux(packet)
    return file.getvalue()


def right(units: list[bytes], tag: str) -> tuple[int, int]:
    """Of the pictures that come out of a file, those that are what the stream has; and how many lines were logged."""
    decoder = av.CodecContext.create("hevc", "r")
    true = sums([picture for unit in units for picture in decoder.decode(av.Packet(unit))] + decoder.decode(None))
    with av.logging.Capture() as words, av.open(io.BytesIO(muxed(units, tag))) as file:
        shown = sums(file.decode(video=0))
    assert len(shown) == len(true) == COUNT
    return sum(one == other for one, other in zip(shown, true)), len(words)


changed = False
for optimized in (False, True):
    units = encoded(optimized)
    for tag in ("hev1", "hvc1"):
        count, words = right(units, tag)
        wrong = optimized and tag == "hvc1"
        changed = changed or words > 0 or (count == COUNT) == wrong
        print(f"opt-qp-pps={int(optimized)} {tag}: {count} of {COUNT} pictures right, {words} warnings")
raise SystemExit("changed" if changed else 0)
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "av==18.1.0" "numpy<3"
"$folder/venv/bin/python" "$folder/look.py"
