# SPDX-License-Identifier: Apache-2.0
"""Promises about what ends a reader's wait from outside: signals, interrupts, and closing its handle."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator

from .handlers import Handler, handle
from .scene import FRAME, PATIENCE_MS, Scene, mappings_of, measured, promise, until_asleep
from .sides import Reader
from .stalls import Stalls
from .waiting import LONG_WAITS_MS, timed, waits

HALF_A_SECOND = 0.5
LONG_MS = 10_000


@measured
def ends_a_wait_at_a_signal(scene: Scene) -> None:
    """A wait ends with EINTR after a signal handler: at once when asleep, else within half a second."""
    scene.writer()
    _end_by_signals(scene, scene.reader(reconnect=1), "-1 EINTR")


@measured
def ends_a_wait_of_the_originals_callers_at_a_signal(scene: Scene) -> None:
    """In the original's calls a signal ends a wait with 0, so that callers look at their handler's flag."""
    scene.writer()
    _end_by_signals(scene, scene.reader(), "0")


def _end_by_signals(scene: Scene, reader: Reader, expected: str) -> None:
    signal.signal(signal.SIGALRM, lambda *_: None)
    with Stalls() as stalls:
        for call, wait in waits(scene, reader).items():

            def end(call: str = call, wait: Callable[[int], object] = wait) -> float:
                signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)  # repeatedly, since one may come before the wait
                answer, took = timed(lambda: wait(LONG_MS))
                signal.setitimer(signal.ITIMER_REAL, 0)
                scene.need(f"{call} at a signal", answer, expected)
                return took

            stalls.judge(scene, f"seconds of {call}", end, 0.1 + HALF_A_SECOND, 0.2)


@measured
def ends_a_wait_by_interrupt(scene: Scene) -> None:
    """An interrupt from a thread or a handler ends one wait with EINTR within half a second, and no other."""
    scene.writer()
    reader = scene.reader(reconnect=1)  # callers of the original get 0 for the handler's signal
    handler = Handler(lambda number: reader.interrupt())

    def by_thread() -> None:
        threading.Timer(0.1, reader.interrupt).start()

    def by_handler() -> None:
        handle(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.1)

    with Stalls() as stalls:
        for how, begin in {"another thread": by_thread, "a signal handler": by_handler}.items():

            def end(how: str = how, begin: Callable[[], None] = begin) -> float:
                begin()
                answer, took = timed(lambda: reader.wait(LONG_MS).answer)
                scene.need(f"a wait interrupted by {how}", answer, "-1 EINTR")
                reader.wait(1)  # a handler's interrupt may come after the signal's own
                return took

            stalls.judge(scene, f"seconds of a wait interrupted by {how}", end, 0.1 + HALF_A_SECOND, 0.2)
        scene.expect("the wait after it", str(reader.wait(1).answer), "0")


@promise
def keeps_an_interrupt_for_the_next_wait(scene: Scene) -> None:
    """An interrupt before a wait ends the next one, whichever call it is; a frame that is there comes after."""
    writer, reader = scene.writer(), scene.reader()
    for call, wait in waits(scene, reader).items():
        reader.interrupt()
        reader.interrupt()
        scene.expect(f"{call} after an interrupt", str(wait(PATIENCE_MS)), "-1 EINTR")
        scene.expect(f"{call} after that", str(wait(1)), "0")
    reader.interrupt()
    writer.write(FRAME)
    scene.expect("wait with a frame there", str(reader.wait(1).answer), "-1 EINTR")
    scene.expect("wait after that", reader.wait(1).result, 1000)
    reader.interrupt()
    answers = [str(reader.read().answer), str(reader.wait(1).answer)]
    scene.expect("a read does not swallow it", answers.count("-1 EINTR"), 1)


@promise
def waits_however_long_it_is_told(scene: Scene) -> None:
    """A wait of seconds, of weeks, or of the longest time there is lasts until it is interrupted."""
    scene.writer()
    reader = scene.reader()
    for call, wait in waits(scene, reader).items():
        for length_ms in LONG_WAITS_MS:
            threading.Timer(0.05, reader.interrupt).start()
            scene.expect(f"{call} for {length_ms} ms, interrupted", str(wait(length_ms)), "-1 EINTR")


@promise
def ends_a_wait_whose_handle_is_destroyed_in_a_handler(scene: Scene) -> None:
    """A wait whose handle is destroyed in a signal handler ends with EBADF, and then its mapping goes."""

    def play() -> Iterator[str]:
        reader = scene.reader()
        handler = Handler(lambda number: reader.destroy())
        handle(signal.SIGUSR1, handler)
        inherited = len(mappings_of(scene.path(scene.channel_name).stat().st_ino)) - 1
        yield "waits"
        yield str(reader.wait(PATIENCE_MS).answer)
        yield str(reader.wait(1).answer)
        yield f"mappings {len(mappings_of(scene.path(scene.channel_name).stat().st_ino)) - inherited}"

    scene.writer()
    actor = scene.start(play)
    scene.need("a reader", actor.hear(), "waits")
    until_asleep(actor.pid)
    os.kill(actor.pid, signal.SIGUSR1)
    said = [actor.hear() for _ in range(3)]
    scene.expect("the wait, the next one, what is left", said, ["-1 EBADF", "-1 EBADF", "mappings 0"])


@promise
def gives_up_its_interrupts_with_its_handle(scene: Scene) -> None:
    """An interrupt of a closed handle does nothing, even once the handle is open again."""
    scene.writer()
    reader = scene.reader()
    reader.destroy()
    reader.interrupt()
    scene.need("open", str(reader.init_channel(scene.channel)), "0")
    scene.expect("its first wait", str(reader.wait(1).answer), "0")
