# SPDX-License-Identifier: Apache-2.0
"""Promises about one thread that waits for several rings."""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from .interrupts import HALF_A_SECOND, LONG_MS
from .kernel import WAITV, need_waitv, refuse
from .raw import Answer, Guarded
from .ring_object import V1Writer
from .scene import FRAME, PATIENCE_MS, Scene, measured, promise, until_asleep
from .sides import NO_WAIT, Reader, Writer
from .stalls import Stalls
from .tracing import Act, sleeps, system_calls
from .waiting import LONG_WAITS_MS, expect_length, timed

MOST = 1024
SLEPT_ON = 128  # rings, in one system call
SMALL = {"slots": 4, "slot_size": 1000}


class Several:
    """Readers, of which one call waits for all. index: of the last answer."""

    def __init__(self, scene: Scene, readers: Sequence[Reader | None]) -> None:
        self.readers = list(readers)
        self._library = scene.library
        self._index = Guarded(ctypes.c_uint32)

    @property
    def index(self) -> int:
        """The reader that was named last."""
        return int(self._index.value.value)

    @index.setter
    def index(self, index: int) -> None:
        self._index.value.value = index

    def wait(self, timeout_ms: int = NO_WAIT) -> Answer:
        """Call video_shm_consumer_wait_any."""
        addresses = [None if reader is None else reader.handle.address for reader in self.readers]
        given = (ctypes.c_void_p * max(1, len(addresses)))(*addresses)
        return self._library("consumer_wait_any", given, len(addresses), timeout_ms, self._index)

    def seen(self, timeout_ms: int = NO_WAIT) -> str:
        """Call it, and return its answer with the index."""
        return f"{self.wait(timeout_ms)}, {self.index}"


def _open(scene: Scene, count: int, **options: int) -> tuple[list[Writer], Several]:
    names = [scene.new_name() for _ in range(count)]
    writers = [scene.writer(name, **SMALL) for name in names]
    return writers, Several(scene, [scene.reader(name, **options) for name in names])


def _readers(several: Several) -> list[Reader]:
    return [reader for reader in several.readers if reader is not None]


@promise
def names_the_reader_that_has_a_frame(scene: Scene) -> None:
    """Of several readers, the one with a frame is named; the frame is not taken, and its own call does not wait."""
    writers, several = _open(scene, 3)
    scene.expect("without a frame", str(several.wait()), "0")
    writers[1].write(FRAME)
    scene.expect("with a frame, twice", [several.seen(PATIENCE_MS) for _ in range(2)], ["1, 1"] * 2)
    scene.expect("its frame", [reader.wait().number for reader in _readers(several)], [None, 0, None])
    scene.expect("once it is read", str(several.wait()), "0")
    several.readers[0] = several.readers[1] = None
    writers[1].write(FRAME)
    scene.expect("beside readers that were left out", str(several.wait()), "0")
    writers[2].write(FRAME)
    scene.expect("and with a frame of the one that is left", several.seen(), "1, 2")


@promise
def gives_each_reader_its_turn(scene: Scene) -> None:
    """Readers that always have frames are named in turn, since the search begins behind the last one."""
    writers, several = _open(scene, 3)
    for writer in writers:
        for _ in range(4):
            writer.write(FRAME)
    named = []
    for _ in range(6):
        several.wait()
        named.append(several.index)
        _readers(several)[several.index].wait()
    scene.expect("readers in turn", named, [1, 2, 0, 1, 2, 0])
    several.index = 2**32 - 1
    scene.expect("behind an index that is none", several.seen(), "1, 0")


@promise
def tells_each_end_by_the_readers_own_call(scene: Scene) -> None:
    """A close, a death and a successor that can't be read are told by the named reader's own call, once each."""
    closed, died = scene.new_name(), scene.new_name()
    writer, actor = scene.writer(closed, **SMALL), scene.start_writer(1, died, **SMALL)
    options = {"start": 2, "reconnect": 1, "max_slot_size": 1000}
    several = Several(scene, [scene.reader(closed, **options), scene.reader(died, **options)])
    writer.write(FRAME)
    writer.destroy()
    actor.kill()
    told: list[list[str]] = [[], []]
    for _ in range(4):
        if several.wait(PATIENCE_MS).result == 1:
            told[several.index].append(str(_readers(several)[several.index].wait().answer))
    scene.expect("of a close", told[0], ["1000", "-1 EPIPE"])
    scene.expect("of a death", told[1], ["1000", "-1 EOWNERDEAD"])
    scene.expect("then", str(several.wait(1)), "0")
    scene.writer(closed, slots=4, slot_size=2000)
    scene.expect("of larger slots", several.seen(PATIENCE_MS), "1, 0")
    scene.expect("its own call", str(_readers(several)[0].wait().answer), "-1 EPROTO")
    follower = scene.writer(died, **SMALL)
    follower.write(FRAME)
    scene.expect("of the next writer", several.seen(PATIENCE_MS), "1, 1")
    scene.expect("its frame", _readers(several)[1].wait().number, 1)


@promise
def reads_a_later_frame_where_the_named_one_is_gone(scene: Scene) -> None:
    """A frame that is overwritten between the two calls is followed by a later one; a reader of keyframes has none."""
    for policy, expected in ((0, [8, 9, 10, 11]), (2, [])):
        writers, several = _open(scene, 2, policy=policy)
        writers[1].write(FRAME, is_keyframe=1)
        scene.expect("the reader that is named", several.seen(PATIENCE_MS), "1, 1")
        for _ in range(11):
            writers[1].write(FRAME)
        scene.expect(f"what it reads, with policy {policy}", _readers(several)[1].numbers()[-4:], expected)


@promise
def waits_for_keyframes_of_several_rings(scene: Scene) -> None:
    """Readers of keyframes are named at keyframes only, whoever they wait together with."""

    writers, several = _open(scene, 2, policy=2)
    for number in range(5):
        for writer in writers:
            scene.expect("without a keyframe", str(several.wait()), "0")
            writer.write(FRAME, is_keyframe=number == 4)
            if number == 4:
                break
    scene.expect("with one", several.seen(PATIENCE_MS), "1, 0")
    scene.expect("its frame", _readers(several)[0].wait().number, 4)


@measured
def waits_for_several_rings_as_long_as_it_is_told(scene: Scene) -> None:
    """A wait for several rings that get no frame lasts as long as it is told, and no longer."""
    _, several = _open(scene, 3)
    with Stalls() as stalls:
        for length_ms in (1, 10, 60):
            what = f"a wait for {length_ms} ms"
            expect_length(scene, what, lambda ms=length_ms: several.wait(ms), length_ms / 1e3, stalls)  # type: ignore[misc]
        for length_ms in LONG_WAITS_MS:
            threading.Timer(0.05, _readers(several)[1].interrupt).start()
            scene.expect(f"a wait for {length_ms} ms, interrupted", str(several.wait(length_ms)), "-1 EINTR")
        answer, took = timed(several.wait)
        scene.expect("a call that does not wait", answer, "0")
        scene.expect_in("its seconds", took, 0, stalls.take())


def _late(scene: Scene, readers: Callable[[], Sequence[Reader]], write: Callable[[], object]) -> tuple[float, int]:
    """Return how many seconds after a frame an endless wait ended, and how often a wait of 100 ms before it slept."""

    def read() -> Iterator[str]:
        several = Several(scene, readers())
        several.wait(1)
        before = sleeps()
        several.wait(100)
        yield str(sleeps() - before)
        yield f"{several.wait(0)} {time.monotonic()}"

    actor = scene.start(read)
    slept = int(actor.hear())
    until_asleep(actor.pid)
    begin = time.monotonic()
    write()
    answer, _, end = actor.hear().rpartition(" ")
    scene.need("an endless wait", answer, "1")
    return float(end) - begin, slept


def _opened(scene: Scene, count: int) -> tuple[Callable[[], list[Reader]], Callable[[], Answer]]:
    """Return what opens readers of so many new rings, and what writes to the last of them."""
    names = [scene.new_name() for _ in range(count)]
    writers = [scene.writer(name, **SMALL) for name in names]
    return lambda: [scene.reader(name) for name in names], lambda: writers[-1].write(FRAME)


@measured
def wakes_for_any_of_several_rings(scene: Scene) -> None:
    """A frame of any of up to 128 rings wakes a thread that waits for all of them, which sleeps until then."""
    need_waitv()
    with Stalls() as stalls:
        for count in (2, SLEPT_ON):
            readers, write = _opened(scene, count)
            late, slept = _late(scene, readers, write)
            scene.expect_in(f"seconds until it was awake, with {count} rings", late, 0, 0.1 + stalls.take())
            scene.expect_in("its sleeps in 100 ms without a frame", slept, 1, 3)


@measured
def looks_at_rings_that_can_not_wake_it(scene: Scene) -> None:
    """Rings beyond 128, of version 1, and where the kernel can't wait for several are looked at, ever more seldom."""
    beyond = _opened(scene, SLEPT_ON + 2)
    readers, write = _opened(scene, 3)

    def refused() -> list[Reader]:
        refuse(WAITV)
        return readers()

    names = [scene.new_name() for _ in range(2)]
    old = [V1Writer(scene.path(name)) for name in names]
    cases = {
        "beyond 128": beyond,
        "where the call is refused": (refused, write),
        "of version 1": (lambda: [scene.reader(name, start=0) for name in names], lambda: old[1].write(FRAME)),
    }
    with Stalls() as stalls:
        for what, (opened, writes) in cases.items():
            late, slept = _late(scene, opened, writes)
            if slept < 5:  # a host with much else to do may keep it asleep
                late, slept = _late(scene, opened, writes)
            scene.expect_in(f"seconds until it was awake, with rings {what}", late, 0, 0.1 + stalls.take())
            scene.expect_in(f"its sleeps in 100 ms, with rings {what}", slept, 5, 70)


@measured
def sleeps_on_several_rings_by_one_system_call(scene: Scene) -> None:
    """A wait for 16 rings sleeps by one system call, not by one for each."""
    need_waitv()

    def prepare() -> Act:
        _, several = _open(scene, 16)
        several.wait(1)
        return lambda: several.wait(30) and None

    # Three, and as many to tell a signal from a stop, such as each one that counts.
    scene.expect_in("system calls of a wait of 30 ms", system_calls(prepare), 1, 12)


@measured
def ends_a_wait_for_several_rings_from_outside(scene: Scene) -> None:
    """An interrupt of any reader ends a wait for several, and so does a signal, with SA_RESTART and as original too."""
    _, several = _open(scene, 2)
    scene.writer()
    several.readers.append(scene.reader())
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, False)  # which is SA_RESTART

    def by_signal() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.05)

    def by_interrupt() -> None:
        threading.Timer(0.05, _readers(several)[1].interrupt).start()

    with Stalls() as stalls:
        for how, begin in {"a signal": by_signal, "an interrupt": by_interrupt}.items():

            def end(how: str = how, begin: Callable[[], None] = begin) -> float:
                begin()
                answer, took = timed(lambda: several.wait(LONG_MS))
                scene.need(f"a wait that {how} ends", answer, "-1 EINTR")
                return took

            stalls.judge(scene, f"seconds of a wait that {how} ends", end, 0.1 + HALF_A_SECOND, 0.2)
    scene.expect("whose interrupt it was", several.index, 1)
    scene.expect("the wait after it", str(several.wait(1)), "0")
    for before in range(3):  # the search begins behind it
        for number, reader in enumerate(_readers(several)):
            several.index = before
            reader.interrupt()
            what = f"interrupt of {number} before a wait, with index {before}"
            scene.expect(what, str(several.wait(1000)), "-1 EINTR")


@promise
def refuses_to_wait_for_what_is_no_reader(scene: Scene) -> None:
    """A wait for nobody, for too many, or beside a closed or viewing reader is refused, and names that reader."""
    writers, several = _open(scene, 3)
    scene.expect("of 1025", str(Several(scene, several.readers[:1] * (MOST + 1)).wait()), "-1 EINVAL")
    scene.expect("of 1024", str(Several(scene, several.readers[:1] * MOST).wait()), "0")
    scene.expect("of none", str(Several(scene, []).wait()), "-1 EINVAL")
    scene.expect("of none that is left", str(Several(scene, [None, None]).wait()), "-1 EINVAL")
    index, readers = Guarded(ctypes.c_uint32), _readers(several)
    one = (ctypes.c_void_p * 1)(readers[0].handle.address)
    scene.expect("of NULL", str(scene.library("consumer_wait_any", None, 1, NO_WAIT, index)), "-1 EINVAL")
    scene.expect("with no index", str(scene.library("consumer_wait_any", one, 1, NO_WAIT, None)), "-1 EINVAL")
    writers[2].write(FRAME)
    _, view = readers[2].acquire()
    scene.expect("beside a view", several.seen(PATIENCE_MS), "-1 EBUSY, 2")
    readers[2].release(view)
    readers[1].destroy()
    scene.expect("beside a closed one", several.seen(PATIENCE_MS), "-1 EBADF, 1")
