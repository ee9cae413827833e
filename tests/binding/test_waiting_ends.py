# SPDX-License-Identifier: Apache-2.0
"""However a wait on a silent ring ends, its thread ends too, no frame is lost, and no interpreter is held up."""

import pytest
from children import run

BEGIN = """
import asyncio, gc, os, signal, sys, threading, time
from vshm_ctypes import Consumer, Producer, sync

producer, stream = Producer(sys.argv[1]), Consumer(sys.argv[1])

def waits():  # a thread is in the wait, and holds the consumer
    while stream._lock.acquire(blocking=False):
        stream._lock.release()
        time.sleep(0.001)

def over():
    while any(thread.name == "vshm-wait" for thread in threading.enumerate()):
        time.sleep(0.001)

def alone(coroutine):  # as far as it goes
    loop = asyncio.new_event_loop()
    task = loop.create_task(coroutine)
    loop.run_until_complete(asyncio.sleep(0.01))
    waits()
    return loop, task

def interrupt():
    waits()
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

async def first(frames):
    return [frame async for frame in frames]

"""
# Each ends a wait, and proves that the next frame comes to the next wait.
ENDED = {
    "coroutine closed": """
async def main():
    coroutine = stream.wait_async()
    coroutine.send(None)  # its turn for others
    coroutine.send(None)
    waits()
    coroutine.close()
asyncio.run(main())
""",
    "loop closed": """
loop, task = alone(stream.wait_async())
loop.close()
del loop, task
gc.collect()
""",
    "loop closed after Ctrl-C": """
threading.Thread(target=interrupt).start()
loop = asyncio.new_event_loop()
task = loop.create_task(stream.wait_async())
try:
    loop.run_forever()
except KeyboardInterrupt:
    loop.close()
del loop, task
gc.collect()
""",
    "run interrupted": """
threading.Thread(target=interrupt).start()
try:
    asyncio.run(stream.wait_async())
except KeyboardInterrupt:
    pass
""",
    "task collected": """
loop, task = alone(stream.wait_async())
del task
gc.collect()
over()
loop.close()
""",
    "iteration collected": """
loop, task = alone(first(stream.aiter()))
del task
gc.collect()
over()
loop.close()
""",
    "iteration outlives its loop": """
frames = stream.aiter()
loop, task = alone(first(frames))
loop.close()
del loop, task, frames
gc.collect()
""",
    "cancelled while another thread waits": """
waiting = threading.Thread(target=stream.receive, args=[1.0])
waiting.start()
waits()
async def main():
    try:
        await asyncio.wait_for(stream.wait_async(), 0.01)
    except TimeoutError:
        pass
asyncio.run(main())
waiting.join()
""",
}
GOES_ON = """
over()
producer.write(b"x")
assert stream.receive(60).data == b"x"
stream.close()
producer.close()
print("whole")
"""
# Each leaves a wait behind, and comes to the interpreter's end.
LEFT = {
    "pending task": "alone(stream.wait_async())",
    "pending iteration": "loop, task = alone(first(stream.aiter()))",
    "loop stopped": """
loop = asyncio.new_event_loop()
task = loop.create_task(stream.wait_async())
threading.Thread(target=lambda: (waits(), loop.call_soon_threadsafe(loop.stop))).start()
loop.run_forever()
""",
    "exit in another thread": """
loop, task = alone(stream.wait_async())
threading.Thread(target=sys.exit).start()
""",
    "exit in a task": """
async def main():
    waiting = asyncio.create_task(stream.wait_async())
    await asyncio.sleep(0.01)
    sys.exit()
try:
    asyncio.run(main())
except SystemExit:
    pass
""",
    "forked child": """
loop, task = alone(stream.wait_async())
if (pid := os.fork()) == 0:
    del loop, task
    gc.collect()
    sys.exit()
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
""",
    "daemon thread": """
threading.Thread(target=stream.receive, daemon=True).start()
waits()
""",
    "daemon thread, closed at exit": """
import atexit, contextlib
from vshm_ctypes import HandleClosed
def read():
    with contextlib.suppress(HandleClosed):
        stream.receive()
threading.Thread(target=read, daemon=True).start()
waits()
atexit.register(stream.close)
""",
    "daemon thread, closed by the interpreter": """
def held():
    with stream:
        yield
half_run = held()
next(half_run)
threading.Thread(target=stream.receive, daemon=True).start()
waits()
""",
    "daemon thread that writes, closed by the interpreter": """
import collections, itertools
def held():
    with producer:
        yield
half_run = held()
next(half_run)
for _ in range(3):  # with no function of this module, whose names would else outlive it
    writes = map(producer.write, itertools.repeat(bytes(100_000)))
    threading.Thread(target=collections.deque, args=[writes, 0], daemon=True).start()
time.sleep(0.05)
""",
    "synchronised": """
together = sync(stream, Consumer(sys.argv[1]))
threading.Thread(target=next, args=[together], daemon=True).start()
waits()
""",
    "Ctrl-C while threads are waited for": """
def interrupt_the_end():
    while threading.main_thread().is_alive():
        time.sleep(0.001)
    interrupt()
threading.Thread(target=stream.receive).start()
threading.Thread(target=interrupt_the_end).start()
""",
}


@pytest.mark.parametrize("program", ENDED.values(), ids=ENDED)
def test_a_wait_that_ends_otherwise_is_over(ring: str, program: str) -> None:
    assert run(BEGIN + program + GOES_ON, ring) == "whole\n"


@pytest.mark.parametrize("program", LEFT.values(), ids=LEFT)
def test_a_wait_does_not_hold_up_the_end_of_an_interpreter(ring: str, program: str) -> None:
    assert run(BEGIN + program + '\nprint("last line", flush=True)\n', ring) == "last line\n"
