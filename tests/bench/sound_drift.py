# SPDX-License-Identifier: Apache-2.0
"""Whether pictures and sound still belong together after long, where the sound card's clock is off.

python tests/bench/sound_drift.py [--seconds S] [--ppm PPM...] [--json]    exit 1: over the limit; 2: no ffmpeg

A card beeps at each full second of CLOCK_MONOTONIC, and counts its samples by a clock of its own that is off; pictures
come by CLOCK_MONOTONIC. Both go through camera-streamer, their rings and vshm record. In the file, read by FFmpeg's
programs, the last minute's beeps are held against the pictures: by the times that the file gives, and as they are for a
player that plays one sample behind the other. What a clock is off grows with time and ppm alike: 50 minutes at 120 ppm
stand for an hour at 100 ppm.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from beeps import Beep, recorded
from sound_card import installed

LIMIT_MS = 20.0
LAST = 60  # beeps


def told(ppm: float, seconds: float, found: list[Beep]) -> dict[str, Any]:
    """Return the figures of a recording, in ms: the largest error of the first, of the last and of all beeps."""

    def farthest(some: list[Beep], way: str) -> float:
        return max((float(getattr(beep, way)) for beep in some), key=abs)

    return {"ppm": ppm, "seconds": seconds, "beeps": len(found)} | {
        f"{when}_{way}": farthest(some, way)
        for way in ("by_time_ms", "by_count_ms")
        for when, some in {"first": found[:LAST], "last": found[-LAST:], "all": found}.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3000.0)
    parser.add_argument("--ppm", type=float, nargs="+", default=[120.0, -120.0])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        print("no ffmpeg here: ci/bootstrap judges installs it", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor() as pool, installed(Path(name)):
        runs = [pool.submit(recorded, ppm, arguments.seconds, Path(name)) for ppm in arguments.ppm]
        figures = [told(ppm, arguments.seconds, run.result()) for ppm, run in zip(arguments.ppm, runs, strict=True)]
    over = any(abs(one[f"last_{way}_ms"]) > LIMIT_MS for one in figures for way in ("by_time", "by_count"))
    if arguments.json:
        print(json.dumps({"recordings": figures, "limit_ms": LIMIT_MS, "over": over}))
        return int(over)
    for one in figures:
        grown_ms = one["ppm"] * one["seconds"] / 1000
        print(f"clock off by {one['ppm']:+g} ppm for {one['seconds']:g} s, {grown_ms:+.0f} ms; {one['beeps']} beeps")
        for way, text in {"by_time": "by the file's times", "by_count": "by counting samples"}.items():
            first, last, every = (one[f"{when}_{way}_ms"] for when in ("first", "last", "all"))
            print(f"    {text}: {first:+.2f} ms in the first minute, {last:+.2f} in the last, {every:+.2f} at most")
    print(f"{'FAIL' if over else 'PASS'}: at most {LIMIT_MS:g} ms in the last minute")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
