# SPDX-License-Identifier: Apache-2.0
"""Promises about containers: a live writer in another namespace is told from a dead one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from . import house
from .scene import FRAME, PATIENCE_MS, Scene, Unasked, promise
from .sides import Writer, inspect

AHEAD_S = 1_000_000
LIVE, DEAD = 1, 3


def _beside(scene: Scene, part: Callable[[], None], act: Callable[[], str]) -> str:
    """Return what a process in another namespace says."""

    def play() -> Iterator[str]:
        try:
            part()
        except OSError as error:
            yield f"not permitted: {error.strerror}"
            return
        ear, mouth = os.pipe()
        if os.fork() == 0:
            try:
                os.write(mouth, act().encode())
            finally:
                os._exit(0)
        os.close(mouth)
        yield os.read(ear, 4096).decode() or "crashed"

    said = " ".join(scene.ask(play))
    if said.startswith("not permitted"):
        raise Unasked(f"another namespace is {said}")
    return said


def _expect_known(scene: Scene, part: Callable[[], None]) -> None:
    """Expect right answers for a second writer, a reader and inspect, while the writer lives and once it is dead."""

    def look() -> str:
        reader = scene.reader(start=2)
        state = inspect(scene.library, scene.channel_name).state
        return f"{state} {reader.wait(PATIENCE_MS).number} {reader.wait(700).answer}"

    def write() -> str:
        writer = Writer(scene.library)
        return f"{writer.init_channel(scene.channel)}, {writer.write(FRAME)}"

    actor = scene.start_writer(1)
    scene.expect("a second writer, while the first lives", _beside(scene, part, write), "-1 EBUSY, -1 EBADF")
    scene.expect("state, frame, and then, while it lives", _beside(scene, part, look), f"{LIVE} 0 0")
    actor.kill()
    scene.expect("state, frame, and then, once it is dead", _beside(scene, part, look), f"{DEAD} 0 -1 EOWNERDEAD")
    scene.expect("a writer, once the first is dead", _beside(scene, part, write), "0, 0")


@promise
def knows_a_writer_of_another_pid_namespace(scene: Scene) -> None:
    """A writer in another PID namespace is known to be alive or dead, since its lock tells."""
    _expect_known(scene, house.part_from_pids)


@promise
def knows_a_writer_of_another_time_namespace(scene: Scene) -> None:
    """A writer in another time namespace is known to be alive or dead, though start times differ there."""
    _expect_known(scene, lambda: house.part_from_time(AHEAD_S))
