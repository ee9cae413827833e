# SPDX-License-Identifier: Apache-2.0
"""asyncio for Consumer: its blocking wait in a thread of its own, which ends with the wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from .errors import ProducerClosed

if TYPE_CHECKING:
    from .consumer import Consumer
    from .frame import Frame


async def _in_thread(consumer: Consumer, timeout: float | None, executor: ThreadPoolExecutor) -> Frame | None:
    future: Future[Frame | None] = executor.submit(consumer.receive, timeout)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        while not future.done():  # the thread may not have begun its wait when it is interrupted
            consumer.interrupt()
            await asyncio.sleep(0.005)
        consumer._interrupted = False
        if future.exception() is None:
            consumer._unclaimed = future.result()  # it came together with the cancellation: the next wait gets it
        raise


async def receive(consumer: Consumer, timeout: float | None) -> Frame | None:
    """One frame, or None after timeout seconds."""
    with ThreadPoolExecutor(1, "vshm-wait") as executor:
        return await _in_thread(consumer, timeout, executor)


async def frames(consumer: Consumer) -> AsyncIterator[Frame]:
    """Frames until the producer closes the ring."""
    with ThreadPoolExecutor(1, "vshm-wait") as executor:
        try:
            while True:
                frame = await _in_thread(consumer, None, executor)
                if frame is not None:
                    yield frame
        except ProducerClosed:
            return
