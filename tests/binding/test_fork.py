# SPDX-License-Identifier: Apache-2.0
"""Forked and spawned children: they neither corrupt their parent's writer nor keep it alive."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
from typing import Any

import pytest
from children import running
from writers import SHARED_MEMORY, wait_until

from vshm_ctypes import Consumer, HandleClosed, Interrupted, Producer, State, inspect

FRAMES = 20
# A writer that forks a child, tells its pid, and writes until it is killed.
FORKS = """
import os, sys, time
from vshm_ctypes import Producer
producer = Producer(sys.argv[1])
producer.write(b"x")
pid = os.fork()
if pid == 0:
    time.sleep(60)
    os._exit(0)
print(pid, flush=True)
while True:
    producer.write(b"x")
    time.sleep(0.01)
"""


def _use_the_parents_producer(producer: Producer, answers: "multiprocessing.queues.Queue[str]") -> None:
    for call in (lambda: producer.write(b"child"), producer.reserve, producer.info):
        try:
            call()
            answers.put("it worked")
        except HandleClosed as error:
            answers.put(str(error))
    producer.close()
    answers.put("closed")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_can_neither_write_nor_close_its_parents_ring(ring: str) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    with Producer(ring) as producer, Consumer(ring) as stream:
        producer.write(b"before")
        child = context.Process(target=_use_the_parents_producer, args=(producer, answers))
        child.start()
        told = [answers.get(timeout=60) for _ in range(4)]
        child.join(60)
        assert child.exitcode == 0
        assert ["open another one" in answer for answer in told] == [True, True, True, False]
        assert producer.write(b"after")
        assert [frame.data for _ in range(2) if (frame := stream.receive(timeout=10))] == [b"before", b"after"]
        assert inspect(ring).state == State.LIVE
    assert not (SHARED_MEMORY / ring[1:]).exists()


def test_a_forked_child_does_not_keep_a_dead_writers_ring_alive(ring: str) -> None:
    with running(FORKS, ring) as writer:
        writer.kill()
        writer.wait(60)
        wait_until(lambda: inspect(ring).state == State.DEAD, "the death shows")
        with Producer(ring) as successor:
            assert successor.write(b"y")


def _read(ring: str, answers: "multiprocessing.queues.Queue[int]") -> None:
    with Consumer(ring) as stream:
        answers.put(-1)
        for frame in stream:
            answers.put(frame.data[0])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    "context", [multiprocessing.get_context("fork"), multiprocessing.get_context("spawn")], ids=["fork", "spawn"]
)
def test_children_of_multiprocessing_read_their_parents_frames(ring: str, context: Any) -> None:
    answers = context.Queue()
    with Producer(ring) as producer:
        children = [context.Process(target=_read, args=(ring, answers)) for _ in range(2)]
        for child in children:
            child.start()
        assert [answers.get(timeout=60) for _ in children] == [-1, -1]
        for number in range(FRAMES):
            producer.write(bytes([number]))
        received = sorted(answers.get(timeout=60) for _ in range(2 * FRAMES))
    assert received == sorted(2 * list(range(FRAMES)))
    for child in children:
        child.join(60)
        assert child.exitcode == 0


def test_a_fork_while_another_thread_waits_does_not_hang_the_child(ring: str) -> None:
    with Producer(ring), Consumer(ring) as stream:

        def wait() -> None:
            with contextlib.suppress(Interrupted):
                stream.receive(timeout=60)

        waiting = threading.Thread(target=wait)
        waiting.start()
        wait_until(lambda: stream._lock.acquire(blocking=False) is False, "the thread waits")
        pid = os.fork()
        if pid == 0:  # the lock is held by a thread that does not exist here
            signal.alarm(30)
            stream.close()
            os._exit(0 if stream.closed else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        stream.interrupt()
        waiting.join(60)


def test_a_handle_can_not_be_pickled_and_says_what_to_do(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        for handle in (producer, stream):
            with pytest.raises(
                TypeError, match=f"pass '{ring}', and open a {type(handle).__name__} in the other process"
            ):
                pickle.dumps(handle)
