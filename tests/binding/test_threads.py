# SPDX-License-Identifier: Apache-2.0
"""Handles that several threads use at once: calls in another thread's way wait, and close() crashes nobody."""

import pytest
from children import run

from vshm_ctypes import HandleClosed, Producer
from vshm_ctypes import producer as writing

ROUNDS = 60
# Threads write, reserve, read and look, until their handles are closed under them.
CLOSED_UNDER_THREADS = """
import random, sys, threading, time
from vshm_ctypes import *
from vshm_ctypes import producer as writing

writing._MOST_AT_ONCE = writing._MOST_TIMED_AT_ONCE = int(sys.argv[3])

def until_closed(call):
    def loop():
        while True:
            try:
                call()
            except (FrameOverwritten, TimeoutError, ProducerBusy):
                pass
            except (HandleClosed, ProducerClosed):
                return
    thread = threading.Thread(target=loop)
    thread.start()
    return thread

def reserve(producer):
    with producer.reserve() as slot:
        slot.data[:10] = bytes(10)
        slot.commit(10)

def borrow(stream):
    with stream.borrow(0.01) as frame:
        bytes(frame.data)

for _ in range(int(sys.argv[2])):
    producer = Producer(sys.argv[1], slots=4, slot_size=10_000)
    stream = Consumer(sys.argv[1])
    payload = bytearray(5000)
    calls = [lambda: producer.write(payload), lambda: producer.write(bytes(9000)), lambda: reserve(producer)]
    calls += [lambda: producer.write(payload, capture_ns=7), lambda: producer.write(bytes(9000), flags=4)]
    calls += [producer.info, stream.info, stream.stats, lambda: borrow(stream), lambda: stream.receive(0.01)]
    threads = [until_closed(call) for call in calls]
    time.sleep(random.random() * 0.01)
    handles = [producer, stream]
    random.shuffle(handles)
    for handle in handles:
        handle.close()
    for thread in threads:
        thread.join()
print("done")
"""
# A wait without timeout, and the figures of the same consumer meanwhile.
LOOKED_AT_WHILE_WAITING = """
import sys, threading
from vshm_ctypes import Consumer, Producer
received = []
with Producer(sys.argv[1]) as producer, Consumer(sys.argv[1]) as stream:
    waiting = threading.Thread(target=lambda: received.append(stream.receive().data))
    waiting.start()
    for _ in range(20):
        assert stream.info().received == 0
        assert stream.stats() == (0, 0, 0)
    producer.write(b"x")
    waiting.join()
    assert stream.info().received == 1
print(received)
"""
# asyncio reads, and never waits for a call of another thread, which waits for asyncio's.
LOOKED_AT_WITHIN_ASYNCIO = """
import asyncio, sys, threading
from vshm_ctypes import Consumer, Consumers, Producer

producer, stream = Producer(sys.argv[1]), Consumer(sys.argv[1])
reader = Consumers([stream]) if sys.argv[2] == "several" else stream
is_over = threading.Event()

def ask():
    while not is_over.is_set():
        stream.info()

async def read():
    for _ in range(300):
        producer.write(b"x")
        assert await reader.wait_async()

with producer, reader:
    asking = threading.Thread(target=ask)
    asking.start()
    asyncio.run(read())
    is_over.set()
    asking.join()
print("done")
"""


@pytest.mark.parametrize("most_at_once", [0, 6000], ids=["registered", "at once"])
def test_handles_that_are_closed_under_threads_crash_nobody(ring: str, most_at_once: int) -> None:
    assert run(CLOSED_UNDER_THREADS, ring, str(ROUNDS // 2), str(most_at_once)) == "done\n"


def test_figures_can_be_asked_for_while_another_thread_waits(ring: str) -> None:
    assert run(LOOKED_AT_WHILE_WAITING, ring) == "[b'x']\n"


@pytest.mark.parametrize("reader", ["one", "several"])
def test_figures_can_be_asked_for_while_asyncio_reads(ring: str, reader: str) -> None:
    assert run(LOOKED_AT_WITHIN_ASYNCIO, ring, reader) == "done\n"


def test_a_writer_that_is_being_closed_is_written_to_no_more(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library lets other threads run while it takes a ring down."""
    monkeypatch.setattr(writing, "_write_at_once", lambda *_: pytest.fail("it was called"))
    refused: list[HandleClosed] = []

    class Slow(Producer):
        def _destroy(self) -> None:
            with pytest.raises(HandleClosed) as error:
                self.write(b"x")
            refused.append(error.value)
            super()._destroy()

    Slow(ring).close()
    assert len(refused) == 1
