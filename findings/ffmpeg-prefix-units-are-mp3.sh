#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg takes a raw H.264 stream of small pictures for MP3 sound if each has a prefix NAL unit in front (type 14, H.264
# annex G; encoders with temporal layers write them, such as OpenH264). Such units count against H.264 in its detection,
# and bytes of the stream look like MPEG frames by chance. A file named .h264 is refused as "Invalid data found when
# processing input": both formats then weigh the same. Told the format (-f h264), it decodes all of it without an error.
#
# Seen with PyAV 18.1.0 (libavformat 62.12.102); Debian's ffprobe 5.1.9 says the same of file and pipe:
#     0 prefix units: memory h264, file h264, as h264 30 pictures
#     30 prefix units: memory mp3, file Invalid data found when processing input, as h264 30 pictures
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import io
import pathlib
from fractions import Fraction

import av

COUNT, START = 30, b"\0\0\0\1"


def units() -> list[bytes]:
    """The NAL units of a stream with one slice in each picture, all of them references."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"x264-params": "keyint=250:slices=1:sliced-threads=0:bframes=0"}
    packets = []
    for number in range(COUNT):
        frame = av.VideoFrame(64, 64, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([100 + number]) * plane.buffer_size)
        frame.pts = number
        packets += encoder.encode(frame)
    data = b"".join(bytes(packet) for packet in packets + encoder.encode(None))
    return data.replace(START, START[1:]).split(START[1:])[1:]


def prefix(slice_: bytes) -> bytes:
    """G.7.3.1.1: svc_extension_flag, idr_flag; no_inter_layer_pred_flag; output_flag; then two flags and the stop bit."""
    is_idr = slice_[0] & 31 == 5
    return START + bytes([slice_[0] & 0x60 | 14, 0xC0 if is_idr else 0x80, 0x80, 0x07, 0x20])


def recognized(place: io.BytesIO | str) -> str:
    try:
        with av.open(place) as container:
            return container.format.name
    except av.error.InvalidDataError as error:
        return error.strerror


same = True
for most, expected in ((0, ("h264", "h264")), (COUNT, ("mp3", "Invalid data found when processing input"))):
    data, done = b"", 0
    for unit in units():
        if unit[0] & 31 in (1, 5) and done < most:
            data, done = data + prefix(unit), done + 1
        data += START + unit
    path = pathlib.Path(__file__).with_name("stream.h264")
    path.write_bytes(data)
    found = recognized(io.BytesIO(data)), recognized(str(path))
    with av.open(str(path), format="h264") as container:
        pictures = sum(1 for _ in container.decode(video=0))
    print(f"{done} prefix units: memory {found[0]}, file {found[1]}, as h264 {pictures} pictures")
    same = same and found == expected and pictures == COUNT
raise SystemExit(not same)
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py"
