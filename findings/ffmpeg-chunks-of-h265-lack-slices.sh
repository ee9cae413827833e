#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A camera that gives each slice in a buffer of its own, and FFmpeg's decoders, a packet for each buffer. That packets may
# end anywhere is told by flags2=+chunks. H.264 is then decoded right, and each picture comes with its very last slice,
# without the next picture, whatever the slices are cut by; but each of these whole pictures is flagged as corrupt
# (AV_FRAME_FLAG_CORRUPT). H.265 takes the same option and does not heed it: of each picture the first slice alone is
# decoded. The packets of the others are accepted, there are as many pictures as there should be, none is flagged, and no
# call fails; only libav's log has "First slice in a frame missing" for each. Expected were pictures that are right, or
# errors, and a flag on those that lack something. So the flag is on whole pictures, and not on those with 8 of 256 rows.
#
# Seen with PyAV 18.1.0 (libavcodec 62.28.102), 30 pictures of 320x256 in 4 slices each, a packet for each slice:
#     H.264, +chunks      30 pictures, 30 with their last slice, 256 of 256 rows right, 0 errors, 30 flagged
#     H.265, +chunks      30 pictures,  0 with their last slice,   8 of 256 rows right, 0 errors,  0 flagged
#     H.265, without      the same
# Who has slices of H.265 puts access units together before they are decoded.
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
from fractions import Fraction

import av
import numpy

WIDTH, HEIGHT, COUNT, SLICES = 320, 256, 30, 4


def encoded(name, option, parameters):
    """Pictures in several slices each."""
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"tune": "zerolatency", option: f"keyint=10:bframes=0:repeat-headers=1:{parameters}"}
    rows, columns = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    grey = numpy.full((HEIGHT // 2, WIDTH), 128, numpy.uint8)
    packets = []
    for number in range(COUNT):
        luma = ((columns + rows + 6 * number) % 256).astype(numpy.uint8)
        frame = av.VideoFrame.from_ndarray(numpy.concatenate([luma, grey]), format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


def by_slice(picture, is_slice):
    """The picture in pieces, each of which has one slice."""
    starts, at = [], 0
    while (at := picture.find(b"\0\0\1", at)) >= 0:
        if is_slice(picture[at + 3]):
            starts.append(at - 1 if picture[at - 1] == 0 else at)
        at += 3
    edges = [0, *starts[1:], len(picture)]
    return [picture[begin:end] for begin, end in zip(edges, edges[1:])]


def luma(frame):
    return frame.to_ndarray(format="gray").astype(int)


def look(codec, pictures, is_slice, options):
    """(pictures, of them those that came with their last slice, rows that are right in all, errors, flagged ones)"""
    whole, decoder = av.CodecContext.create(codec, "r"), av.CodecContext.create(codec, "r")
    expected = [luma(frame) for data in [*map(av.Packet, pictures), None] for frame in whole.decode(data)]
    decoder.thread_count, decoder.options = 1, options
    found, errors, in_time = [], 0, 0
    for data in pictures:
        counts = []
        for piece in by_slice(data, is_slice):
            try:
                frames = decoder.decode(av.Packet(piece))
            except av.error.FFmpegError:
                frames, errors = [], errors + 1
            found += frames
            counts.append(len(frames))
        in_time += counts == [0] * (SLICES - 1) + [1]
    found += decoder.decode(None)
    rows = 0
    if len(found) == len(expected):
        off = numpy.max([abs(luma(frame) - right).mean(axis=1) for frame, right in zip(found, expected)], axis=0)
        rows = int((off < 1).sum())
    return len(found), in_time, rows, errors, sum(bool(frame.is_corrupt) for frame in found)


STREAMS = {
    "h264": (encoded("libx264", "x264-params", f"slices={SLICES}:threads=1"), lambda first: first & 31 in (1, 5)),
    "hevc": (encoded("libx265", "x265-params", f"slices={SLICES}:log-level=none:open-gop=0"), lambda first: first >> 1 & 63 < 32),
}
for codec, chunks in (("h264", True), ("hevc", True), ("hevc", False)):
    count, in_time, rows, errors, flagged = look(codec, *STREAMS[codec], {"flags2": "+chunks"} if chunks else {})
    print(
        f"{codec}{', +chunks' if chunks else ''}: {count} pictures, {in_time} with their last slice, "
        f"{rows} of {HEIGHT} rows right, {errors} errors, {flagged} flagged"
    )
    assert (count, errors) == (COUNT, 0)
    if codec == "h264":
        assert (in_time, rows, flagged) == (COUNT, HEIGHT, COUNT)
    else:
        assert in_time == 0 and rows < HEIGHT // 2 and flagged == 0
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" "$folder/look.py"
