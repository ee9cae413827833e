# SPDX-License-Identifier: Apache-2.0
"""Promises about a ring whose name was removed, or leads to another object."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..stage import await_cue
from .following import follow, frames_of, told
from .ring_object import CLOSED, RingObject
from .scene import FRAME, Scene, promise, until
from .sides import inspect


@promise
def makes_a_ring_anew_whose_name_is_gone(scene: Scene) -> None:
    """A writer makes its ring anew if the name was removed; numbers go on, and readers that reconnect go over."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=4096, slot_size=1000), scene.reader(name, reconnect=1)
    writer.write(FRAME, is_keyframe=1)
    writer.write(bytes(1001))
    reader.wait()
    scene.path(name).unlink()
    there = until(lambda: writer.write(FRAME).result == 0 and scene.path(name).exists())
    scene.need("the name is there again", there, True)
    info, numbers = writer.info(), list[int]()
    scene.expect("remade, epoch", (info.remade, info.epoch), (1, 2))
    outside = inspect(scene.library, name)
    counted = outside.keyframes, outside.bytes, outside.dropped_too_large, outside.dropped
    scene.expect("keyframes, bytes, too large, dropped, as seen there", counted, (1, 1000 * info.frames, 1, 1))
    writer.write(FRAME)
    until(lambda: follow(reader, numbers) == info.frames)
    scene.expect("the last number that the reader got", numbers[-1], info.frames)
    told = reader.info()
    scene.expect("reattached, missed", (told.reattached, told.missed), (1, 0))
    writer.destroy()
    scene.expect("the name once it is closed", scene.path(name).exists(), False)


@promise
def counts_on_how_often_it_was_made_anew(scene: Scene) -> None:
    """How often a ring was made anew is counted on by the writer that takes it over."""
    name = scene.new_name()

    def play() -> Iterator[str]:
        writer = scene.writer(name, slots=4, slot_size=1000)
        for _ in range(2):
            scene.path(name).unlink()
            until(lambda: writer.write(FRAME).result == 0 and scene.path(name).exists())
        yield "made anew"
        await_cue()

    actor = scene.start(play)
    scene.need("another process", actor.hear(), "made anew")
    actor.kill()
    scene.expect("remade, once it is dead", inspect(scene.library, name).remade, 2)
    scene.writer(name, slots=4, slot_size=1000)
    scene.expect("remade, once it is taken over", inspect(scene.library, name).remade, 2)


@promise
def marks_what_comes_of_a_ring_made_anew(scene: Scene) -> None:
    """The first frame of a ring that was made anew is a discontinuity, and no frame before or behind it is."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=4096, slot_size=1000), scene.reader(name, reconnect=1)
    writer.place(FRAME)
    scene.path(name).unlink()
    there = until(lambda: writer.place(FRAME).result == 0 and scene.path(name).exists())
    scene.need("the name is there again", there, True)
    writer.place(FRAME)
    writer.place(FRAME)
    frames = frames_of(reader, writer.info().frames)
    scene.expect("frames", [frame[1] for frame in frames], list(range(len(frames))))
    over = [frame for frame in frames if frame[3] == 1]
    scene.expect("flags of those before", {frame[2] for frame in frames if frame[3] == 0}, {0})
    scene.expect("flags of those of the new ring", [frame[2] for frame in over], [2] + [0] * (len(over) - 1))


@promise
def stops_where_its_name_is_somebody_elses(scene: Scene) -> None:
    """A writer whose ring's name leads to another ring fails with ESTALE for good, and leaves that ring alone."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=4, slot_size=1000), scene.reader(name)
    other = scene.new_name()
    second = scene.writer(other, slots=4, slot_size=1000)
    ring = RingObject(scene.path(name))
    scene.path(other).rename(scene.path(name))
    stale = until(lambda: writer.write(FRAME).error == "ESTALE")
    scene.need("write says ESTALE in the end", stale, True)
    refused = {"write": writer.write(FRAME), "reserve": writer.reserve()[0]}
    if scene.library.has("producer_write_timed"):
        refused["write_timed"] = writer.write_timed(FRAME)
    for call, answer in refused.items():
        scene.expect(f"{call} then", str(answer), "-1 ESTALE")
    scene.expect("state in its own ring", ring.extension("state"), CLOSED)
    reader.numbers()
    scene.expect("its reader is told", told(reader), "-1 EPIPE")
    writer.destroy()
    scene.expect("the other ring is there", scene.path(name).exists(), True)
    scene.expect("the other writer's write", str(second.write(FRAME)), "0")


@promise
def tells_a_commit_that_it_came_too_late(scene: Scene) -> None:
    """A commit, too, fails with ESTALE once the ring's name leads elsewhere."""
    name, other = scene.new_name(), scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=1000)
    scene.writer(other, slots=4, slot_size=1000)
    scene.path(other).rename(scene.path(name))
    answers: list[str] = []

    def commit() -> bool:
        reserved = writer.reserve()[0]
        answers.append(str(writer.commit(10)) if reserved.result == 0 else f"reserve {reserved}")
        return answers[-1] != "0"

    until(commit)
    scene.expect("the last commit", answers[-1], "-1 ESTALE")


@promise
def notices_that_its_name_leads_elsewhere(scene: Scene) -> None:
    """When a ring's name leads to another ring, readers get EPIPE, and with reconnect go over to that ring."""
    name, other = scene.new_name(), scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=1000)
    second = scene.writer(other, slots=4, slot_size=1000)
    lone, reader = scene.reader(name), scene.reader(name, reconnect=1)
    writer.write(FRAME)
    scene.expect("a frame", (lone.wait().number, reader.wait().number), (0, 0))
    before = reader.descriptor().result, os.fstat(reader.descriptor().result).st_ino
    scene.path(other).rename(scene.path(name))
    scene.expect("what the one that does not reconnect is told", told(lone), "-1 EPIPE")
    scene.expect("what the other is told", told(reader), "-1 EPIPE")
    second.write(FRAME[:50])
    (frame,) = frames_of(reader, 1) or [("none",)]
    scene.expect("frame, flags, attachment", frame, ("frame", 0, 2, 1))
    scene.expect("the other one, for good", [told(lone, 150) for _ in range(2)], ["-1 EPIPE"] * 2)
    now = os.fstat(reader.descriptor().result).st_ino
    scene.expect("its descriptor is the new ring's", (now, now != before[1]), (scene.path(name).stat().st_ino, True))
