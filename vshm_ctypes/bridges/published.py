# SPDX-License-Identifier: Apache-2.0
"""What the bridges of this machine publish, each in a small shared memory object of its own.

A bridge has one object, /dev/shm/vshm_bridge_PID_RANDOM, with its figures as JSON, which it writes at most four times a
second. It holds a lock on it as long as it lives. Anybody may make such an object, so nothing in it is trusted: its
size, the types and the ranges of all values are checked, and text is made printable.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any

from ..leases import Leases
from ..printable import printable
from ..processes import is_gone
from ..published import read_shared_record
from ..rings import DIRECTORY
from .figures import BridgeFigures, Cause, Link, StreamFigures

PREFIX = "vshm_bridge_"
NAME = re.compile(rf"{PREFIX}[0-9]+_\w+", re.ASCII)
MAGIC = b"VSHMBRDG"
VERSION = 1
SIZE = 16384
HEAD = Struct("<8sIIQQQQI")  # magic, version, pid, start, namespace, update, updated_ns, bytes of text
MOST_TEXT = SIZE - HEAD.size - 8
MOST_STREAMS = 32
LONGEST = 512  # letters of a text
_MOST = 2**64 - 1


@dataclass(frozen=True, slots=True)
class PublishedBridge:
    """A bridge of this machine.

    Attributes:
        path: the object that its figures were read from.
        pid: its pid in its own pid namespace.
        figures: as it told them last.
        updated_ns: when it did, ns of CLOCK_MONOTONIC.
        alive: whether its process still runs.
    """

    path: Path
    pid: int
    figures: BridgeFigures
    updated_ns: int
    alive: bool


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError("no text")
    return printable(value)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError("no count")
    return value


def _milliseconds(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < 1e12:
        raise ValueError("no time")
    return float(value)


def _stream(told: Any) -> StreamFigures:
    counts = {name: _count(told[name]) for name in ("received", "missed", "skipped", "sent", "sent_bytes", "pending")}
    dropped = {Cause(cause): _count(count) for cause, count in dict(told["dropped"]).items()}
    p50_ms, p99_ms = _milliseconds(told["p50_ms"]), _milliseconds(told["p99_ms"])
    return StreamFigures(ring=_text(told["ring"]), dropped=dropped, p50_ms=p50_ms, p99_ms=p99_ms, **counts)


def parse(text: bytes) -> BridgeFigures | None:
    """Return the figures that a bridge wrote, or None if it is anything else."""
    try:
        told = json.loads(text)
        streams = tuple(map(_stream, told["streams"][:MOST_STREAMS]))
        error = None if told["error"] is None else _text(told["error"])
        return BridgeFigures(
            _text(told["bridge"]), _text(told["far"]), Link(told["state"]), _count(told["reconnects"]), error, streams
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _read(path: Path, leases: Leases) -> PublishedBridge | None:
    found = read_shared_record(path, SIZE, leases)
    if found is None:
        return None
    content, _, held = found
    magic, version, pid, start, namespace, _, updated_ns, length = HEAD.unpack_from(content)
    if magic != MAGIC or version != VERSION:
        return None
    figures = parse(content[HEAD.size : HEAD.size + length])
    if figures is None:
        return None
    return PublishedBridge(path, pid, figures, updated_ns, held and not is_gone(pid, start, namespace))


def bridge_names() -> list[Path]:
    """Return all that bears the name of such an object, whatever it is."""
    return sorted(path for path in Path(DIRECTORY).glob(f"{PREFIX}*") if NAME.fullmatch(path.name))


def list_bridges() -> list[PublishedBridge]:
    """Return what the bridges of this machine publish, including those whose process is gone."""
    leases = Leases()
    found = [_read(path, leases) for path in bridge_names()]
    return [bridge for bridge in found if bridge is not None]
