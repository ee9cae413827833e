#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rerun dates the B pictures of some fragmented MP4 days late, and so puts them behind all others: its reader, re_mp4, takes
# the composition offsets of a fragment (trun) as unsigned numbers, though those of its version 1 are signed
# (ISO/IEC 14496-12), and adds them as they are. An offset of -40 ms becomes 2^32 of the track's units less 40 ms. Such
# offsets are what FFmpeg writes with movflags negative_cts_offsets, and its profiles for CMAF and low-latency DASH. The
# times come from AssetVideo.read_frame_timestamps_nanos(), whose documented use is to lay a recording on a timeline
# picture by picture; there is no error. Expected were the times of showing, as from FFmpeg, up to a constant. The same
# offsets in a file without fragments (ctts, version 1) are read right, and so are fragments with none below zero.
#
# Seen with rerun-sdk 0.41.0 and PyAV 18.1.0: 12 pictures 40 ms apart, two B pictures in a row, in seconds:
#     negative offsets, in fragments     0 0.12 0.24 0.36 0.44, then 335544.36 and six more
#     negative offsets, not in fragments 0 0.04 0.08 ... 0.40 0.44
#     in fragments, none below zero      0.08 0.12 ... 0.52
# Exits 0 while that is so, 1 where it has changed. Needs x86-64, Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys
from fractions import Fraction
from pathlib import Path

import av
import rerun

COUNT, INTERVAL_MS = 12, 40
FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"
CASES = {
    "negative offsets, in fragments": f"{FRAGMENTS}+negative_cts_offsets",
    "negative offsets, not in fragments": "negative_cts_offsets",
    "in fragments, none below zero": FRAGMENTS,
}


def record(path: Path, flags: str) -> None:
    with av.open(str(path), "w", options={"movflags": flags}) as out:
        video = out.add_stream("libx264", rate=25, options={"bf": "2", "b-adapt": "0", "sc_threshold": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(COUNT):
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([16 + 10 * number]) * plane.buffer_size)
            picture.pts, picture.time_base = number, Fraction(1, 25)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def by_ffmpeg(path: Path) -> tuple[list[float], int]:
    """The times of showing in ms, and the units in a second."""
    with av.open(str(path)) as file:
        times = [1000 * float(picture.time) for picture in file.decode(video=0)]
        return times, file.streams.video[0].time_base.denominator


print(f"rerun-sdk {rerun.__version__}, PyAV {av.__version__}")
same = []
for name, flags in CASES.items():
    path = Path(sys.argv[1]) / "clip.mp4"
    record(path, flags)
    right, units = by_ffmpeg(path)
    assert [round(time - right[0]) for time in right] == [number * INTERVAL_MS for number in range(COUNT)]
    seen = [int(time) / 1e6 for time in rerun.AssetVideo(path=path).read_frame_timestamps_nanos()]
    print(f"{name}: {' '.join(f'{time / 1000:.2f}' for time in seen)} s")
    turn_ms = 1000 * 2**32 / units
    late = [time for time in seen if time >= turn_ms / 2]
    back = sorted(time - turn_ms if time >= turn_ms / 2 else time for time in seen)
    assert [round(time - back[0]) for time in back] == [number * INTERVAL_MS for number in range(COUNT)]
    same.append(len(late))
    print(f"    of {len(seen)} pictures, {len(late)} are {turn_ms / 86400000:.1f} days late")
sys.exit(0 if same == [7, 0, 0] else f"it has changed: {same}")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 rerun-sdk==0.41.0
"$folder/venv/bin/python" "$folder/look.py" "$folder"
