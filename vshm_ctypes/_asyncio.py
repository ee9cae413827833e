# SPDX-License-Identifier: Apache-2.0
"""asyncio for Consumer: its blocking wait in a thread of its own, which ends with the wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from .errors import ProducerClosed, ProducerDied
from .frame import Frame


class Waiting(Protocol):
    """What a Consumer is, seen from here."""

    def receive(self, timeout: float | None) -> Frame | None:
        """Wait, in whichever thread calls it."""

    def interrupt(self) -> None:
        """End the wait under way, or else the next one."""

    def _resume(self, unclaimed: Frame | ProducerDied | None) -> None:
        """Forget an interruption; what came together with it, and comes but once, is for the next wait."""


async def _in_thread(consumer: Waiting, timeout: float | None, executor: ThreadPoolExecutor) -> Frame | None:
    future: Future[Frame | None] = executor.submit(consumer.receive, timeout)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        while not future.done():  # the thread may not have begun its wait when it is interrupted
            consumer.interrupt()
            with contextlib.suppress(asyncio.CancelledError):  # being cancelled twice is no different
                await asyncio.sleep(0.005)
        error = future.exception()
        consumer._resume(future.result() if error is None else error if isinstance(error, ProducerDied) else None)
        raise


async def receive(consumer: Waiting, timeout: float | None) -> Frame | None:
    """One frame, or None after timeout seconds."""
    with ThreadPoolExecutor(1, "vshm-wait") as executor:
        return await _in_thread(consumer, timeout, executor)


async def frames(consumer: Waiting) -> AsyncIterator[Frame]:
    """Frames until the producer closes the ring."""
    with ThreadPoolExecutor(1, "vshm-wait") as executor:
        try:
            while True:
                frame = await _in_thread(consumer, None, executor)
                if frame is not None:
                    yield frame
        except ProducerClosed:
            return
