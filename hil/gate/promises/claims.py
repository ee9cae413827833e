# SPDX-License-Identifier: Apache-2.0
"""Promises about several writers that want the ring of a dead one."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator

from ..stage import await_cue
from .scene import FRAME, Scene, promise
from .sides import Writer, inspect
from .stalls import Stalls

NAPS = 200  # a reader that looks every few milliseconds sleeps as often, and the host may wake it late each time


@promise
def lets_a_claim_hold_nobody_up(scene: Scene) -> None:
    """A process that holds a flock on a dead writer's ring does not keep the next writer out for ever."""
    name = scene.new_name()
    scene.write_and_die(2, name, slots=4, slot_size=1000)
    with scene.path(name).open("rb") as file, Stalls() as stalls:
        fcntl.flock(file, fcntl.LOCK_EX)
        begin = time.monotonic()
        writer = scene.writer(name, slots=4, slot_size=1000)
        most = 10 + NAPS * stalls.take()
        scene.expect_in("seconds until a writer was let in", time.monotonic() - begin, 0, most)
    scene.expect("its write", str(writer.write(FRAME)), "0")
    scene.expect("frames", writer.info().frames, 3)


@promise
def lets_one_of_many_writers_in(scene: Scene) -> None:
    """Of several writers that find a dead writer's ring at once, one takes it over, and the others get EBUSY."""

    def play() -> Iterator[str]:
        writer = Writer(scene.library)
        yield "ready"
        await_cue()
        yield str(writer.open(name, slots=4, slot_size=1000))
        await_cue()

    for _ in range(4):
        name = scene.new_name()
        scene.write_and_die(2, name, slots=4, slot_size=1000)
        actors = [scene.start(play) for _ in range(4)]
        for actor in actors:
            scene.need("a writer", actor.hear(), "ready")
        for actor in actors:
            actor.cue()
        told = sorted(actor.hear() for actor in actors)
        scene.expect("their answers", told, ["-1 EBUSY"] * 3 + ["0"])
        scene.expect("epoch", inspect(scene.library, name).epoch, 2)
        for actor in actors:
            actor.kill()
