# SPDX-License-Identifier: Apache-2.0
"""A logger is a stranger's code: it forks, closes, opens, logs and raises; no call is lost by it, and nobody hangs."""

import pytest
from children import run

BEGIN = """
import logging, os, signal, sys, threading, time
from vshm_ctypes import Consumer, HandleClosed, Producer, log_to

heard = []

def in_thread(act):
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()

def fork():
    if (pid := os.fork()) == 0:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

def use_another():
    with Producer(sys.argv[1] + "_other") as other, Consumer(sys.argv[1] + "_other") as stream:
        assert other.write(b"y")
        assert stream.receive(60).data == b"y"

def lose_another():
    with Producer(sys.argv[1] + "_lost") as other:
        os.unlink("/dev/shm" + sys.argv[1] + "_lost")
        time.sleep(0.6)  # the library looks at the name every half second
        assert other.write(b"z")

def throw(error):
    raise error

class Handler(logging.Handler):
    def emit(self, record):
        heard.append(record.getMessage())
        if len(heard) == 1:
            act()

logger = logging.getLogger("camera")
logger.setLevel(logging.INFO)
logger.addHandler(Handler())
logger.propagate = False
log_to(logger)

producer = Producer(sys.argv[1])
def lose():
    os.unlink("/dev/shm" + sys.argv[1])
    time.sleep(0.6)

def write():
    assert producer.write(b"first")

def commit():
    with producer.reserve() as slot:
        slot.data[:5] = b"first"
        slot.commit(5)

def goes_on():
    assert producer.write(b"x")
    with Consumer(sys.argv[1], start="newest") as stream:
        assert stream.receive(60).data == b"x"
    producer.close()
    print(len(heard))
"""
ACTS = {
    "forks": "act = fork",
    "forks in a thread": "act = lambda: in_thread(fork)",
    "opens and closes": "act = use_another",
    "opens and closes in a thread": "act = lambda: in_thread(use_another)",
    "writes into the ring that it hears of": "act = lambda: producer.write(b'again')",
    "looks at the ring that it hears of": "act = lambda: producer.info()",
    "sets another logger": "act = lambda: log_to(logging.getLogger('other'))",
    "raises": "act = lambda: throw(ValueError('no such handler'))",
    "is signalled": "signal.signal(signal.SIGALRM, lambda *_: fork()); act = lambda: signal.raise_signal(14)",
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("call", ["write", "commit"])
def test_a_logger_may_do_anything(ring: str, act: str, call: str) -> None:
    assert run(f"{BEGIN}\n{act}\nlose()\n{call}()\ngoes_on()", ring) == "1\n"


def test_a_logger_may_lose_another_ring_meanwhile(ring: str) -> None:
    """It is called from within itself."""
    assert run(f"{BEGIN}\nact = lose_another\nlose()\nwrite()\ngoes_on()", ring) == "2\n"


@pytest.mark.parametrize("call", ["write", "commit"])
def test_a_logger_may_close_the_ring_that_it_hears_of(ring: str, call: str) -> None:
    program = f"""
act = lambda: producer.close()
lose()
try:
    {call}()
    {call}()
except HandleClosed:
    print("closed")
"""
    assert run(BEGIN + program, ring) == "closed\n"


@pytest.mark.parametrize("call", ["write", "commit"])
def test_another_thread_may_close_the_ring_while_a_logger_hears_of_it(ring: str, call: str) -> None:
    program = f"""
closing = threading.Thread(target=producer.close)
act = lambda: (closing.start(), time.sleep(0.2))
lose()
{call}()
closing.join()
print(producer.closed)
"""
    assert run(BEGIN + program, ring) == "True\n"


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
@pytest.mark.parametrize("call", ["write", "commit"])
def test_what_is_to_end_a_program_ends_it(ring: str, error: str, call: str) -> None:
    """C can't hand an exception on: it would be printed, and forgotten."""
    program = f"""
act = lambda: throw({error})
lose()
try:
    {call}()
except {error}:
    print("raised")
producer.close()
"""
    assert run(BEGIN + program, ring) == "raised\n"


def test_an_interpreter_that_ends_hears_no_more(ring: str) -> None:
    """Finalisers run when most of Python is gone already."""
    program = """
import builtins
class Late:
    def __init__(self):
        self.producer = producer
    def __del__(self):
        self.producer.write(b"late")
act = fork
lose()
builtins.late = Late()
builtins.kept = [heard]
print(len(heard))
"""
    assert run(BEGIN + program, ring) == "0\n"
