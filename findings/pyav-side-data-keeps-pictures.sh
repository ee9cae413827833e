#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A look at PyAV 18.1.0's frame.side_data keeps the whole picture in memory. One would expect a picture to be freed with
# the last reference to it, as it is without that look. But the frame keeps the container that it hands out, also an
# empty one, and that refers to the frame: a cycle, which only Python's cyclic garbage collector frees. It counts
# objects, not bytes, and comes along after some hundred of them, so that a player of 1280x720 that asks each picture
# whether it is to be turned holds a hundred pictures and more, of 1.4 MB each. What does not stay in the frame makes
# no cycle: av.sidedata.sidedata.SideDataContainer(frame) reads the same.
#
# Seen: most pictures alive at once, of 300 that were dropped one by one: 7 without the look (whatever else takes memory
# is counted as pictures), 171 with it, 2 where the container is made beside the frame.
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import gc
import re
from collections.abc import Callable
from pathlib import Path

import av
from av.sidedata.sidedata import SideDataContainer

PICTURES, WIDTH, HEIGHT = 300, 1280, 720
SIZE = WIDTH * HEIGHT * 3 // 2


def private_bytes() -> int:
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024


def most_alive(look: Callable[[av.VideoFrame], object]) -> int:
    """How many pictures the memory at its highest would hold, beside what was there before."""
    gc.collect()
    before = most = private_bytes()
    for _ in range(PICTURES):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        look(frame)
        del frame
        most = max(most, private_bytes())
    gc.collect()
    return (most - before) // SIZE


untouched = most_alive(lambda frame: frame.pts)
looked_at = most_alive(lambda frame: len(frame.side_data))
beside = most_alive(lambda frame: len(SideDataContainer(frame)))
print(f"pictures alive at most: {untouched} untouched, {looked_at} looked at, {beside} looked at from outside")
raise SystemExit(not (untouched < 10 > beside and looked_at > 100))
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
"$folder/venv/bin/python" "$folder/look.py"
