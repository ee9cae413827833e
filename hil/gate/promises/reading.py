# SPDX-License-Identifier: Apache-2.0
"""What a reader is promised."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from vshm_ctypes import Consumer, Producer, get_library

from ..stage import PATIENCE_S, Stage
from .scene import FRAME, Broken, let_others_fall_asleep, promise, take_again

WAKE_LIMIT_S = 0.12  # far above a wake-up; without one, a reader comes and looks after 0.25 s at the latest
SIGNAL_LIMIT_S = 1.0
READERS = 3
ATTACHES = 50
STOPS = 100
LONG_COPY = 2 << 20  # bytes: most of what a reader of such frames does is copying them


@promise
def wakes_every_reader_of_an_empty_ring() -> Broken:
    """The first frame of a ring wakes all that wait for it."""

    def scene() -> Broken:
        def read() -> Iterator[str]:
            with Consumer(channel=stage.channel) as stream:
                yield "waits"
                yield "awake" if stream.receive(PATIENCE_S) else "nothing came"
                yield str(time.monotonic())

        with Stage() as stage, Producer(channel=stage.channel) as ring:
            readers = [stage.start(read) for _ in range(READERS)]
            for reader in readers:
                reader.hear()
            let_others_fall_asleep()
            begin = time.monotonic()
            ring.write(FRAME)
            for number, reader in enumerate(readers, 1):
                said = reader.hear()
                if said != "awake":
                    yield f"reader {number} of {READERS}: {said or 'ended'}"
                elif (late := float(reader.hear()) - begin) > WAKE_LIMIT_S:
                    yield f"reader {number} of {READERS} was awake only after {late:.3f} s"

    yield from take_again(scene)


@promise
def ends_a_wait_at_a_signal() -> Broken:
    """A signal ends a wait with EINTR."""

    def scene() -> Broken:
        library = ctypes.CDLL(get_library(), use_errno=True)
        handle, data, meta = (ctypes.create_string_buffer(size) for size in (1 << 14, 512 << 10, 64))
        with Stage() as stage, Producer(channel=stage.channel):
            library.video_shm_consumer_init_channel(handle, stage.channel)
            signal.signal(signal.SIGALRM, lambda *_: None)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            begin = time.monotonic()
            result = library.video_shm_consumer_wait(handle, data, meta, int(SIGNAL_LIMIT_S * 2000))
            error, took = ctypes.get_errno(), time.monotonic() - begin
            library.video_shm_consumer_destroy(handle)
        if result != -1 or error != errno.EINTR:
            yield f"the wait went on and gave {result}, errno {errno.errorcode.get(error, error)}"
        elif took > SIGNAL_LIMIT_S:
            yield f"the wait ended only after {took:.3f} s"

    yield from take_again(scene)


@promise
def hands_a_lapped_reader_all_that_the_ring_holds() -> Broken:
    """A reader that comes late gets every frame that is left, in order, and is told of every other one."""
    written = 100
    with Stage() as stage, Producer(channel=stage.channel) as ring, Consumer(channel=stage.channel) as stream:
        for number in range(written):
            ring.write(number.to_bytes(4, "little") * 100)
        numbers = []
        while (frame := stream.receive(0)) is not None:
            numbers.append(frame.number)
            if frame.data != frame.number.to_bytes(4, "little") * 100:
                yield f"frame {frame.number} has another one's bytes"
        info = stream.info()
        expected = list(range(written - info.slots, written))
        if numbers != expected:
            yield f"it got {_spans(numbers)}, not {_spans(expected)}"
        if info.received != len(numbers) or info.missed != written - len(numbers) or info.skipped != 0:
            yield (
                f"{written} written, {len(numbers)} received; booked as {info.received} received, "
                f"{info.missed} missed, {info.skipped} skipped"
            )
        if info.span != written:
            yield f"the books speak of {info.span} frames, not of {written}"


@promise
def keeps_back_what_was_overwritten_meanwhile() -> Broken:
    """A reader that is stopped, often in the middle of a copy, while the writer comes round: no frame is of two."""
    slots = 3
    payloads = [bytes([mark]) * LONG_COPY for mark in range(1, 6)]  # those that meet in a slot differ

    def read() -> Iterator[str]:
        with Consumer(channel=stage.channel) as stream:
            yield "reads"
            while True:
                if (frame := stream.receive(PATIENCE_S)) is None:
                    continue
                if frame.data != payloads[frame.data[0] - 1][: frame.size]:
                    yield f"frame {frame.number} has bytes of another one"
                if frame.size < LONG_COPY:
                    yield "end"
                    return

    with Stage() as stage, Producer(channel=stage.channel, slots=slots, slot_size=LONG_COPY) as ring:
        reader = stage.start(read)
        reader.hear()
        marked = itertools.cycle(payloads)
        for _ in range(STOPS):
            os.kill(reader.pid, signal.SIGSTOP)
            for _ in range(slots + 1):
                ring.write(next(marked))
            os.kill(reader.pid, signal.SIGCONT)
            time.sleep(random.uniform(0, 2e-3))
        ring.write(payloads[0][:-1])
        while (said := reader.hear()) != "end":
            yield said or "the reader has ended"
            if not said:
                return


def _spans(numbers: list[int]) -> str:
    return f"{len(numbers)} frames ({numbers[0]} to {numbers[-1]})" if numbers else "none"


@promise
def starts_where_it_is_told() -> Broken:
    """At the oldest, the newest or the last keyframe; keyframes only, each once."""
    with Stage() as stage, Producer(channel=stage.channel) as ring:
        for number in range(20):
            ring.write(FRAME, keyframe=number in (0, 10))
        for start, expected in (("oldest", 0), ("newest", 19), ("keyframe", 10)):
            with Consumer(channel=stage.channel, start=start) as stream:  # type: ignore[arg-type]
                frame = stream.receive(0)
                if frame is None or frame.number != expected:
                    yield f"start at the {start}: frame {frame and frame.number}, not {expected}"
        with Consumer(channel=stage.channel, start="oldest", policy="keyframes") as stream:
            got = [frame.number for frame in iter(lambda: stream.receive(0), None)]
            if got != [0, 10]:
                yield f"keyframes only: {got}, not [0, 10]"


@promise
def dates_frames_by_the_monotonic_clock() -> Broken:
    """Capture and publishing lie between the begin and the end of write()."""
    with Stage() as stage, Producer(channel=stage.channel) as ring, Consumer(channel=stage.channel) as stream:
        begin = time.monotonic_ns()
        ring.write(FRAME)
        end = time.monotonic_ns()
        frame = stream.receive(PATIENCE_S)
        if frame is None:
            yield "no frame came"
            return
        for name in ("capture_ns", "publish_ns"):
            if not begin <= getattr(frame, name) <= end:
                yield f"{name} is {(getattr(frame, name) - begin) / 1e9:.3f} s behind the beginning of write()"


@promise
def leaves_nothing_of_a_reader() -> Broken:
    """Descriptors and mappings are given back."""

    def count() -> tuple[int, int]:
        own = Path("/proc/self")
        return len(list((own / "fd").iterdir())), (own / "maps").read_text().count(f"_ch{stage.channel}")

    with Stage() as stage, Producer(channel=stage.channel):
        Consumer(channel=stage.channel).close()
        before = count()
        for _ in range(ATTACHES):
            Consumer(channel=stage.channel).close()
        now = count()
        for name, less, more in zip(("descriptors", "mappings"), before, now, strict=True):
            if more != less:
                yield f"{ATTACHES} readers came and went: {less} {name} became {more}"
