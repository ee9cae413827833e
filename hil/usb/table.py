# SPDX-License-Identifier: Apache-2.0
"""Measures the table of README.md: each fault on this kernel, before a program of V4L2 and camera-streamer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from vshm_ctypes.commandline.ending import held

from .camera_process import UsbCamera
from .scenes import SCENES, Scene
from .streamer_view import StreamerView


def measure(names: Sequence[str], streamer_too: bool, say: Callable[[str], None]) -> Iterator[list[tuple[str, ...]]]:
    """Play the scenes whose names begin with one of these, and yield rows as they are known, again when more of one is.

    streamer_too: before camera-streamer, too. Raises UsbCameraError or OSError.
    """
    chosen = [scene for scene in SCENES if not names or scene.name.startswith(tuple(names))]
    for design, scenes in groupby(sorted(chosen, key=lambda scene: scene.design), lambda scene: scene.design):
        group, rows = list(scenes), dict[Scene, tuple[str, ...]]()
        with held() as hold, UsbCamera(design) as camera, tempfile.TemporaryDirectory() as folder, hold.lifted():
            for scene in group:
                rows[scene] = (scene.name, *scene.run(camera))
                say(" | ".join(rows[scene]))
            yield list(rows.values())
            put = [scene for scene in group if scene.fault and streamer_too]
            if put:
                camera.wait_for_node()
                with StreamerView(camera, Path(folder)) as streamer:
                    for scene in put:
                        rows[scene] += (streamer.of(scene),)
                        say(f"{scene.name}: {rows[scene][-1]}")
                        yield [rows[scene]]
