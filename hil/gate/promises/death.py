# SPDX-License-Identifier: Apache-2.0
"""What holds when a writer is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

from vshm_ctypes import Consumer, Producer, ProducerBusy, ProducerClosed, ProducerDied

from ..stage import PATIENCE_S, Actor, Stage
from .scene import FRAME, Broken, promise, take_again

DEATH_LIMIT_S = 1.5  # a second, and what the host needs


def _writing(stage: Stage, frames: int) -> Actor:
    """A process that writes so many frames, says so, and waits to be killed."""

    def play() -> Iterator[str]:
        ring = Producer(channel=stage.channel)
        yield "open"
        signal.sigwait([signal.SIGUSR1])
        for _ in range(frames):
            ring.write(FRAME, keyframe=True)
        yield "written"
        signal.pause()

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    actor = stage.start(play)
    if actor.hear() != "open":
        raise RuntimeError("a writer can't start")
    return actor


def _write(actor: Actor) -> None:
    os.kill(actor.pid, signal.SIGUSR1)
    if actor.hear() != "written":
        raise RuntimeError("a writer can't write")


@promise
def notices_a_dead_writer() -> Broken:
    """Within a second, behind the last whole frame, once."""

    def scene() -> Broken:
        with Stage() as stage:
            writer = _writing(stage, 3)
            with Consumer(channel=stage.channel) as stream:
                _write(writer)
                writer.kill()
                begin = time.monotonic()
                got = [stream.receive(PATIENCE_S) for _ in range(3)]
                if None in got:
                    yield "a frame was lost with its writer"
                try:
                    stream.receive(2 * DEATH_LIMIT_S)
                    yield "nothing was said of it"
                    return
                except ProducerDied:
                    took = time.monotonic() - begin
                if took > DEATH_LIMIT_S:
                    yield f"it took {took:.3f} s"
                if stream.receive(0.01) is not None:
                    yield "a frame came out of nowhere"

    yield from take_again(scene)


@promise
def goes_on_after_a_death() -> Broken:
    """The next writer gets the ring at once, and goes on in it: same object, next number, next epoch; readers know."""
    with Stage() as stage:
        writer = _writing(stage, 3)
        with Consumer(channel=stage.channel) as stream:
            _write(writer)
            for _ in range(3):
                stream.receive(PATIENCE_S)
            before = stream.info()
            writer.kill()
            try:
                ring = Producer(channel=stage.channel)
            except ProducerBusy:
                yield "the dead writer still holds the ring"
                return
            with ring:
                ring.write(FRAME)
                yield from _continuation(stream, ring, before.inode, before.epoch)


def _continuation(stream: Consumer, ring: Producer, inode: int, epoch: int) -> Broken:
    now = ring.info()
    if now.inode != inode:
        yield "the ring was made anew"
    if now.epoch != epoch + 1:
        yield f"epoch {epoch} became {now.epoch}"
    if now.frames != 4:
        yield f"the ring counts {now.frames} frames, not 4"
    try:
        frame = stream.receive(1.0)
    except (ProducerClosed, ProducerDied) as error:
        yield f"the reader does not go on: {type(error).__name__}"
        return
    if frame is None:
        yield "the reader gets nothing of the next writer"
    elif frame.number != 3 or not frame.discontinuity:
        yield f"frame {frame.number}, discontinuity {frame.discontinuity}: not 3, marked as the first of its writer"
    reached = stream.info()
    if (reached.received, reached.missed) != (4, 0):
        yield f"booked as {reached.received} received, {reached.missed} missed"
