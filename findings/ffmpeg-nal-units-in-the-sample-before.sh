#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg's parsers (libavcodec 62.28.102, in PyAV 18.1.0) put NAL units at the borders of pictures into the wrong packet;
# copying a raw stream into .mp4 makes that permanent, as other demuxers take a sample for an access unit:
# - H.264: a prefix NAL unit (type 14) describes the slice behind it (temporal layer, whether it may be dropped), and begins
#   the access unit (7.4.1.2.3). It goes into the sample before, unless parameter sets or a message stand between.
# - H.265: an end of sequence NAL unit (36) is the last one of its access unit (7.4.2.4.4). It goes into the sample behind,
#   where nothing may stand in front of the parameter sets; an end of bitstream (37) at the end, if it has a zero byte
#   behind it, becomes a sample without a picture.
# Delimiters and SEI messages go where they belong. Seen, of 8 pictures each with an IDR picture in the middle: 6 samples
# of .mp4 that end with the next picture's prefix NAL unit; 1 that begins with an end of sequence, and a ninth that is an
# end of bitstream alone.
# Exits 0 while that is so. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
venv/bin/python - <<'PYTHON'
import io
from fractions import Fraction

import av


def encode(name, option, settings):
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, 25), Fraction(25), 4
    encoder.options = {"tune": "zerolatency", option: settings}
    packets = []
    for number in range(8):
        frame = av.VideoFrame(64, 64, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes((n * 7 + number * 31) % 256 for n in range(plane.buffer_size)))
        frame.pts = number
        packets += encoder.encode(frame)
    return b"".join(bytes(packet) for packet in packets + encoder.encode(None))


def nals(stream):
    return [nal.rstrip(b"\0") for nal in stream.split(b"\0\0\1")[1:]]


def samples(stream, codec):
    """The types of the NAL units in each sample of an .mp4 file that the stream is copied into."""
    file = io.BytesIO()
    with av.open(io.BytesIO(stream), "r", format=codec) as source, av.open(file, "w", format="mp4") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux() if packet.size):
            copy = av.Packet(bytes(packet))
            copy.stream, copy.time_base, copy.is_keyframe = video, Fraction(1, 25), packet.is_keyframe
            copy.pts = copy.dts = number
            target.mux(copy)
    file.seek(0)
    with av.open(file) as copied:
        data = [bytes(packet) for packet in copied.demux() if packet.size]
    found = []
    for sample in data:
        kinds, at = [], 0
        while at < len(sample):
            size = int.from_bytes(sample[at : at + 4], "big")
            kinds.append(sample[at + 4] & 31 if codec == "h264" else sample[at + 4] >> 1)
            at += 4 + size
        found.append(kinds)
    return found


h264 = b""
for nal in nals(encode("libx264", "x264-params", "annexb=1:repeat-headers=1:threads=1:aud=0")):
    if nal[0] & 31 in (1, 5):
        h264 += b"\0\0\0\1" + bytes([nal[0] & 0x60 | 14, 0x40 if nal[0] & 31 == 1 else 0, 0, 7])
    h264 += b"\0\0\0\1" + nal
h265, slices = b"", 0
for nal in nals(encode("libx265", "x265-params", "repeat-headers=1:log-level=none:pools=1:keyint=4:min-keyint=4:no-open-gop=1")):
    if nal[0] >> 1 == 32 and slices == 4:
        h265 += b"\0\0\0\1\x48\1"
    h265 += b"\0\0\0\1" + nal
    slices += nal[0] >> 1 < 32
h265 += b"\0\0\0\1\x4a\1\0"

prefixed, ended = samples(h264, "h264"), samples(h265, "hevc")
print("H.264:", prefixed)
print("H.265:", ended)
assert len(prefixed) == 8 and sum(kinds[-1] == 14 for kinds in prefixed) == 6, prefixed
assert len(ended) == 9 and [kinds[0] for kinds in ended].count(36) == 1 and ended[-1] == [37], ended
PYTHON
