# SPDX-License-Identifier: Apache-2.0
"""Scenes: each plays one promise of the library and yields what was broken of it; nothing: it was kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

Broken = Iterator[str]
Scene = Callable[[], Broken]
PROMISES: dict[str, Scene] = {}

TAKES = 3
FRAME = b"\1" * 1000


def promise(scene: Scene) -> Scene:
    """Enter a scene under its name."""
    PROMISES[scene.__name__] = scene
    return scene


def take_again(scene: Scene) -> Broken:
    """A scene with a limit on time: broken only if it is broken in every take."""
    broken: list[str] = []
    for _ in range(TAKES):
        broken = list(scene())
        if not broken:
            return
    yield from broken


def let_others_fall_asleep() -> None:
    """Long enough for others to fall asleep in their wait; nothing fails if it is not."""
    time.sleep(0.05)
