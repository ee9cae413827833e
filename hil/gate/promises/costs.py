# SPDX-License-Identifier: Apache-2.0
"""Promises about costs: system calls and wake-ups, memory over many opens, and writes to an old ring."""

from __future__ import annotations

import itertools
import re
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..stage import await_cue
from .raw import Guarded, Meta
from .scene import FRAME, Scene, descriptors, measured, promise
from .sides import CAPACITY, NO_WAIT, Reader, Writer
from .tracing import WAKES_A_SECOND, Act, cpu_s, sleeps, system_calls

CALLS = 200
LOOKS = 12  # checks of the ring's health or name, two per second, on a slow host
WINDOW_S = 1.6
CALLS_A_SECOND = 10
OPENS, LEAST_OPENS = 10_000, 1000
BATCHES, LEAST_BATCHES, BATCH = 1000, 100, 1000  # of so many frames each
ENOUGH_S = 40.0  # after that the minimum is enough, on a busy host or for a slow library
MORE_KIB = 1024


def _repeat(call: Callable[..., object], *arguments: object, kept: object) -> Act:
    """Return an act that only makes the call. kept: what the addresses in its arguments point into."""

    def act() -> None:
        for _ in range(CALLS):
            call(*arguments)
        _ignore(kept)

    return act


@promise
def asks_nothing_of_the_system_where_it_does_not_wait(scene: Scene) -> None:
    """A read, or a call with VIDEO_SHM_NO_WAIT, makes no system call, whether there is a frame or not."""
    writer = scene.writer(scene.channel_name, slots=1000, slot_size=1000)
    for _ in range(1000):
        writer.write(FRAME)

    def prepare(start: int, call: str) -> Act:
        reader = scene.reader(scene.channel_name, start=start)
        reader.wait()
        meta, library = Guarded(Meta), scene.library
        handle, data = reader.handle.address, reader.buffer.address
        arguments: dict[str, tuple[object, ...]] = {
            "read": (meta.address,),
            "wait": (meta.address, NO_WAIT),
            "receive": (CAPACITY, meta.address, NO_WAIT),
        }
        return _repeat(library.function(f"consumer_{call}"), handle, data, *arguments[call], kept=(reader, meta))

    for start, what in ((0, "an empty ring"), (2, "frames")):
        for call in ("read", "wait", "receive"):
            made = system_calls(lambda start=start, call=call: prepare(start, call))  # type: ignore[misc]
            scene.expect_in(f"system calls of {CALLS} times {call}, {what}", made, 0, LOOKS)


@promise
def wakes_its_readers_by_one_system_call(scene: Scene) -> None:
    """A write makes one system call, however many readers it wakes."""

    def write() -> Act:
        writer = scene.writer()
        for reader in (scene.reader() for _ in range(3)):
            reader.wait()
        meta = Guarded(Meta)
        write = scene.library.function("producer_write")
        return _repeat(write, writer.handle.address, FRAME, len(FRAME), meta.address, kept=(writer, meta))

    made = system_calls(write)
    scene.expect_in(f"system calls of {CALLS} times write", made, CALLS // 2, CALLS + LOOKS)


@measured
def sleeps_at_a_silent_ring(scene: Scene) -> None:
    """A waiting reader wakes at most three times a second without frames, and uses next to no processor time."""
    scene.writer()
    for policy in (0, 2):
        reader = scene.reader(policy=policy)
        reader.wait(600)  # the cost of joining does not matter
        slept, used = sleeps(), cpu_s()
        scene.expect("its answer", str(reader.wait(int(WINDOW_S * 1000)).answer), "0")
        scene.expect_in(
            f"sleeps in {WINDOW_S} s with policy {policy}", sleeps() - slept, 1, WINDOW_S * WAKES_A_SECOND + 1
        )
        scene.expect_in("seconds of processor", cpu_s() - used, 0, 0.05)


@promise
def asks_little_of_the_system_while_it_sleeps(scene: Scene) -> None:
    """A reader that waits makes at most ten system calls a second."""
    writer = scene.writer()

    def prepare() -> Act:
        reader = scene.reader()
        reader.wait(600)
        return lambda: _ignore(reader.wait(int(WINDOW_S * 1000)))

    made = system_calls(prepare)
    scene.expect_in(f"system calls in {WINDOW_S} s", made, 1, WINDOW_S * CALLS_A_SECOND + 4)
    writer.destroy()


def _ignore(answer: object) -> None:
    """Ignore the answer of a call that is made for its cost."""


@measured
def sleeps_between_keyframes(scene: Scene) -> None:
    """A reader with policy keyframes is woken by keyframes only."""

    def read() -> Iterator[str]:
        reader = scene.reader(policy=2)
        yield "waits"
        await_cue()
        slept, begin = sleeps(), time.monotonic()
        numbers = [reader.wait(5000).number for _ in range(4)]
        yield f"{numbers} {sleeps() - slept} {time.monotonic() - begin}"

    writer = scene.writer(scene.channel_name, slots=200, slot_size=len(FRAME))  # a reader that is stopped misses none
    actor = scene.start(read)
    scene.need("a reader", actor.hear(), "waits")
    actor.cue()
    begin = time.monotonic()
    for number in range(161):
        time.sleep(max(0.0, begin + number / 100 - time.monotonic()))
        writer.write(FRAME, is_keyframe=number % 40 == 39)
    numbers, slept, took_s = actor.hear().rsplit(" ", 2)
    scene.expect("its frames", numbers, "[39, 79, 119, 159]")
    scene.expect_in("sleeps during 160 frames", int(slept), 1, 4 * 2 + max(2.0, float(took_s)) * WAKES_A_SECOND)


# ---- over time ----


def _memory() -> tuple[int, int, int]:
    """Return the numbers of descriptors and mappings, and the KiB of this process's private memory."""
    status = Path("/proc/self/status").read_text()
    own = re.search(r"RssAnon:\s+(\d+) kB", status)
    maps = Path("/proc/self/maps").read_text().count("\n")
    return len(descriptors()), maps, int(own[1]) if own else 0


def _expect_flat(scene: Scene, what: str, before: tuple[int, int, int]) -> None:
    now = _memory()
    scene.expect(f"descriptors after {what}", now[0], before[0])
    scene.expect_in(f"mappings after {what}", now[1], 0, before[1] + 2)
    scene.expect_in(f"KiB of memory after {what}", now[2], 0, before[2] + MORE_KIB)


@promise
def leaves_nothing_of_a_reader(scene: Scene) -> None:
    """After 10,000 readers have come and gone, descriptors, mappings and memory are as before."""
    name = scene.new_name()
    scene.writer(name, slots=2, slot_size=64)
    reader = Reader(scene.library)

    def come_and_go() -> None:
        reader.open(name)
        reader.wait()
        reader.destroy()

    _many_times(scene, "readers", come_and_go)


@promise
def leaves_nothing_of_a_writer(scene: Scene) -> None:
    """After 10,000 writers have come and gone, descriptors, mappings, memory and names are as before."""
    names = itertools.cycle([scene.new_name(), scene.channel_name])  # without semaphores, and with them
    writer, before = Writer(scene.library), set(scene.path("/").iterdir())

    def come_and_go() -> None:
        writer.open(next(names), slots=2, slot_size=64)
        writer.write(b"x")
        writer.destroy()

    _many_times(scene, "writers", come_and_go)
    left = [path.name for path in set(scene.path("/").iterdir()) - before if path.name.endswith(f"_ch{scene.channel}")]
    scene.expect("names that are left", left, [])


@promise
def leaves_nothing_of_who_was_refused(scene: Scene) -> None:
    """After 10,000 writers and readers were refused, descriptors, mappings and memory are as before."""
    name, absent = scene.new_name(), scene.new_name()
    scene.writer(name, slots=2, slot_size=64)
    writer, reader = Writer(scene.library), Reader(scene.library)

    def come_and_go() -> None:
        writer.open(name, slots=2, slot_size=64)
        reader.open(name, max_slot_size=1)
        reader.open(absent)

    _many_times(scene, "refusals", come_and_go)


def _many_times(scene: Scene, what: str, act: Callable[[], None]) -> None:
    for _ in range(200):
        act()
    before = _memory()
    done = _up_to_enough(act, LEAST_OPENS, OPENS)
    _expect_flat(scene, f"{done} {what}", before)


def _up_to_enough(act: Callable[[], object], least: int, most: int) -> int:
    """Act up to `most` times, or as often as ENOUGH_S allow, but at least `least` times. Returns how often."""
    begin = time.monotonic()
    for done in range(most):
        if done >= least and time.monotonic() - begin >= ENOUGH_S:
            return done
        act()
    return most


@measured
def writes_as_fast_when_it_is_old(scene: Scene) -> None:
    """The millionth frame is written as fast as the first, and neither writer nor reader grows in memory."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=30, slot_size=1000), scene.reader(name)
    write, read = scene.library.function("producer_write"), scene.library.function("consumer_read")
    handle, meta, got = writer.handle.address, Guarded(Meta), Guarded(Meta)
    first = (handle, FRAME, 1000, meta.address)
    second = (reader.handle.address, reader.buffer.address, got.address)

    def batch() -> float:
        begin = time.process_time()
        for _ in range(BATCH):
            write(*first)
        return time.process_time() - begin

    for _ in range(5):
        batch()
    young, before = [batch() for _ in range(20)], _memory()

    def write_and_read() -> None:
        batch()
        while read(*second) > 0:
            pass

    frames = BATCH * _up_to_enough(write_and_read, LEAST_BATCHES, BATCHES)
    old = [batch() for _ in range(20)]
    _expect_flat(scene, f"{frames} frames", before)
    ratio = statistics.median(old) / statistics.median(young)
    scene.expect_in("time of a write, old against young", ratio, 0, 1.5)
    scene.expect("frames written", writer.info().frames, frames + 45 * BATCH)
