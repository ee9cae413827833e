# SPDX-License-Identifier: Apache-2.0
"""vshm relay on a link that loses 1 %, takes 50 ms each way, has 2 Mbit/s, and is cut for 10 s.

python tests/bench/relay_on_a_bad_link.py [--seconds S] [--bytes N]    as root; exit 1: fail, 2: a kernel without netem

A camera writes 30 frames a second, which a machine that is a namespace exports, and another one, whose clock is 1000 s
ahead, imports. First the link is as above for S seconds, then it is cut for 10 s, then it is as before for S seconds.
Judged: every frame that a reader has is as it was written, what follows a gap is a keyframe and flagged, the books of
both sides balance, the clock's true offset is within what is said of it, and times of frames likewise.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from machines import two_machines
from relay_link import AHEAD_S, Relay

from vshm_ctypes import Flag

LINK = ("delay", "50ms", "loss", "1%", "rate", "2mbit", "limit", "100")
CUT_S = 10.0
AHEAD_NS = AHEAD_S * 10**9


def faults(relay: Relay, here: dict[str, Any], there: dict[str, Any]) -> list[str]:
    """Return what is wrong with what arrived."""
    written, pairs = relay.written(), relay.pairs()
    frames = [frame for frame, _ in pairs]
    found = []
    for frame, source in pairs:
        for what in ("crc", "ms"):
            if frame[what] != source[what]:
                found.append(f"frame {frame['number']}: another {what}")
        if frame["flags"] & ~Flag.DISCONTINUITY != source["flags"]:
            found.append(f"frame {frame['number']}: other flags")
    for before, frame in itertools.pairwise(frames):
        is_whole = frame["flags"] & Flag.KEYFRAME and frame["flags"] & Flag.DISCONTINUITY
        if frame["number"] != before["number"] + 1 and not is_whole:
            found.append(f"frame {frame['number']} after {before['number']}: not a flagged keyframe")
    for side, books in (("export", here), ("import", there)):
        if books["received"] != books["sent"] + sum(books["dropped"].values()) + books["pending"]:
            found.append(f"the books of the {side} do not balance")
    # The export began at a keyframe; what was written before it is not its own.
    earlier = len(written) - here["received"] - here["missed"] - here["skipped"]
    if not (0 <= earlier <= frames[0]["number"] and written[earlier]["keyframe"]):
        found.append("the exporter has not counted what the camera wrote")
    if there["sent"] != len(frames) + sum(frame["missed"] for frame in frames):
        found.append("the reader has not what the import wrote")
    return found


def clock_faults(clocks: list[dict[str, Any] | None]) -> list[str]:
    """Return where the true offset is not within what was said."""
    told = filter(None, clocks)
    return [f"clock: {one}" for one in told if abs(one["offset_ns"] - AHEAD_NS) > one["uncertainty_ns"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--bytes", type=int, default=3000, help="of a unit: 3000 are 1.1 Mbit/s, which mostly fits")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        near, far = stack.enter_context(two_machines(AHEAD_S))
        try:
            for machine in (near, far):
                machine.disturb(*LINK)
        except subprocess.CalledProcessError as error:
            print(f"this kernel has no netem: {error.stderr.strip()}: hil vm boots one that has", file=sys.stderr)
            return 2
        relay = Relay(near, far, Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
        relay.start_camera(size=arguments.bytes)
        relay.start_import()
        time.sleep(arguments.seconds)
        before = relay.imported()
        near.link("down")
        cut_ns = time.monotonic_ns()
        time.sleep(CUT_S)
        near.link("up")
        up_ns = time.monotonic_ns()
        relay.wait_frames(len(relay.frames()) + 1)
        back = relay.frames()[-1]
        time.sleep(arguments.seconds)
        relay.camera.terminate()
        relay.wait_end(2)
        clocks = relay.clocks()
        here, there = relay.end_export()["streams"][0], relay.end_import()["streams"][0]
        found = faults(relay, here, there) + clock_faults(clocks)
        ends, written = relay.ends(), relay.written()
        offsets = [frame["capture_ns"] - AHEAD_NS - source["capture_ns"] for frame, source in relay.pairs()]
    last = [one for one in clocks if one is not None][-1]
    figures = {
        "written": len(written),
        "export": here,
        "import": there,
        "before_the_cut": before["streams"][0],
        "told_dead_after_s": round((ends[0]["at_ns"] - AHEAD_NS - cut_ns) / 1e9, 2),
        "back_after_s": round((back["publish_ns"] - AHEAD_NS - up_ns) / 1e9, 2),
        "clock_error_ms": round((last["offset_ns"] - AHEAD_NS) / 1e6, 3),
        "clock_uncertainty_ms": round(last["uncertainty_ns"] / 1e6, 3),
        "largest_error_of_a_time_ms": round(max(map(abs, offsets)) / 1e6, 3),
        "faults": found[:10],
    }
    print(json.dumps(figures, indent=1))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
