# SPDX-License-Identifier: Apache-2.0
"""A ring that a program leaves open is closed at its regular end, also beside threads that nobody waits for."""

import subprocess

import pytest
from children import running
from writers import SHARED_MEMORY

from vshm_ctypes import Consumer, ProducerClosed, State, inspect

# One thread is nearly always within a call, another one keeps all objects from being collected.
BESIDE_THREADS = """
import atexit, sys, threading, time
from vshm_ctypes import Producer
ring = Producer(sys.argv[1], slots=64, slot_size=1 << 20)
def stream():
    while True:
        ring.write(bytes(600_000))
for run in (stream, lambda: time.sleep(600)):
    threading.Thread(target=run, daemon=True).start()
atexit.register(lambda: print(ring.write(b"last words") in (True, False)))
print("ready", flush=True)
sys.stdin.read()
"""
FORKS = """
import os, sys, warnings
from vshm_ctypes import Producer
warnings.simplefilter("always")
ring = Producer(sys.argv[1])
if os.fork() == 0:
    sys.exit()
os.wait()
print("ready", flush=True)
sys.stdin.read()
"""


def test_it_is_closed_beside_daemon_threads_once_the_programs_own_handlers_have_run(ring: str) -> None:
    with running(BESIDE_THREADS, ring, errors=subprocess.PIPE) as process, Consumer(ring) as stream:
        told, errors = process.communicate("", timeout=60)
        assert (process.returncode, told, errors) == (0, "True\n", "")  # no thread says that its ring was closed
        with pytest.raises(ProducerClosed):
            while stream.receive(10) is not None:
                pass
    assert not (SHARED_MEMORY / ring[1:]).exists()


def test_who_opened_it_closes_it_and_warns_and_a_forked_child_does_neither(ring: str) -> None:
    with running(FORKS, ring, errors=subprocess.PIPE) as process:
        assert inspect(ring).state is State.LIVE
        _, errors = process.communicate("", timeout=60)
    assert errors.count("was never closed") == 1
    assert not (SHARED_MEMORY / ring[1:]).exists()
