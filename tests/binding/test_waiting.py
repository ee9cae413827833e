# SPDX-License-Identifier: Apache-2.0
"""Waiting for frames: signals, threads, asyncio; what ends a wait, and that nothing is lost by it."""

import asyncio
import gc
import math
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from children import running
from writers import Channel, wait_until

from vshm_ctypes import Consumer, Consumers, HandleClosed, Interrupted, Producer, ProducerDied, VideoShmError

WAITS = """
import signal, sys
from vshm_ctypes import Consumer
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
with Consumer(sys.argv[1]) as stream:
    print("ready", flush=True)
    while True:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            stream.receive()
        except KeyboardInterrupt:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the next try
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
    """It may come right before the sleep, where the signal finds nothing to interrupt."""
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
    """A wait that held the interpreter would let them run only between two of its slices, four times a second."""
    ticks = 0
    with Producer(ring), Consumer(ring) as stream:
        waiting = threading.Thread(target=stream.receive, args=[2.0])
        waiting.start()
        while waiting.is_alive():
            time.sleep(0.001)
            ticks += 1
    assert ticks > 40


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


def test_a_timeout_that_is_no_number_is_refused_by_every_wait(ring: str) -> None:
    """It is neither before nor after any time, so nothing would end the wait, which did not even sleep."""
    with Producer(ring), Consumer(ring) as stream, Consumers([ring]) as streams:
        waits = (
            stream.receive,
            lambda timeout: stream.receive_into(bytearray(9), timeout),
            stream.borrow,
            lambda timeout: asyncio.run(stream.wait_async(timeout)),
            streams.receive,
            lambda timeout: asyncio.run(streams.wait_async(timeout)),
        )
        for wait in waits:
            with pytest.raises(ValueError, match="NaN"):
                wait(math.nan)


def open_things() -> tuple[int, int]:
    """Return (threads, descriptors) of this process. A joined thread counts until the kernel has ended it."""
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
            wait_until(lambda: open_things() == before, "neither a thread nor a descriptor is left")
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
            wait_until(lambda: open_things() == before, "neither a thread nor a descriptor is left")

    asyncio.run(main())


def next_number(stream: Consumer, borrow: bool) -> int:
    if borrow:
        with stream.borrow(timeout=10) as borrowed:
            assert bytes(borrowed.data) == b"x"
            return borrowed.number
    frame = stream.receive(timeout=10)
    assert frame is not None
    return frame.number


@pytest.mark.parametrize("cancellations", [1, 2])
@pytest.mark.parametrize("borrow", [False, True])
def test_cancelling_loses_no_frame(ring: str, borrow: bool, cancellations: int) -> None:
    """The usual wait_for with a short timeout: a frame may come just as it is over, and the task's own end too."""

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
                if cancellations == 2:
                    await asyncio.sleep(0)
                    waiting.cancel()
                try:
                    frame = await waiting
                    assert frame is not None
                    numbers.append(frame.number)
                except asyncio.CancelledError:
                    numbers.append(next_number(stream, borrow))
        return numbers

    assert asyncio.run(main()) == list(range(60))


def test_cancelling_loses_no_death(channel: Channel) -> None:
    """The library tells it once, and here it tells it to a wait that is cancelled at that moment."""
    writer = channel.start_writer()
    wait_until(channel.ring_path.exists, "the ring is there")

    async def main() -> None:
        with Consumer(channel=channel.number) as stream:
            writer.pause()
            while stream.receive(timeout=0) is not None:
                pass
            waiting = asyncio.create_task(stream.wait_async())
            await asyncio.sleep(0.1)
            writer.kill()
            wait_until(lambda: stream._lock.acquire(blocking=False), "the thread has its answer")  # and asyncio not
            stream._lock.release()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            with pytest.raises(ProducerDied):
                stream.receive(timeout=0)
            assert stream.receive(timeout=0) is None

    asyncio.run(main())
