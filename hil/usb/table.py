# SPDX-License-Identifier: Apache-2.0
"""Measures the table of README.md: each fault on this kernel, before a program of V4L2 and camera-streamer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from vshm_ctypes.commandline.ending import held

from .camera_process import UsbCamera, UsbCameraError
from .faults import FaultError
from .measured import DRIVER, Cells, RowFile
from .scenes import SCENES, Scene
from .streamer_view import StreamerView

TRIES = 2  # a machine that is busy for a moment spoils one

Play = Callable[[Sequence[Scene], RowFile], Iterator[tuple[str, Cells]]]


def chosen(rows: RowFile, names: Sequence[str], streamer_too: bool) -> list[Scene]:
    """Return the scenes whose names begin with one of these, also if they are measured; by default those that are not.

    streamer_too: before camera-streamer, too. Raises ValueError for a name that no scene's begins with.
    """
    for name in names:
        if not any(scene.name.startswith(name) for scene in SCENES):
            raise ValueError(f"{name}: no scene's name begins so; there is {', '.join(scene.name for scene in SCENES)}")
    if names:
        return [scene for scene in SCENES if scene.name.startswith(tuple(names))]
    return [scene for scene in SCENES if rows.lacks(scene.name, streamer_too and bool(scene.fault))]


def measure(rows: RowFile, names: Sequence[str], streamer_too: bool, say: Callable[[str], None]) -> list[str]:
    """Play the chosen scenes, and keep each row as soon as it is known. Returns those that could not be played.

    say: is called with the progress. Raises ValueError as chosen() does, or OSError if a row can't be kept.
    """
    scenes = chosen(rows, names, streamer_too)
    failed: list[str] = []
    for _, group in groupby(sorted(scenes, key=lambda scene: scene.design), lambda scene: scene.design):
        of_design = list(group)
        failed += _played(_by_driver, [one for one in of_design if names or rows.lacks(one.name, False)], rows, say)
        if streamer_too:
            failed += _played(
                _by_streamer, [one for one in of_design if one.fault and one.name in rows.rows], rows, say
            )
    return failed


def _played(play: Play, scenes: list[Scene], rows: RowFile, say: Callable[[str], None]) -> list[str]:
    """Play scenes on one camera, and those after a failure on another. Returns the names of those that failed."""
    left, failed, tries = scenes, list[str](), 0
    while left:
        try:
            for name, cells in play(left, rows):
                rows.keep(name, cells)
                say(" | ".join([name, *cells]))
                left, tries = left[1:], 0
        except (UsbCameraError, FaultError) as error:
            tries += 1
            say(f"{left[0].name}: {error}")
            if tries == TRIES:
                failed.append(left[0].name)
                left, tries = left[1:], 0
    return failed


def _by_driver(scenes: Sequence[Scene], rows: RowFile) -> Iterator[tuple[str, Cells]]:
    with held() as hold, UsbCamera(scenes[0].design) as camera, hold.lifted():
        for scene in scenes:
            yield scene.name, scene.run(camera)


def _by_streamer(scenes: Sequence[Scene], rows: RowFile) -> Iterator[tuple[str, Cells]]:
    with (
        held() as hold,
        UsbCamera(scenes[0].design) as camera,
        tempfile.TemporaryDirectory() as folder,
        StreamerView(camera, Path(folder)) as streamer,
        hold.lifted(),
    ):
        for scene in scenes:
            yield scene.name, (*rows.rows[scene.name][:DRIVER], streamer.of(scene))
