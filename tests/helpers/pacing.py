# SPDX-License-Identifier: Apache-2.0
"""A producer that keeps step with one reader, beside readers that do not."""

import threading
from collections.abc import Callable

from vshm import TIMEOUT_S, payload
from writers import SHARED_MEMORY, wait_until

from vshm_ctypes import Consumer, Producer, inspect


class Pacing:
    """Writes large frames, each after its own reader has read the one before, so that this reader loses none.

    unit: returns the access unit of a number.
    """

    def __init__(self, ring: str, unit: Callable[[int], bytes] = lambda number: payload(number, 60_000)) -> None:
        self._ring = ring
        self._unit = unit
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.missed_by_other = -1

    def _run(self) -> None:
        with Producer(self._ring) as producer, Consumer(self._ring) as other:
            number = 0
            while not self._over.wait(0.001):
                producer.write(self._unit(number), keyframe=number % 10 == 0, width=64, height=48)
                frame = other.receive(TIMEOUT_S)
                assert frame is not None
                assert frame.number == number
                number += 1
            self.missed_by_other = other.info().missed

    def __enter__(self) -> "Pacing":
        self._thread.start()
        wait_until(lambda: (SHARED_MEMORY / self._ring[1:]).exists() and inspect(self._ring).frames > 0, "it writes")
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
