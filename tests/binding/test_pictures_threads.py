# SPDX-License-Identifier: Apache-2.0
"""Several threads read one Pictures, as a web server's do that each serve a client."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from coded_streams import BEGIN_NS, KINDS, PERIOD, put_all, units
from played import number_of
from writers import wait_until

from vshm_ctypes import HandleClosed, Pictures, Producer

THREADS = 4


@pytest.mark.parametrize("kind", ["h264", "h264 b", "h265", "jpeg"])
def test_each_picture_goes_whole_to_one_of_them(ring: str, kind: str) -> None:
    rounds = 5
    with Producer(ring, slots=rounds * PERIOD) as producer, Pictures(ring, policy="every") as pictures:
        for _ in range(rounds):
            put_all(producer, units(kind), KINDS[kind][0], BEGIN_NS)
        producer.close()
        with ThreadPoolExecutor(THREADS) as pool:
            shares = [pool.submit(lambda: [*pictures]) for _ in range(THREADS)]
            found = [picture for share in shares for picture in share.result()]
        books = pictures.books
    assert sorted(picture.number for picture in found) == [*range(rounds * PERIOD)]
    assert (books.returned, books.damaged, books.skipped) == (rounds * PERIOD, 0, 0)
    assert all(number_of(picture) == units(kind)[picture.number % PERIOD].number % 20 for picture in found)


@contextmanager
def another_waits(pictures: Pictures) -> Iterator[None]:
    """Let another thread wait for a picture during the block, which is to close them."""

    def wait() -> None:
        with suppress(HandleClosed):
            pictures.read()

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: not is_free(pictures), "it waits")
    yield
    thread.join()


def is_free(pictures: Pictures) -> bool:
    with pictures._turns.take(0) as came:
        return came


def test_who_waits_for_another_thread_waits_no_longer_than_it_said(ring: str) -> None:
    with Producer(ring), Pictures(ring) as pictures, another_waits(pictures):
        assert pictures.read(0) == (False, None)
        assert pictures.receive(0.05) is None
        pictures.close()
        with pytest.raises(HandleClosed):
            pictures.receive(10)


def test_a_child_does_not_wait_for_threads_of_its_parent(ring: str) -> None:
    with Producer(ring), Pictures(ring) as pictures, another_waits(pictures):
        child = os.fork()
        if child == 0:
            os._exit(0 if is_free(pictures) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        pictures.close()
