#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PyAV 18.1.0 can't tell how a photo is mirrored: frame.side_data raises ValueError ("31 is not a valid Type") for every
# JPEG picture with Exif data, whose side data it has no name for, so the display matrix beside it is out of reach.
# frame.rotation reads that matrix all the same, but as an angle: Exif orientations 2 and 3, 1 and 4, 5 and 6, 7 and 8
# are the same to it, and 2 (mirrored from left to right) is said to be turned by 180 degrees, which it is not.
# An .mp4 that is mirrored by its track header tells its matrix; there is no Exif data beside it.
#
# Seen: orientation: rotation, side_data
#     1: 0 error, 2: -180 error, 3: -180 error, 4: 0 error, 5: -90 error, 6: -90 error, 7: 90 error, 8: 90 error
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import io
import struct

import av

EXPECTED = {1: 0, 2: -180, 3: -180, 4: 0, 5: -90, 6: -90, 7: 90, 8: 90}


def photo(orientation: int) -> bytes:
    """A JPEG picture with one entry of Exif data, the orientation."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="image2pipe") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuvj420p")) + stream.encode(None))
    data = memory.getvalue()
    exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


same = True
for orientation, rotation in EXPECTED.items():
    with av.open(io.BytesIO(photo(orientation)), format="jpeg_pipe") as container:
        frame = next(container.decode(video=0))
    try:
        told = str([data.type.name for data in frame.side_data])
    except ValueError as error:
        told = str(error)
    print(f"{orientation}: {frame.rotation} {told}")
    same = same and frame.rotation == rotation and "not a valid Type" in told
raise SystemExit(not same)
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py"
