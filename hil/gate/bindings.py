# SPDX-License-Identifier: Apache-2.0
"""Runs the Python binding of one build on the library of the other, and finds what readers of either publish."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import vshm_ctypes

from ..blocks.channel import free_channel
from ..processes.command import run_to_end
from ..workers.shared_memory import remove_channel
from .asking import obstacle_of
from .libraries import Library
from .promises.troupe import Told
from .result import UNASKED, Row, RowVerdict

SCRIPT = Path(__file__).with_name("binding_scenes.py")
OWN = Path(vshm_ctypes.__file__).resolve().parent.parent
LIMIT_S = 100.0
SCENES = {"exchange": "frames, metadata and figures", "lend": "reserved slots and borrowed frames"}
PUBLISH = "publish"
MEANINGS = {
    f"mixed_binding_of_{side}_{scene}": f"The {side}'s Python binding on the other library: {what}."
    for side in ("baseline", "candidate")
    for scene, what in SCENES.items()
} | {
    f"mixed_{PUBLISH}_of_{side}": f"A reader by the {side}'s binding publishes its counters for the other's vshm."
    for side in ("baseline", "candidate")
}


def binding_rows(baseline: Library, candidate: Library) -> Iterator[Row]:
    """Yield a row for each of MEANINGS, worse where the baseline alone does better."""
    obstacle = obstacle_of(baseline, candidate)
    for name, meaning in MEANINGS.items():
        row = Row(name, "mixed", RowVerdict.UNMEASURED, detail=UNASKED + obstacle)
        if not obstacle:
            users = (baseline, candidate) if "_of_baseline" in name else (candidate, baseline)
            scene = PUBLISH if PUBLISH in name else name.rpartition("_")[2]
            _judge(row, meaning, play(scene, *users), scene, baseline)
        yield row


def _judge(row: Row, meaning: str, told: Told, scene: str, baseline: Library) -> None:
    before = play(scene, baseline, baseline) if told.broken or told.unasked else told
    lost = told.unasked and "_of_baseline" in row.name and scene != PUBLISH and not before.unasked
    if told.broken or lost:
        row.verdict = RowVerdict.AS_BEFORE if before.broken else RowVerdict.WORSE
        row.detail = f"{meaning} {'; '.join(told.broken or [told.unasked])}"
    elif told.unasked:
        row.detail = UNASKED + told.unasked
    else:
        row.verdict, row.detail = RowVerdict.SAME, ""


def play(scene: str, user: Library, other: Library) -> Told:
    """Use the library of other with the binding of user, or publish with user for other's binding to find."""
    channel = free_channel()
    ring = f"/video_stream_ch{channel}"
    bindings = [str(library.binding or OWN) for library in (user, other)]
    command = [sys.executable, "-S", "-P", str(SCRIPT), scene, ring, bindings[1], str(other.path)]
    used = user if scene == PUBLISH else other
    environment = os.environ | {"PYTHONPATH": bindings[0], "VSHM_LIBRARY": str(used.path)}
    told = Told(scene)
    try:
        done = run_to_end(command, LIMIT_S, environment=environment, folder=Path("/"))
    except subprocess.TimeoutExpired:
        told.broken.append(f"no end after {LIMIT_S:g} s")
        return told
    finally:
        remove_channel(channel)
    for line in done.stdout.splitlines():
        kind, _, text = line.partition(" ")
        if kind in ("lacks", "misses"):
            told.unasked = f"{(user if kind == 'lacks' and scene == PUBLISH else other).label} lacks {text}"
        else:
            told.broken.append(text)
    if done.returncode != 0:
        told.broken.append((done.stderr.strip() or f"it ended with {done.returncode}").splitlines()[-1])
    return told
