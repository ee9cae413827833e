# SPDX-License-Identifier: Apache-2.0
"""Several rings in one thread: all their frames in turn, what ends a wait, and that nothing is lost by it."""

import asyncio
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from children import running
from writers import BUILD, Channel, wait_until

from vshm_ctypes import (
    Consumer,
    Consumers,
    HandleClosed,
    Interrupted,
    Producer,
    ProducerClosed,
    ProducerDied,
    ProducerNotRunning,
    VideoShmError,
)
from vshm_ctypes.published import list_published

WAITS = """
import signal, sys
from vshm_ctypes import Consumers
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
with Consumers(sys.argv[1:]) as streams:
    print("ready", flush=True)
    while True:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            for _ in streams:
                pass
        except KeyboardInterrupt:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the next try
            print("interrupted", flush=True)
"""
READS = """
import sys
from vshm_ctypes import Consumers
with Consumers(sys.argv[1:]) as streams:
    print("ready", flush=True)
    print([(stream.ring, frame.number) for stream, frame in streams], flush=True)
"""


@pytest.fixture
def rings(ring: str) -> Iterator[dict[str, Producer]]:
    """Three rings, with a small writer each."""
    with ExitStack() as stack:
        names = [f"{ring}_{which}" for which in "abc"]
        yield {name: stack.enter_context(Producer(name, slots=8, slot_size=1000)) for name in names}


def got(streams: Consumers, timeout: float | None = 20) -> tuple[str, int] | None:
    found = streams.receive(timeout)
    return None if found is None else (found[0].ring, found[1].number)


def later(act: "object", delay_s: float = 0.05) -> threading.Timer:
    timer = threading.Timer(delay_s, act)  # type: ignore[arg-type]
    timer.start()
    return timer


def test_rings_take_turns_and_each_is_read_in_order(rings: dict[str, Producer]) -> None:
    with Consumers(rings) as streams:
        for producer in rings.values():
            for number in range(3):
                producer.write(bytes([number]))
        seen = [got(streams) for _ in range(9)]
        assert seen == [(name, number) for number in range(3) for name in rings]
        assert got(streams, 0) is None


def test_the_loop_ends_once_all_rings_were_closed(rings: dict[str, Producer]) -> None:
    with Consumers(rings) as streams:
        for producer in rings.values():
            producer.write(b"last")
            producer.close()
        assert sorted(stream.ring for stream, _ in streams) == sorted(rings)
        for _ in range(2):
            with pytest.raises(ProducerClosed):
                streams.receive()
        streams.interrupt()


def test_a_closed_ring_is_left_out_and_the_others_go_on(rings: dict[str, Producer]) -> None:
    first, second, _ = rings
    with Consumers(rings) as streams:
        rings[first].close()
        assert got(streams, 0.05) is None
        rings[second].write(b"x")
        assert got(streams) == (second, 0)
        later(streams.interrupt)
        with pytest.raises(Interrupted):
            streams.receive()


def test_a_dead_producer_is_told_once_and_its_successor_is_read(channel: Channel, rings: dict[str, Producer]) -> None:
    writer = channel.start_writer()
    wait_until(channel.ring_path.exists, "the writer has made its ring")
    with Consumers([*rings, channel.number]) as streams:
        assert got(streams) is not None
        writer.kill()
        with pytest.raises(ProducerDied) as raised:
            while streams.receive() is not None:
                pass
        assert raised.value.filename == f"/{channel.ring_path.name}"
        name = next(iter(rings))
        rings[name].write(b"x")
        assert got(streams) == (name, 0)
        channel.start_writer()
        found = got(streams)
        assert found is not None
        assert found[0] == f"/{channel.ring_path.name}"


def test_with_reconnect_the_next_ring_is_read(rings: dict[str, Producer]) -> None:
    first = next(iter(rings))
    with Consumers(rings, reconnect=True) as streams:
        rings[first].close()
        assert got(streams, 0.05) is None
        with Producer(first, slots=8, slot_size=1000) as again:
            again.write(b"x")
            assert got(streams) == (first, 0)


def test_a_wait_is_never_early(rings: dict[str, Producer]) -> None:
    with Consumers(rings) as streams:
        for timeout in (0.001, 0.05, 0.3):
            begin = time.monotonic()
            assert streams.receive(timeout) is None
            assert time.monotonic() - begin >= timeout


def test_a_frame_is_borrowed_from_the_stream_that_has_one(rings: dict[str, Producer]) -> None:
    name = list(rings)[1]
    with Consumers(rings) as streams:
        rings[name].write(b"borrowed")
        stream = streams.wait(20)
        assert stream is streams.streams[1]
        assert streams.wait(0) is stream
        with stream.borrow(0) as frame:
            assert bytes(frame.data) == b"borrowed"
            with pytest.raises(VideoShmError, match="leave its with block"):
                streams.receive(0)
        assert streams.wait(0) is None


def test_policies_are_those_of_each_stream(rings: dict[str, Producer]) -> None:
    first, second, third = rings
    with Consumers([Consumer(first, policy="newest"), second, third], policy="keyframes") as streams:
        for number in range(3):
            for producer in rings.values():
                producer.write(bytes([number]), keyframe=number == 1)
        assert {got(streams) for _ in range(3)} == {(first, 2), (second, 1), (third, 1)}
        assert got(streams, 0) is None


# ---- what ends a wait ----


def test_ctrl_c_ends_the_loop_whenever_it_comes(rings: dict[str, Producer]) -> None:
    """It may come right before the sleep, where the signal finds nothing to interrupt."""
    chance = random.Random(1)
    with running(WAITS, *rings) as process:
        assert process.stdout is not None
        for _ in range(30):
            threading.Event().wait(chance.random() * 0.01)
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"


def test_figures_are_told_while_another_thread_waits(rings: dict[str, Producer]) -> None:
    with Consumers(rings) as streams:
        ended = threading.Event()

        def wait() -> None:
            with pytest.raises(Interrupted):
                streams.receive()
            ended.set()

        thread = threading.Thread(target=wait)
        thread.start()
        for _ in range(5):
            assert [stream.info().received for stream in streams.streams] == [0, 0, 0]
        assert not ended.is_set()
        streams.interrupt()
        thread.join()
        assert ended.is_set()


@pytest.mark.parametrize("which", [None, 1])
def test_a_close_in_another_thread_ends_the_wait(rings: dict[str, Producer], which: int | None) -> None:
    with Consumers(rings) as streams:
        closing = later(streams.close if which is None else streams.streams[which].close)
        with pytest.raises(HandleClosed):
            streams.receive()
        closing.join()
        with pytest.raises(HandleClosed):
            streams.receive(0)
    streams.close()
    assert all(stream.closed for stream in streams.streams)


# ---- asyncio ----


def test_asyncio_gets_every_frame_beside_other_tasks(rings: dict[str, Producer]) -> None:
    async def main() -> list[tuple[str, int]]:
        seen = []
        with Consumers(rings) as streams:

            async def write() -> None:
                for number in range(3):
                    for producer in rings.values():
                        await asyncio.sleep(0.003)
                        producer.write(bytes([number]))
                for producer in rings.values():
                    producer.close()

            writing = asyncio.create_task(write())
            async for stream, frame in streams.aiter():
                seen.append((stream.ring, frame.number))
            await writing
        return seen

    seen = asyncio.run(main())
    assert sorted(seen) == [(name, number) for name in rings for number in range(3)]


def test_a_cancelled_wait_loses_no_frame(rings: dict[str, Producer]) -> None:
    async def main() -> None:
        with Consumers(rings) as streams:
            for number, producer in enumerate(list(rings.values()) * 5):
                waiting = asyncio.create_task(streams.wait_async())
                await asyncio.sleep(0.002)
                producer.write(bytes([number]))
                if number % 2:
                    await asyncio.sleep(0.002)
                waiting.cancel()
                try:
                    found = await waiting
                except asyncio.CancelledError:
                    found = await streams.wait_async(20)
                assert found is not None
                assert found[1].data == bytes([number])
            assert await streams.wait_async(0.01) is None

    asyncio.run(main())
    wait_until(lambda: not any(one.name == "vshm-wait" for one in threading.enumerate()), "no thread is left")


# ---- opening, publishing, older kernels ----


def test_nothing_is_left_open_if_one_ring_can_not_be_opened(ring: str, rings: dict[str, Producer]) -> None:
    given = Consumer(next(iter(rings)))
    with pytest.raises(ProducerNotRunning, match="absent"):
        Consumers([given, *rings, f"{ring}_absent"])
    assert given.closed
    with pytest.raises(ValueError, match="0 rings: give 1 to 1024"):
        Consumers([])
    with pytest.raises(TypeError, match="give a list"):
        Consumers(ring)


def test_a_silent_ring_is_published_beside_a_busy_one(rings: dict[str, Producer]) -> None:
    first, second, _ = rings
    with Consumers([first, second], publish=True) as streams:
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            rings[first].write(b"x")
            assert got(streams) is not None
            time.sleep(0.01)
        begun_ns = time.monotonic_ns() - 1_000_000_000
        told = {one.ring: one for one in list_published() if one.ring in rings}
        assert told[first].received > 1
        assert told[second].updated_ns > begun_ns


@pytest.mark.parametrize("refusal", [38, 1])
def test_frames_come_where_the_kernel_can_not_wait_for_several(rings: dict[str, Producer], refusal: int) -> None:
    without_call = [str(BUILD / "tests" / "without_call"), "449", str(refusal)]
    with running(READS, *rings, before=without_call) as process:
        for producer in rings.values():
            time.sleep(0.02)
            producer.write(b"x")
        for producer in rings.values():
            producer.close()
        assert process.stdout is not None
        assert process.stdout.readline() == f"{[(name, 0) for name in rings]}\n"
