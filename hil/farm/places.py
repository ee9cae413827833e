# SPDX-License-Identifier: Apache-2.0
"""Reads the boards of a farm from labgrid's environment file, in which each target is a place with SSH."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labgrid import Environment

DEFAULT_COORDINATOR = "127.0.0.1:20408"  # labgrid's default
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")  # of a folder here, and of one on the board


class FarmError(ValueError):
    """The file can't be used, or labgrid refuses a place. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place. target: its name in the file. place: its name at the coordinator."""

    target: str
    place: str


@dataclass(frozen=True, slots=True)
class Farm:
    """A farm. coordinator: HOST:PORT."""

    file: Path
    coordinator: str
    places: tuple[Place, ...]


def environment_of(file: Path) -> Environment:
    """Return the file as a labgrid environment. Raises FarmError."""
    try:
        from labgrid import Environment
    except ImportError:
        raise FarmError("labgrid is not installed: pip install 'video-shm[farm]'") from None
    from labgrid.exceptions import InvalidConfigError

    try:
        return Environment(str(file))
    except (InvalidConfigError, OSError) as error:
        raise FarmError(f"{file}: {error}") from None


def read_farm(file: Path) -> Farm:
    """Return all places of the file. Raises FarmError."""
    config = environment_of(file).config
    targets = config.get_targets()
    if not targets:
        raise FarmError(f"{file}: no targets in it: add one for each board")
    coordinator = os.environ.get("LG_COORDINATOR") or config.get_option("coordinator_address", DEFAULT_COORDINATOR)
    places = tuple(Place(name, _place_of(file, name, target)) for name, target in targets.items())
    taken = [place.place for place in places]
    if len(set(taken)) < len(taken):
        raise FarmError(f"{file}: two targets have the same place, and would wait for each other: give each its own")
    return Farm(file, coordinator, places)


def _place_of(file: Path, name: str, target: dict[str, Any]) -> str:
    from labgrid.factory import target_factory

    resources, drivers = target_factory.normalize_config(target)
    places = list(resources.get("RemotePlace", {}))
    if len(places) != 1 or "SSHDriver" not in drivers:
        raise FarmError(f"{file}: target {name} needs one RemotePlace among its resources, and the driver SSHDriver")
    for text in (name, places[0]):
        if not _NAME.fullmatch(text):
            raise FarmError(
                f"{file}: {text!r}: the name of a target or place may have only letters, digits, - _ and . in it"
            )
    return str(places[0])
