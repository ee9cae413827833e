# SPDX-License-Identifier: Apache-2.0
"""Promises about handles in forked children."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator

from ..stage import Actor, await_cue
from .raw import Guarded, Info
from .ring_object import is_held
from .scene import FRAME, Scene, Unasked, promise
from .sides import Writer, inspect

LIVE, DEAD = 1, 3
ENDS_AFTER_S = 0.02


@promise
def belongs_to_its_process_by_each_handle(scene: Scene) -> None:
    """A forked child has none of its parent's writers, however many there are and were."""
    writers = [scene.writer(scene.new_name(), slots=2, slot_size=1000) for _ in range(4)]
    writers.pop(2).destroy()

    def play() -> Iterator[str]:
        yield from [str(writer.write(FRAME)) for writer in writers]

    scene.expect("writes of the child", scene.ask(play), ["-1 EOWNERDEAD"] * 3)
    scene.expect("writes of the parent", [str(writer.write(FRAME)) for writer in writers], ["0"] * 3)
    scene.expect("frames written", [writer.info().frames for writer in writers], [1] * 3)


@promise
def belongs_to_the_process_that_opened_it(scene: Scene) -> None:
    """In a forked child every call fails with EOWNERDEAD, and destroy only lets go; the parent goes on."""
    writer, reader = scene.writer(), scene.reader()
    writer.write(FRAME)
    reserved, _, _ = writer.reserve()
    has_descriptor = scene.library.has("producer_descriptor")
    has_write_timed = scene.library.has("producer_write_timed")

    def play() -> Iterator[str]:
        yield f"write {writer.write(FRAME)}"
        if has_write_timed:
            yield f"write_timed {writer.write_timed(FRAME)}"
        yield f"commit {writer.commit(10)}"
        yield f"info {scene.library('producer_info', writer.handle, Guarded(Info))}"
        if has_descriptor:
            offset = ctypes.c_uint64()
            yield f"descriptor {scene.library('producer_descriptor', writer.handle, ctypes.byref(offset))}"
        yield f"reserve {writer.reserve()[0]}"
        writer.abort()
        writer.destroy()
        yield f"after destroy {writer.write(FRAME)}"

    scene.need("reserve", str(reserved), "0")
    calls = ["write", *["write_timed"] * has_write_timed, "commit", "info", *["descriptor"] * has_descriptor, "reserve"]
    expected = [f"{call} -1 EOWNERDEAD" for call in calls]
    scene.expect("the child", scene.ask(play), [*expected, "after destroy -1 EBADF"])
    scene.expect("the ring is there", scene.path(scene.channel_name).exists(), True)
    scene.expect("its state", inspect(scene.library, scene.channel_name).state, LIVE)
    scene.expect("the parent's commit", str(writer.commit(10)), "0")
    scene.expect("frames", reader.numbers(), [0, 1])


@promise
def is_no_writer_in_a_child_that_runs_no_handlers(scene: Scene) -> None:
    """In a child made without fork()'s handlers no writer is open: it neither writes nor closes its parent's ring."""
    fork = getattr(ctypes.PyDLL(None), "_Fork", None)
    if fork is None:
        raise Unasked("needs _Fork(), of glibc 2.34 or musl 1.2.2")
    writer = scene.writer()
    writer.write(FRAME)
    told, tell = os.pipe()
    if fork() == 0:
        os.write(tell, f"write {writer.write(FRAME)}".encode())
        writer.destroy()
        os._exit(0)
    os.close(tell)
    with os.fdopen(told, encoding="utf-8") as answer:
        scene.expect("the child", answer.read(), "write -1 EBADF")
    os.wait()
    scene.expect("the ring is there", scene.path(scene.channel_name).exists(), True)
    scene.expect("its state", inspect(scene.library, scene.channel_name).state, LIVE)
    scene.expect("the parent's write", str(writer.write(FRAME)), "0")
    scene.expect("frames written", writer.info().frames, 2)


def _after_its_parent(scene: Scene, then: Callable[[Writer], Iterator[str]], cued: bool = False) -> Actor:
    """Return an actor that opens a writer, reserves a slot, and continues in a child as by daemon(), while it ends."""

    def play() -> Iterator[str]:
        writer = scene.writer()
        writer.write(FRAME)
        writer.reserve()
        if os.fork() > 0:
            time.sleep(ENDS_AFTER_S)
            os._exit(0)
        os.setsid()
        if cued:
            yield "there"
            await_cue()
        yield from then(writer)
        await_cue()

    return scene.start(play)


@promise
def goes_on_as_a_daemon(scene: Scene) -> None:
    """A child whose parent has ended, or is about to, takes the ring over, writes to it, and closes it."""

    def write_on(writer: Writer) -> Iterator[str]:
        yield f"commit {writer.commit(10)}"
        yield f"write {writer.write(FRAME)}"
        await_cue()
        writer.destroy()
        yield "closed"

    actor = _after_its_parent(scene, write_on)
    scene.expect("what its parent reserved", actor.hear(), "commit -1 EINVAL")
    scene.expect("its frame", actor.hear(), "write 0")
    scene.expect("frames", inspect(scene.library, scene.channel_name).frames, 2)
    scene.expect("a second writer", str(Writer(scene.library).init_channel(scene.channel)), "-1 EBUSY")
    actor.cue()
    scene.expect("its end", actor.hear(), "closed")
    scene.expect("the ring is there", scene.path(scene.channel_name).exists(), False)


@promise
def leaves_to_a_daemon_no_ring_of_another(scene: Scene) -> None:
    """A child whose parent's ring has another writer, or was closed, gets EOWNERDEAD and destroys nothing."""

    def try_to_write(writer: Writer) -> Iterator[str]:
        for _ in range(2):
            yield f"write {writer.write(FRAME)}"
            await_cue()
        writer.destroy()
        yield "let go"

    actor = _after_its_parent(scene, try_to_write, cued=True)
    scene.expect("the child", actor.hear(), "there")
    follower = Writer(scene.library)
    while (answer := follower.init_channel(scene.channel)).error == "EBUSY":  # its parent is about to end
        time.sleep(ENDS_AFTER_S)
    scene.expect("its follower", str(answer), "0")
    actor.cue()
    scene.expect("beside a follower", actor.hear(), "write -1 EOWNERDEAD")
    follower.destroy()
    actor.cue()
    scene.expect("where it has closed", actor.hear(), "write -1 EOWNERDEAD")
    actor.cue()
    scene.expect("its end", actor.hear(), "let go")


@promise
def dies_with_its_process_whatever_its_children_do(scene: Scene) -> None:
    """A child that outlives the writer, and has destroyed nothing, does not keep the ring alive."""

    def play() -> Iterator[str]:
        writer = scene.writer()
        writer.write(FRAME)
        child = os.fork()
        if child == 0:
            signal.pause()
        yield str(child)
        await_cue()

    actor = scene.start(play)
    child = int(actor.hear())
    actor.kill()
    try:
        scene.expect("state", inspect(scene.library, scene.channel_name).state, DEAD)
        scene.expect("its lock is still held", is_held(scene.path(scene.channel_name)), False)
        follower = scene.writer()
        scene.expect("its follower's write", str(follower.write(FRAME)), "0")
    finally:
        os.kill(child, signal.SIGKILL)


@promise
def lets_a_reader_go_on_in_a_child(scene: Scene) -> None:
    """A reader's handle works in a forked child, too; child and parent each read on from where it was."""
    writer, reader = scene.writer(), scene.reader()
    for _ in range(3):
        writer.write(FRAME)
    reader.wait()

    def play() -> Iterator[str]:
        yield str(reader.numbers())
        reader.destroy()

    scene.expect("the child's frames", scene.ask(play), ["[1, 2]"])
    writer.write(FRAME)
    scene.expect("the parent's frames", reader.numbers(), [1, 2, 3])
    scene.expect("what comes then", reader.wait().result, 0)
