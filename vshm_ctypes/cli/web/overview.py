# SPDX-License-Identifier: Apache-2.0
"""All rings, their readers, and the board: one look a second for all browsers, and none while there is no browser."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from ...frame import Media
from ...inspect import list_rings
from ...machine import Machine, Throttling
from ...machine import look as look_at_machine
from ...published import list_published
from ..list import listed, ring_json
from ..output import plain
from ..survey import Survey

EVERY_S = 1.0


def _board(machine: Machine) -> dict[str, Any]:
    told: dict[str, Any] = plain(machine)
    flags = [
        flag.name.lower().replace("_", " ") for flag in Throttling if flag.name and flag & (machine.throttling or 0)
    ]
    return told | {"throttling": flags if machine.throttling is not None else None}


def _media(ring: Survey) -> Media:
    """By its newest frame where the ring does not tell, as none of version 1 does."""
    return Media.AUDIO if ring.audio is not None or ring.info.media == Media.AUDIO else Media.VIDEO


def look() -> str:
    """As the page takes it; takes EVERY_S."""
    names = list(list_rings())
    if not names:
        time.sleep(EVERY_S)
    rings, users = listed(names, EVERY_S)
    published = list_published()
    told = []
    for ring in rings:
        own = {reader.pid: reader for reader in published if reader.inode == ring.survey.info.inode and reader.alive}
        readers = [
            {"pid": one.pid, "name": one.name}
            | ({"received": own[one.pid].received, "missed": own[one.pid].missed} if one.pid in own else {})
            for one in ring.readers
        ]
        told.append(ring_json(ring) | {"media": _media(ring.survey), "readers": readers})
    message = {"type": "overview", "rings": told, "board": _board(look_at_machine()), "hidden": users.hidden}
    return json.dumps(plain(message))


class Overview:
    """Hands the same look to all who wait for the next one."""

    def __init__(self) -> None:
        self._look: asyncio.Task[str] | None = None

    async def next(self) -> str:
        """The next one."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(asyncio.to_thread(look))
        return await asyncio.shield(self._look)
