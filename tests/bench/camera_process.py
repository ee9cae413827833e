# SPDX-License-Identifier: Apache-2.0
"""What a picture costs camera-streamer, beside FFmpeg's ffmpeg and beside ustreamer with the same work.

python tests/bench/camera_process.py [--camera /dev/videoN] [--only SCENE] [--rounds N] [--seconds S] [--json]
exit 1: over a limit, or no pictures came; 2: ffmpeg or ustreamer is not here

Pictures of 1280x720 at 30 frames/s come from a file that both play at its own pace; with --camera from that camera,
encoded as H.264 beside ffmpeg and as JPEG beside ustreamer. The sides take turns, ours first in one, last in the next.
Every program hands its pictures to a reader: ours through the ring, ffmpeg through a pipe, ustreamer through its own
shared memory. The least that could do the same is measured as well, and told with its share of theirs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from camera_scenes import LONGEST_START_S, START_S, Scene, camera_scenes, file_scenes, make_clips
from process_cost import Cost, Program, measured, python_environment

THEIRS = "of theirs"


class Row(NamedTuple):
    """A figure of a scene. ours, theirs, least: medians. of: what the limit is in, THEIRS for our share of theirs."""

    what: str
    ours: float
    theirs: float
    least: float | None
    spread: str
    limit: float | None
    of: str
    over: bool


def compared(scene: Scene, rounds: int, measure: Callable[[Sequence[Program]], Cost]) -> dict[str, list[Cost]]:
    """Measure the sides in turn, ours first in one turn and last in the next."""
    sides = {"ours": scene.ours, "theirs": scene.theirs} | ({"least": scene.least} if scene.least else {})
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for at in range(rounds * 2):
        for name in [*sides][:: -1 if at % 2 else 1]:
            costs[name].append(measure(sides[name]))
    return costs


def judged(scene: Scene, costs: dict[str, list[Cost]]) -> list[Row]:
    """Return what is to be told of a scene, by the medians of all sides."""

    def row(what: str, name: str, limit: float | None, of: str) -> Row:
        values = {side: [getattr(cost, name) for cost in found] for side, found in costs.items()}
        middle = {side: statistics.median(found) for side, found in values.items()}
        judged_by = middle["ours"] / middle["theirs"] if of == THEIRS else middle["ours"]
        spread = " beside ".join(f"{min(values[side]):.3f}-{max(values[side]):.3f}" for side in ("ours", "theirs"))
        is_over = limit is not None and judged_by > limit
        return Row(what, middle["ours"], middle["theirs"], middle.get("least"), spread, limit, of, is_over)

    memory = (scene.memory, THEIRS) if scene.most_mb is None else (scene.most_mb, "MB")
    return [
        row("CPU per picture, ms", "cpu_ms", scene.cpu, THEIRS),
        row("private memory, MB", "anon_mb", *memory),
        row("start to first picture, s", "first_s", START_S, "s"),
    ]


def tell(name: str, scene: Scene, rows: Sequence[Row]) -> None:
    """Print the rows of a scene."""
    for row in rows:
        ratio = f"{row.ours:8.3f} beside {row.theirs:8.3f}: {row.ours / row.theirs:5.2f}"
        verdict = f"; at most {row.limit:g} {row.of}: {'FAIL' if row.over else 'PASS'}" if row.limit is not None else ""
        print(f"{name:<14} {row.what:<24} {ratio}{verdict} ({row.spread})", flush=True)
    if scene.least:
        least = [f"{row.least:.3f} ({row.least / row.theirs:.2f})" for row in rows[:2] if row.least is not None]
        print(f"{'':<14} {scene.floor}: {least[0]} ms, {least[1]} MB", flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camera", help="a V4L2 device that makes YUYV pictures of 1280x720")
    names = ("encode", "pass-through", "three-channels", "three-of-jpeg", "camera", "jpeg")
    parser.add_argument("--only", action="append", choices=names, help="one scene; may be given several times")
    parser.add_argument("--rounds", type=int, default=1, help="of both sides twice (default: 1)")
    parser.add_argument("--seconds", type=float, default=6.0, help="of a measurement (default: 6)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> int:
    arguments = parsed()
    missing = [name for name in ("ffmpeg", *["ustreamer"] * bool(arguments.camera)) if shutil.which(name) is None]
    if missing:
        print(f"{', '.join(missing)}: not here; Debian's package of that name has it", file=sys.stderr)
        return 2
    told: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        environment = python_environment(folder / "compiled")
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])

        def measure(programs: Sequence[Program], seconds: float = arguments.seconds) -> Cost:
            return measured(programs, seconds, environment, folder / "log")

        if arguments.camera:
            scenes = camera_scenes(arguments.camera, folder)
        else:
            scenes = file_scenes(make_clips(folder, arguments.seconds + LONGEST_START_S))
        for name, scene in scenes.items():
            if arguments.only and name not in arguments.only:
                continue
            measure(scene.ours, 0.1)  # compiles
            told[name] = judged(scene, compared(scene, arguments.rounds, measure))
            if not arguments.json:
                tell(name, scene, told[name])
    over = any(row.over for rows in told.values() for row in rows)
    if arguments.json:
        told_rows = {name: [row._asdict() for row in rows] for name, rows in told.items()}
        print(json.dumps({"scenes": told_rows, "over": over}))
    return int(over)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except (RuntimeError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"camera_process.py: {error}") from None
