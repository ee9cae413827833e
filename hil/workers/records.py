# SPDX-License-Identifier: Apache-2.0
"""What workers recorded, as arrays with one element per access unit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from hil.streamer.ledger import Record

from . import tape

Records = NDArray[Any]

_TAPE = numpy.dtype(
    [
        ("number", "<u8"),
        ("time_ns", "<u8"),
        ("publish_ns", "<u8"),
        ("capture_ns", "<u8"),
        ("size", "<u4"),
        ("crc32", "<u4"),
        ("flags", "<u4"),
        ("kind", "<u4"),
    ]
)
RESULTS = ("written", "refused", "ring_dropped")  # by their kind on a tape
NO_NUMBER = -1

# Times are CLOCK_MONOTONIC in ns, 0 if unknown. number: the frame number, or NO_NUMBER if it did not get into the ring.
WRITTEN = numpy.dtype(
    [
        ("number", "i8"),
        ("v4l2_sequence", "i8"),
        ("capture_ns", "i8"),
        ("entry_ns", "i8"),
        ("size", "i8"),
        ("crc32", "u4"),
        ("result", "u1"),
    ]
)
RECEIVED = numpy.dtype(
    [
        ("number", "i8"),
        ("awake_ns", "i8"),
        ("publish_ns", "i8"),
        ("capture_ns", "i8"),
        ("size", "i8"),
        ("crc32", "u4"),
        ("keyframe", "?"),
        ("discontinuity", "?"),
    ]
)
EVENT = numpy.dtype([("at_ns", "i8"), ("error", "i4")])  # a wait that ended with an errno


def _decoded(data: bytes) -> Records:
    records = numpy.frombuffer(data, _TAPE)
    assert tape.RECORD.size == _TAPE.itemsize
    return records


def _copied(source: Records, into: numpy.dtype[Any], **renamed: str) -> Records:
    target = numpy.zeros(len(source), into)
    for name in into.names or ():
        origin = renamed.get(name, name)
        if origin in (source.dtype.names or ()):
            target[name] = source[origin].astype(into[name])
    return target


def written_on(data: bytes) -> Records:
    """Return a writer's tape as WRITTEN."""
    records = _decoded(data)
    written = _copied(records, WRITTEN, entry_ns="time_ns", result="kind")
    written["v4l2_sequence"] = -1
    return written


def received_on(data: bytes) -> tuple[Records, Records]:
    """Return a consumer's tape as RECEIVED and as EVENT."""
    records = _decoded(data)
    frames, events = (records[records["kind"] == kind] for kind in (tape.FRAME, tape.EVENT))
    received = _copied(frames, RECEIVED, awake_ns="time_ns")
    received["keyframe"] = frames["flags"] & tape.KEYFRAME != 0
    received["discontinuity"] = frames["flags"] & tape.DISCONTINUITY != 0
    return received, _copied(events, EVENT, at_ns="time_ns", error="size")


def written_in(ledger: Iterable[Record], ring: str) -> Records:
    """Return the records of that ring in camera-streamer's ledger as WRITTEN."""
    rows = [
        (
            record.number,
            record.v4l2_sequence,
            record.capture_ns,
            record.entry_ns,
            record.size,
            record.crc32,
            RESULTS.index(record.result),
        )
        for record in ledger
        if record.channel == ring
    ]
    return numpy.array(rows, WRITTEN)


def accepted(written: Records) -> Records:
    """Return those elements of WRITTEN that got into the ring."""
    in_ring: Records = written[written["result"] == 0]
    return in_ring


def save(received: Records, closing: dict[str, Any] | None, path: Path) -> None:
    """Save a consumer's ledger as JSON lines, the closing record last."""
    names = received.dtype.names or ()
    with path.open("w", encoding="ascii") as file:
        for row in received.tolist():
            print(json.dumps(dict(zip(names, row, strict=True))), file=file)
        if closing is not None:
            print(json.dumps(closing), file=file)
