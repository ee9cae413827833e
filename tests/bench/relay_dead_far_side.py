# SPDX-License-Identifier: Apache-2.0
"""Whether vshm relay export keeps to its memory while nobody takes what it sends.

python tests/bench/relay_dead_far_side.py [--minutes M] [--json]    as root; exit 1: memory grew, or no frame came later

A camera writes 30 frames a second, and an importer on another machine, which is a namespace, takes them. Then the
importer is stopped for a tenth of the time, without closing its connection; then the cable is pulled for the rest. At
the end both are well again, and frames have to arrive. The resident memory of the exporter is sampled every second.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from machines import two_machines
from relay_link import AHEAD_S, Relay

SETTLED_S = 30.0  # by then every pool and thread is there
LIMIT_MIB = 16.0  # of growth from then on
BYTES = 15_000  # of a unit; 30 a second, with keyframes, are 5 Mbit/s


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def sampled(pid: int, seconds: float) -> list[float]:
    """Return its memory, once a second."""
    samples = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        samples.append(round(resident_mib(pid), 2))
        time.sleep(1)
    return samples


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seconds = arguments.minutes * 60
    with ExitStack() as stack:
        near, far = stack.enter_context(two_machines(AHEAD_S))
        relay = Relay(near, far, Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
        relay.start_camera(size=BYTES)
        relay.start_import()
        pid, importer = relay.export_pid, relay.import_process
        well = sampled(pid, SETTLED_S)
        importer.send_signal(signal.SIGSTOP)
        stopped = sampled(pid, seconds / 10)
        importer.send_signal(signal.SIGCONT)
        near.link("down")
        cut = sampled(pid, seconds * 9 / 10)
        near.link("up")
        relay.wait_frames(len(relay.frames()) + 90)
        stream = relay.end_export()["streams"][0]
    most = max(*stopped, *cut)
    grew = most - well[-1]
    figures = {
        "minutes": arguments.minutes,
        "well_mib": well[-1],
        "stopped_mib": [min(stopped), max(stopped)],
        "cut_mib": [min(cut), max(cut)],
        "first_half_of_cut_mib": max(cut[: len(cut) // 2]),
        "last_mib": cut[-1],
        "grew_mib": round(grew, 2),
        "limit_mib": LIMIT_MIB,
        "stream": stream,
    }
    is_balanced = stream["received"] == stream["sent"] + sum(stream["dropped"].values())
    if arguments.json:
        print(json.dumps(figures))
    else:
        print(f"far side dead for {arguments.minutes:g} minutes; resident memory of the exporter, in MiB:")
        print(f"  well {well[-1]}, importer stopped {min(stopped)} to {max(stopped)}, cut {min(cut)} to {max(cut)}")
        books = "balance" if is_balanced else "do NOT balance"
        print(f"  grew by {grew:.1f}, at most {LIMIT_MIB:g}; books {books}: {stream}")
    return 0 if grew <= LIMIT_MIB and is_balanced else 1


if __name__ == "__main__":
    sys.exit(main())
