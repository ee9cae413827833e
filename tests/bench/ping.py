# SPDX-License-Identifier: Apache-2.0
"""A control beside readers: bare pipes, as many and as often, so that what the host does to latency is known.

python tests/bench/ping.py READERS FPS FILE    until its stdin ends; then FILE holds what each ping took
"""

from __future__ import annotations

import array
import os
import select
import struct
import sys
import time
from pathlib import Path

import numpy

ENTRY = struct.Struct("<q")


def answer(pipe: int, file: Path) -> None:
    """Read pings until the pipe ends, and save (when the reader was awake, after how many ns) for each."""
    taken = array.array("q")
    while data := os.read(pipe, ENTRY.size):
        awake_ns = time.monotonic_ns()
        taken.extend((awake_ns, awake_ns - ENTRY.unpack(data)[0]))
    numpy.save(file, numpy.array(taken, "i8").reshape(-1, 2))


def start(file: Path) -> tuple[int, int]:
    """Start a reader. Returns its pid, and the end of its pipe to write to; it has the earlier readers' ends, too."""
    theirs, ours = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        answer(theirs, file)
        os._exit(0)
    os.close(theirs)
    return pid, ours


def ping(pipes: list[int], fps: float) -> None:
    """Ping all readers at each tick, one after the other, until stdin ends."""
    begin, tick = time.monotonic(), 0
    while not select.select([sys.stdin], [], [], max(0.0, begin + tick / fps - time.monotonic()))[0]:
        if time.monotonic() >= begin + tick / fps:
            tick += 1
            entry = ENTRY.pack(time.monotonic_ns())
            for pipe in pipes:
                os.write(pipe, entry)


def main() -> None:
    readers, fps, file = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    parts = [file.with_suffix(f".{at}.npy") for at in range(readers)]
    started = [start(part) for part in parts]
    ping([pipe for _, pipe in started], fps)
    for _, pipe in started:
        os.close(pipe)
    for pid, _ in started:
        os.waitpid(pid, 0)
    numpy.save(file, numpy.concatenate([numpy.load(part) for part in parts]))


if __name__ == "__main__":
    main()
