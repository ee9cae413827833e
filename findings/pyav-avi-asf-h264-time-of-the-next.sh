#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PyAV gives each picture of H.264 in .avi and .asf the time of the next one, so that the last picture before an outage
# of three seconds seems to be taken three seconds late, at its end. Both containers have times of decoding only. PyAV
# sets AVFMT_FLAG_GENPTS on whatever it opens, and libavformat then takes, as time of showing, the time of decoding of
# the packet that follows: right for a picture that B pictures follow, wrong in a stream without any, even if its
# parameter sets say that nothing is reordered. MPEG-4 Part 2 and Motion JPEG come out right, and so does H.264 in
# Matroska. With the flag taken away (container.flags &= ~1) packets and pictures have no pts at all, and dts is right.
#
# Seen with PyAV 15.1.0 (libavformat 61) and 18.1.0 (libavformat 62), in ms; encoded are 0 40 80 3000 3040:
#     h264   avi       pts 40 80 3000 3040 3080   dts 0 40 80 3000 3040
#     h264   asf       the same
#     h264   matroska  pts 0 40 80 3000 3040
#     mpeg4  avi, asf  pts 0 40 80 3000 3040
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import io
from fractions import Fraction

import av

TIMES_MS = [0, 40, 80, 3000, 3040]
GENPTS = 1
MS = Fraction(1, 1000)


def clip(container: str, codec: str) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 64, 48, "yuv420p", MS
        stream.codec_context.time_base, stream.codec_context.max_b_frames = MS, 0
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "tune": "zerolatency"}
        for number, time_ms in enumerate(TIMES_MS):
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([16 + 40 * number]) * plane.buffer_size)
            picture.pts, picture.time_base = time_ms, MS
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return buffer.getvalue()


def in_ms(stamp: int | None, unit: Fraction) -> int | None:
    return None if stamp is None else round(stamp * unit * 1000)


def times(data: bytes, name: str, generated: bool = True) -> list[int | None]:
    with av.open(io.BytesIO(data)) as opened:
        assert opened.flags & GENPTS, "PyAV no longer asks for generated times"
        if not generated:
            opened.flags &= ~GENPTS
        return [in_ms(getattr(found, name), found.time_base) for found in opened.decode(video=0)]


def look(container: str, codec: str, late: bool) -> None:
    data = clip(container, codec)
    shown, decoded = times(data, "pts"), times(data, "dts", generated=False)
    print(f"{codec} {container}: pts {shown}, dts without the flag {decoded}")
    expected = TIMES_MS[1:] if late else TIMES_MS
    assert shown[: len(expected)] == expected, f"expected pts {expected}"
    if late:
        assert times(data, "pts", generated=False) == [None] * len(TIMES_MS)
        assert decoded == TIMES_MS


print(f"PyAV {av.__version__}, libavformat {av.library_versions['libavformat']}")
for container in ("avi", "asf"):
    look(container, "libx264", late=True)
    look(container, "mpeg4", late=False)
look("matroska", "libx264", late=False)
PYTHON

python3 -m venv "$folder/venv"
for version in 15.1.0 18.1.0; do
	"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "av==$version"
	"$folder/venv/bin/python" "$folder/look.py"
done
