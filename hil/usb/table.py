# SPDX-License-Identifier: Apache-2.0
"""Makes the table of README.md: every fault on the kernel that runs, before a program of V4L2 and camera-streamer."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from vshm_ctypes.commandline.ending import held

from .camera_process import UsbCamera
from .scenes import SCENES, Scene
from .streamer_view import StreamerView

HEADINGS = ("fault", "flags", "bytesused", "sequence", "errno", "poll", "camera-streamer")


def measure(names: Sequence[str], say: Callable[[str], None]) -> list[tuple[str, ...]]:
    """Play the scenes whose names begin with one of these, and return their rows. Raises UsbCameraError or OSError."""
    chosen = [scene for scene in SCENES if not names or scene.name.startswith(tuple(names))]
    rows: dict[Scene, tuple[str, ...]] = {}
    for design, scenes in groupby(sorted(chosen, key=lambda scene: scene.design), lambda scene: scene.design):
        group = list(scenes)
        with held() as hold, UsbCamera(design) as camera, tempfile.TemporaryDirectory() as folder, hold.lifted():
            for scene in group:
                rows[scene] = (scene.name, *scene.run(camera))
                say(" | ".join(rows[scene]))
            put = [scene for scene in group if scene.fault]
            if not put:
                continue
            camera.wait_for_node()
            with StreamerView(camera, Path(folder)) as streamer:
                for scene in put:
                    rows[scene] += (streamer.of(scene),)
                    say(f"{scene.name}: {rows[scene][-1]}")
    return [rows[scene] for scene in chosen]


def render(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as a table of Markdown, with the kernel above."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join([*row, *["-"] * (len(HEADINGS) - len(row))]) + " |" for row in rows]
    return f"Linux {os.uname().release}, {os.uname().machine}:\n\n" + "\n".join(lines) + "\n"


def put_into(text: str, table: str) -> str:
    """Return a page with the table in its place. Raises ValueError if it has none."""
    begin, end = "<!-- table -->\n", "<!-- end of table -->\n"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError("the page has no place for a table")
    return f"{before}{begin}\n{table}\n{end}{after}"
