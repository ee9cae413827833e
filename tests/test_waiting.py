# SPDX-License-Identifier: Apache-2.0
"""Waiting for frames: signals, threads, asyncio; what ends a wait, and that nothing is lost by it."""

import asyncio
import gc
import random
import signal
import threading
from pathlib import Path

import pytest
from children import running

from vshm_ctypes import Consumer, HandleClosed, Interrupted, Producer, VideoShmError

WAITS = """
import sys, threading
from vshm_ctypes import Consumer
count = 0
with Consumer(sys.argv[1]) as stream:
    print("ready", flush=True)
    while True:
        try:
            stream.receive()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
"""
# A handler that does not raise, and frames that must all arrive.
STORM = """
import signal, sys
from vshm_ctypes import Consumer
signals = 0
def count(number, frame):
    global signals
    signals += 1
signal.signal(signal.SIGALRM, count)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
with Consumer(sys.argv[1]) as stream:
    print("ready", flush=True)
    numbers = [frame.number for frame in stream]
signal.setitimer(signal.ITIMER_REAL, 0)
print(numbers == list(range(len(numbers))), len(numbers), signals > 50, flush=True)
"""


def test_ctrl_c_ends_a_wait_whenever_it_comes(ring: str) -> None:
    """Also right before the sleep, where the signal finds nothing to interrupt."""
    chance = random.Random(1)
    with Producer(ring), running(WAITS, ring) as process:
        assert process.stdout is not None
        for _ in range(40):
            threading.Event().wait(chance.random() * 0.01)
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"


def test_signals_lose_no_frame(ring: str) -> None:
    with Producer(ring) as producer, running(STORM, ring) as process:
        for _ in range(300):
            producer.write(b"x")
            threading.Event().wait(0.001)
        producer.close()
        assert process.stdout is not None
        assert process.stdout.readline() == "True 300 True\n"


def test_other_threads_run_while_one_waits(ring: str) -> None:
    counted = 0
    with Producer(ring), Consumer(ring) as stream:
        over = threading.Event()

        def wait() -> None:
            stream.receive(timeout=0.3)
            over.set()

        threading.Thread(target=wait).start()
        while not over.is_set():
            counted += 1
    assert counted > 1000


@pytest.mark.parametrize("end", ["close", "interrupt"])
def test_a_wait_without_timeout_is_ended_from_another_thread(ring: str, end: str) -> None:
    with Producer(ring):
        stream = Consumer(ring)
        ended: list[BaseException] = []

        def wait() -> None:
            try:
                stream.receive()
            except VideoShmError as error:
                ended.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        threading.Event().wait(0.05)
        getattr(stream, end)()
        waiting.join(60)
        assert not waiting.is_alive()
        assert type(ended[0]) is (HandleClosed if end == "close" else Interrupted)
        stream.close()


def test_interrupt_ends_the_next_wait_once(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        stream.interrupt()
        with pytest.raises(Interrupted):
            stream.receive()
        producer.write(b"x")
        assert stream.receive(timeout=10) is not None


# ---- asyncio ----


def open_things() -> tuple[int, int]:
    """(threads, descriptors) of this process."""
    return len(list(Path("/proc/self/task").iterdir())), len(list(Path("/proc/self/fd").iterdir()))


def test_asyncio_gets_every_frame(ring: str) -> None:
    async def main() -> list[bytes]:
        with Producer(ring) as producer, Consumer(ring) as stream:
            for number in range(5):
                producer.write(bytes([number]))
            frames = []
            async for frame in stream.aiter():
                frames.append(frame.data)
                if len(frames) == 5:
                    producer.close()
            return frames

    assert asyncio.run(main()) == [bytes([number]) for number in range(5)]


def test_a_wait_async_that_times_out_gives_none(ring: str) -> None:
    async def main() -> None:
        with Producer(ring), Consumer(ring) as stream:
            assert await stream.wait_async(timeout=0.05) is None

    asyncio.run(main())


def test_a_cancelled_wait_leaves_neither_thread_nor_descriptor(ring: str) -> None:
    async def main() -> None:
        with Producer(ring) as producer, Consumer(ring) as stream:
            before = open_things()
            for _ in range(10):
                waiting = asyncio.create_task(stream.wait_async())
                await asyncio.sleep(0.01)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            gc.collect()
            assert open_things() == before
            producer.write(b"x")
            frame = await stream.wait_async(timeout=10)
            assert frame is not None

    asyncio.run(main())


def test_an_iteration_left_early_leaves_no_thread(ring: str) -> None:
    async def main() -> None:
        with Producer(ring) as producer, Consumer(ring) as stream:
            producer.write(b"x")
            stream.receive(timeout=10)  # the ring is mapped now
            before = open_things()
            producer.write(b"x")
            frames = stream.aiter()
            async for _ in frames:
                break
            await frames.aclose()  # type: ignore[attr-defined]
            assert open_things() == before

    asyncio.run(main())


def test_cancelling_loses_no_frame(ring: str) -> None:
    """The usual wait_for with a short timeout: a frame may come just as it is over."""

    async def main() -> list[int]:
        numbers = []
        with Producer(ring) as producer, Consumer(ring) as stream:
            for number in range(60):
                waiting = asyncio.create_task(stream.wait_async())
                await asyncio.sleep(0.001 * (number % 3))
                producer.write(b"x")
                if number % 2:
                    await asyncio.sleep(0)
                waiting.cancel()
                try:
                    frame = await waiting
                except asyncio.CancelledError:
                    frame = stream.receive(timeout=10)
                assert frame is not None
                numbers.append(frame.number)
        return numbers

    assert asyncio.run(main()) == list(range(60))
