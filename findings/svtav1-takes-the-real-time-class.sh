#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program that opens SVT-AV1's encoder as root is in the real-time class from then on, at the highest priority that
# there is (SCHED_FIFO, 99): not only the encoder's threads are, but the thread of the program that opened it, and it
# stays there when the encoder is closed. Each process and thread that it starts afterwards inherits that, so a child that
# only computes comes before everything else on the machine, audio servers and drivers' threads included. Nothing is
# printed about it. As another user, the same program stays as it was.
#
# Expected was that an encoder changes the priority of its own threads at most.
#
# Seen with PyAV 18.1.0 from PyPI (libSvtAv1Enc 4.1.0), Linux 6.18, as policy and priority:
#                     before      opened      closed      a child
#     root            other, 0    FIFO, 99    FIFO, 99    FIFO, 99
#     another user    other, 0    other, 0    other, 0    other, 0
# Exits 0 while that is so, 1 where it has changed. Needs root, Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'only root is put into the real-time class: run this as root' >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"

cat >"$folder/look.py" <<'PYTHON'
import os
import subprocess
import sys
from fractions import Fraction

import av

NAMES = {os.SCHED_OTHER: "other", os.SCHED_FIFO: "FIFO"}
CHILD = "import os; print(os.sched_getscheduler(0), os.sched_getparam(0).sched_priority)"


def told(policy: int, priority: int) -> str:
    return f"{NAMES.get(policy, policy)}, {priority}"


def now() -> str:
    return told(os.sched_getscheduler(0), os.sched_getparam(0).sched_priority)


if sys.argv[1] != "root":
    os.setgroups([])
    os.setuid(65534)
seen = [now()]
encoder = av.CodecContext.create("libsvtav1", "w")
encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuv420p"
encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
encoder.open()
seen.append(now())
for _ in range(3):
    encoder.encode(av.VideoFrame(64, 64, "yuv420p"))
encoder.encode(None)
del encoder
seen.append(now())
child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout
seen.append(told(*map(int, child.split())))
print(f"{sys.argv[1]:16}" + "".join(f"{one:12}" for one in seen))
expected = ["other, 0"] + 3 * ["FIFO, 99"] if sys.argv[1] == "root" else 4 * ["other, 0"]
sys.exit(seen != expected)
PYTHON

python3 -m venv --copies "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
export SVT_LOG=1
printf '%16s%-12s%-12s%-12s%-12s\n' '' before opened closed 'a child'
"$folder/venv/bin/python" "$folder/look.py" root
"$folder/venv/bin/python" "$folder/look.py" 'another user'
