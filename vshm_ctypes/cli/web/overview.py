# SPDX-License-Identifier: Apache-2.0
"""The overview of all rings, readers and the board: measured once a second for all browsers together, on request."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from typing import Any

from ...commandline.output import plain, utf8_throughout
from ...frame import Media
from ...inspect import list_rings
from ...machine import Machine, Throttling, read_machine
from ...processes import Users
from ...published import PublishedConsumer, by_pid, list_published
from ..list import ListedRing, listed, ring_json
from ..survey import Survey
from .viewer import Counts

EVERY_S = 1.0


def _board(machine: Machine) -> dict[str, Any]:
    told: dict[str, Any] = plain(machine)
    flags = [
        flag.name.lower().replace("_", " ") for flag in Throttling if flag.name and flag & (machine.throttling or 0)
    ]
    return told | {"throttling": flags if machine.throttling is not None else None}


def _media(ring: Survey) -> Media:
    """Return the media kind; a version 1 ring does not say, so its newest frame decides."""
    return Media.AUDIO if ring.audio is not None or ring.info.media == Media.AUDIO else Media.VIDEO


def _readers(
    ring: ListedRing, users: Users, published: list[PublishedConsumer], viewers: list[Counts]
) -> list[dict[str, Any]]:
    """Return the readers, with their counters if they are published; this process is listed as its viewers."""
    own = by_pid(published, users, ring.survey.info.identity)
    told: list[dict[str, Any]] = []
    for process in ring.readers:
        one: dict[str, Any] = {"pid": process.pid, "name": process.name}
        if process.pid == os.getpid():
            told += [one | plain(viewer) for viewer in viewers if viewer.ring == ring.survey.name]
            continue
        counts = own.get(process.pid)
        if counts is not None:
            one |= {"received": counts.received, "missed": counts.missed, "skipped": counts.skipped}
        told.append(one)
    return told


def look(viewers: list[Counts]) -> str:
    """Measure for EVERY_S, and return the overview as JSON for the page."""
    names = list(list_rings())
    if not names:
        time.sleep(EVERY_S)
    rings, users = listed(names, EVERY_S)
    published = list_published()
    told = [
        ring_json(ring) | {"media": _media(ring.survey), "readers": _readers(ring, users, published, viewers)}
        for ring in rings
    ]
    message = {"type": "overview", "rings": told, "board": _board(read_machine()), "hidden": users.hidden}
    return json.dumps(utf8_throughout(plain(message)))


class Overview:
    """Shares each overview among all who wait for it. viewers returns the counters of the viewers."""

    def __init__(self, viewers: Callable[[], list[Counts]]) -> None:
        self._viewers = viewers
        self._look: asyncio.Task[str] | None = None

    async def next(self) -> str:
        """Return the next overview."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(asyncio.to_thread(look, self._viewers()))
        return await asyncio.shield(self._look)
