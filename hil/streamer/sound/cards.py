# SPDX-License-Identifier: Apache-2.0
"""Keeps to the sound card that a microphone's name led to at first, whatever its number and its id are now."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from ..log import LOG
from ..sources import identity
from ..sources.devices import DeviceInfo
from ..sources.keeper import KEEP_S, Keeper

# hw:1,0 or plughw:CARD=Camera,DEV=0: ALSA takes a card's number or its id, which depends on the cards that came before.
_OF_CARD = re.compile(r"(\w+:(?:CARD=)?)([^,=:'\"]+)((?:,.*)?)")


def node_of(number: int) -> Path:
    """Return the path of a card's control node."""
    return Path(f"/dev/snd/controlC{number}")


def sound_cards() -> list[DeviceInfo]:
    """Return the sound cards that are there, by number. Each has the path of its control node, and its id."""
    folders = (identity.SYSFS / "class/sound").glob("card*")
    numbers = sorted(int(folder.name[4:]) for folder in folders if folder.name[4:].isdecimal())
    return [_card(number, identity.SYSFS / f"class/sound/card{number}") for number in numbers]


def _card(number: int, folder: Path) -> DeviceInfo:
    who = identity.identify_node(folder)
    driver = Path(os.path.realpath(folder / "device/driver")).name
    bus = Path(who.port).name
    return DeviceInfo(node_of(number), driver, identity.text_of(folder / "id"), bus, captures=True, identity=who)


class KeptCard:
    """A microphone by ALSA's name. Once it has recorded, its card is kept to; names that tell no card stay as they are.

    keep_s: how long it may be gone before another card with its id is taken, where it was named by that.
    """

    def __init__(self, name: str, keep_s: float = KEEP_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._keep_s, self._clock = name, keep_s, clock
        self._parts = _OF_CARD.fullmatch(name)
        self._keeper: Keeper | None = None
        self._first: Path | None = None  # the node of the card that the name led to at first
        self._now: DeviceInfo | None = None

    def name(self) -> str:
        """Return the name by which it is recorded now. Raises SourceError if its card is gone."""
        if self._keeper is None or self._parts is None:
            return self._name
        (card, *_), said = self._keeper.candidates(sound_cards())
        for line in said:
            LOG.info("%s", line)
        self._now = card
        if card.path == self._first:
            return self._name
        before, _, behind = self._parts.groups()
        return f"{before}{card.path.name.removeprefix('controlC')}{behind}"

    def began(self) -> None:
        """Note that it has begun to record, by the name that was returned last."""
        there = sound_cards()
        if self._keeper is None:
            self._keep_to_first(there)
        elif self._now is not None:
            self._keeper.began(self._now, there)

    def _keep_to_first(self, there: list[DeviceInfo]) -> None:
        word = self._parts[2] if self._parts is not None else ""
        path = node_of(int(word)) if word.isdecimal() else None
        found = [card for card in there if card.path == path or (path is None and card.card == word)]
        if len(found) == 1:
            self._keeper = Keeper(word if path is None else str(path), self._keep_s, self._clock)
            self._first, self._now = found[0].path, found[0]
            self._keeper.began(found[0], there)

    def records(self) -> None:
        """Note that sound comes."""
        if self._keeper is not None:
            self._keeper.streams()
