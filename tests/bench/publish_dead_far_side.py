# SPDX-License-Identifier: Apache-2.0
"""Publishes to a far side that takes nothing, and prints the memory of all its processes: python FILE MINUTES.

Two bridges read one ring at 30 frames a second. The far side of one refuses connections, that of the other accepts
them and never reads. A line of JSON a minute has the resident memory of each bridge with its muxer, in KiB.
"""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT), str(ROOT / "tests" / "helpers")]
COMMAND = [sys.executable, "-m", "vshm_ctypes", "publish", "--json"]
RING = "/video_stream_dead_far_side"


def command_line(pid: int) -> bytes:
    """Return a process's command line."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def resident_kib(pid: int) -> int:
    """Return the resident memory of a process and of its children, if they no longer run in its memory."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            total += int(line.split()[1]) if line.startswith("VmRSS:") else 0
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = map(int, (task / "children").read_text().split())
            total += sum(resident_kib(child) for child in children if command_line(child) != command_line(pid))
    except OSError:  # it has ended
        return total
    return total


def main(minutes: float) -> int:
    """Return 0 if the memory of neither bridge grew by a tenth after its first tenth of the time."""
    from filmed import filmed

    with socket.create_server(("127.0.0.1", 0)) as deaf, socket.socket() as taken, filmed(RING) as camera:
        taken.bind(("127.0.0.1", 0))  # and does not listen: connections are refused
        kinds = {"refuses": f"tcp://127.0.0.1:{taken.getsockname()[1]}", "never reads": ""}
        kinds["never reads"] = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        bridges = {
            kind: subprocess.Popen([*COMMAND, RING, url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for kind, url in kinds.items()
        }
        samples: dict[str, list[int]] = {kind: [] for kind in kinds}
        told: dict[str, str] = {}
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < minutes * 60:
                for kind, bridge in bridges.items():
                    samples[kind].append(resident_kib(bridge.pid))
                if len(samples["refuses"]) % 30 == 1:
                    now = {kind: max(last[-30:]) for kind, last in samples.items()}
                    print(json.dumps({"s": round(time.monotonic() - begin), "frames": len(camera.written), **now}))
                    sys.stdout.flush()
                time.sleep(2)
        finally:
            for bridge in bridges.values():
                bridge.terminate()
            for kind, bridge in bridges.items():
                out = bridge.communicate()[0]
                told[kind] = out.splitlines()[-1] if out else ""
    print(json.dumps({kind: json.loads(line)["streams"] for kind, line in told.items()}))
    grown = {}
    for kind, found in samples.items():
        early, late = found[: max(len(found) // 10, 1)], found[-max(len(found) // 10, 1) :]
        grown[kind] = max(late) / max(early)
    print(json.dumps({"frames": len(camera.written), "late over early": grown}))
    return int(max(grown.values()) > 1.1)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
