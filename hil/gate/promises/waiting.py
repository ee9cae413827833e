# SPDX-License-Identifier: Apache-2.0
"""Promises about the length of a reader's waits. Late means later than the host wakes others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from ..stage import await_cue
from .scene import FRAME, PATIENCE_MS, Scene, measured, promise, until, until_asleep
from .sides import NO_WAIT, Reader
from .stalls import GRACE_S, Stalls
from .tracing import WAKES_A_SECOND, sleeps

READERS = 3
A_SECOND = 1.0
EARLY_S = 1e-4  # clocks are read one after the other
# 2^32 ns is 4295 ms; in ms, 2^31 is where an int would change its sign; the last one is the longest that is no NO_WAIT.
LONG_WAITS_MS = (4295, 2**31, NO_WAIT - 1)


def waits(scene: Scene, reader: Reader) -> dict[str, Callable[[int], object]]:
    """Return the calls that wait. Each takes the time in ms, and returns its answer."""
    calls: dict[str, Callable[[int], object]] = {"wait": lambda ms: reader.wait(ms).answer}
    if scene.library.has("consumer_receive"):
        calls["receive"] = lambda ms: reader.receive(timeout_ms=ms).answer
    if scene.library.has("consumer_acquire"):
        calls["acquire"] = lambda ms: reader.acquire(ms)[0]
    return calls


def timed(call: Callable[[], object]) -> tuple[str, float]:
    """Return the answer of a call, and how many seconds it took."""
    begin = time.monotonic()
    answer = str(call())
    return answer, time.monotonic() - begin


def expect_length(scene: Scene, what: str, call: Callable[[], object], seconds: float, stalls: Stalls) -> None:
    """Expect that a wait never ends early, and does not end late."""

    def excess() -> float:
        answer, took = timed(call)
        scene.need(f"answer of {what}", answer, "0")
        scene.expect_in(f"seconds of {what}, at least", took, seconds - EARLY_S, float("inf"))
        return max(0.0, took - seconds)

    stalls.judge(scene, f"seconds that {what} was late", excess, GRACE_S, max(seconds / 2, 0.01))


@measured
def waits_as_long_as_it_is_told(scene: Scene) -> None:
    """A wait that gets no frame lasts as long as it is told: 1, 10 or 100 ms."""
    writer = scene.writer()
    reader = scene.reader()
    with Stalls() as stalls:
        for call, wait in waits(scene, reader).items():
            for length_ms in (1, 10, 100):
                what = f"{call} for {length_ms} ms"
                expect_length(scene, what, lambda wait=wait, ms=length_ms: wait(ms), length_ms / 1e3, stalls)  # type: ignore[misc]
        writer.write(FRAME)
        reader.wait()
        expect_length(scene, "wait for 30 ms behind a frame", lambda: reader.wait(30).answer, 0.03, stalls)
        if scene.library.has("consumer_open"):
            keyframes = scene.reader(policy=2, start=2)
            what = "wait for 30 ms for a keyframe"
            expect_length(scene, what, lambda: keyframes.wait(30).answer, 0.03, stalls)


@measured
def waits_as_long_where_the_ring_is_gone(scene: Scene) -> None:
    """After a close or a death a wait lasts timeout_ms, asleep, while it looks for the next ring."""
    for how in ("closed", "died"):
        name = scene.new_name()
        if how == "closed":
            scene_writer = scene.writer(name, slots=2, slot_size=1000)
        else:
            actor = scene.start_writer(0, name, slots=2, slot_size=1000)
        reader = scene.reader(name, reconnect=1)
        if how == "closed":
            scene_writer.destroy()
        else:
            actor.kill()
        scene.expect(f"a ring that {how}", reader.wait(PATIENCE_MS).result, -1)
        before = sleeps()
        with Stalls() as stalls:
            expect_length(scene, f"wait for 250 ms where it {how}", lambda: reader.wait(250).answer, 0.25, stalls)  # noqa: B023
        scene.expect_in("it went to sleep so often", sleeps() - before, 1, 100)


@promise
def waits_for_ever_where_it_is_told_so(scene: Scene) -> None:
    """A wait with timeout 0 lasts until a frame comes, whichever call waits."""

    def read(call: str) -> Callable[[], Iterator[str]]:
        def play() -> Iterator[str]:
            reader = scene.reader()
            yield "waits"
            yield str(waits(scene, reader)[call](0))

        return play

    writer = scene.writer()
    names = list(waits(scene, Reader(scene.library)))
    readers = [scene.start(read(name)) for name in names]
    for reader in readers:
        scene.need("a reader", reader.hear(), "waits")
        until_asleep(reader.pid)
    time.sleep(0.7)  # longer than the interval of any check
    writer.write(FRAME)
    scene.expect(f"answers of {', '.join(names)}", [reader.hear() for reader in readers], ["1000"] * len(names))


@measured
def does_not_wait_where_it_is_told_so(scene: Scene) -> None:
    """A read, or a call with VIDEO_SHM_NO_WAIT, returns at once, with a frame or without, and does not sleep."""
    writer, reader = scene.writer(), scene.reader()
    calls: dict[str, Callable[[], object]] = {"read": lambda: reader.read().answer}
    calls |= {name: lambda wait=wait: wait(NO_WAIT) for name, wait in waits(scene, reader).items()}  # type: ignore[misc]
    for name, call in calls.items():
        call()
        before = sleeps()
        took = [timed(call) for _ in range(300)]
        scene.expect(f"answers of {name}", {answer for answer, _ in took}, {"0"})
        scene.expect_in(f"sleeps in 300 calls of {name}", sleeps() - before, 0, 30)
        scene.expect_in(f"seconds of a {name}, the median", sorted(took, key=lambda one: one[1])[150][1], 0, 0.5e-3)
    writer.write(FRAME)
    scene.expect("read of a frame that is there", reader.read().result, 1000)


@measured
def wakes_every_reader_of_an_empty_ring(scene: Scene) -> None:
    """The first frame of a ring wakes every reader that waits for it, at once."""

    def read() -> Iterator[str]:
        reader = scene.reader()
        yield "waits"
        yield str(reader.wait(PATIENCE_MS).answer)
        yield str(time.monotonic())

    def wake() -> float:
        """Return how many seconds passed until the last reader was awake."""
        writer = scene.writer()
        readers = [scene.start(read) for _ in range(READERS)]
        for reader in readers:
            scene.need("a reader", reader.hear(), "waits")
        for reader in readers:
            until_asleep(reader.pid)
        time.sleep(0.05)
        begin = time.monotonic()
        writer.write(FRAME)
        for number, reader in enumerate(readers, 1):
            scene.expect(f"answer of reader {number} of {READERS}", reader.hear(), "1000")
        late = max(float(reader.hear() or "inf") for reader in readers) - begin
        writer.destroy()
        return late

    with Stalls() as stalls:
        # Without a wake-up, a reader checks after 0.4 s.
        stalls.judge(scene, "seconds until all were awake", wake, 0.1, 0.1)


@measured
def wakes_whoever_waits_for_a_keyframe(scene: Scene) -> None:
    """A reader that waits for a keyframe is woken by one, and by the end, but not by other frames."""

    def read() -> Iterator[str]:
        reader = scene.reader(policy=2)
        yield "waits"
        before = sleeps()
        got = reader.wait(PATIENCE_MS)
        yield f"{time.monotonic()} {got.number} {sleeps() - before}"
        got = reader.wait(PATIENCE_MS)
        yield f"{time.monotonic()} {got.error}"

    writer = scene.writer()
    actor = scene.start(read)
    scene.need("a reader", actor.hear(), "waits")
    until_asleep(actor.pid)
    with Stalls() as stalls:
        first = time.monotonic()
        for _ in range(40):
            writer.write(FRAME)
            time.sleep(0.01)
        begin = time.monotonic()
        writer.write(FRAME, is_keyframe=1)
        at, number, slept = actor.hear().split()
        scene.expect("frame", number, "40")
        most = 5 + max(1.0, begin - first) * WAKES_A_SECOND
        scene.expect_in("sleeps of its during 40 frames that it does not want", int(slept), 1, most)
        scene.expect_in("seconds until it was awake", float(at) - begin, 0, 0.1 + stalls.take())
        until_asleep(actor.pid)
        begin = time.monotonic()
        writer.destroy()
        at, error = actor.hear().split()
        scene.expect("the end", error, "EPIPE")
        scene.expect_in("seconds until it knew", float(at) - begin, 0, 0.1 + stalls.take())


@measured
def notices_a_dead_writer(scene: Scene) -> None:
    """A reader notices a writer's death within a second, even if it has just checked and is asleep."""

    def read() -> Iterator[str]:
        reader = scene.reader(start=2)
        yield str(reader.wait(PATIENCE_MS).number)
        yield f"{reader.wait(PATIENCE_MS).answer} {time.monotonic()}"

    def notice() -> float:
        """Return how many seconds passed until a reader knew."""
        writer = scene.start_writer(1)
        actor = scene.start(read)
        scene.need("its frame", actor.hear(), "0")
        until_asleep(actor.pid)
        time.sleep(0.1)
        begin = time.monotonic()
        writer.kill()
        answer, _, at = actor.hear().rpartition(" ")
        scene.expect("its wait", answer, "-1 EOWNERDEAD")
        scene.path(scene.channel_name).unlink()
        return float(at or "inf") - begin

    with Stalls() as stalls:
        stalls.judge(scene, "seconds until it knew", notice, A_SECOND, 0.3)


@promise
def wakes_a_reader_that_sleeps_for_ever(scene: Scene) -> None:
    """A frame ends a wait that has no other end, and so does the writer's death."""

    def read() -> Iterator[str]:
        reader = scene.reader(reconnect=1)
        for _ in range(3):
            yield "waits"
            yield str(reader.wait(0).answer)

    def write() -> Iterator[str]:
        writer = scene.writer()
        yield "open"
        await_cue()
        writer.write(FRAME)
        await_cue()
        os._exit(0)

    writer = scene.start(write)
    scene.need("a writer", writer.hear(), "open")
    reader = scene.start(read)
    scene.need("a reader", reader.hear(), "waits")
    until_asleep(reader.pid)
    writer.cue()
    scene.expect("a frame", [reader.hear(), reader.hear()], ["1000", "waits"])
    until_asleep(reader.pid)
    writer.cue()
    scene.expect("a death", [reader.hear(), reader.hear()], ["-1 EOWNERDEAD", "waits"])
    until(lambda: False, 0.05)
    follower = scene.writer()
    follower.write(FRAME)
    scene.expect("the next writer's frame", reader.hear(), "1000")
