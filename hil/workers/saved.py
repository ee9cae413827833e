# SPDX-License-Identifier: Apache-2.0
"""Finds out what a consumer received from the stream that it saved."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy

from .records import RECEIVED, Records, accepted

_FRAME = re.compile(r"^Frame seq=(\d+) size=(\d+) codec=\S+ type=([IP])-frame ", re.MULTILINE)
_END = re.compile(
    r"^total \d+, dropped \d+ \(.*\), missed (\d+) \(.*\), received (\d+)(?:, skipped (\d+))?$", re.MULTILINE
)


def printed_by_example(output: str, stream: bytes) -> tuple[Records, dict[str, Any] | None]:
    """Return the example consumer's lines, with the CRC-32 of each saved frame, and its closing figures or None."""
    lines = _FRAME.findall(output)
    received = numpy.zeros(len(lines), RECEIVED)
    at = 0
    for row, (number, size, kind) in zip(received, lines, strict=True):
        row["number"], row["size"], row["keyframe"] = int(number), int(size), kind == "I"
        row["crc32"] = zlib.crc32(stream[at : at + int(size)])
        at += int(size)
    ends = _END.findall(output)
    if not ends:
        return received, None
    missed, count, skipped = ends[-1]
    return received, {"received": int(count), "missed": int(missed), "skipped": int(skipped or 0)}


def found_in_stream(stream: bytes, written: Records) -> Records:
    """Return the frames of WRITTEN that a saved stream consists of, each searched for after the previous one.

    Bytes that belong to no frame end the search, as one frame of number NO_NUMBER with all the rest.
    """
    rows = []
    at = 0
    for frame in accepted(written):
        size = int(frame["size"])
        if at < len(stream) and zlib.crc32(stream[at : at + size]) == frame["crc32"]:
            rows.append((frame["number"], 0, 0, frame["capture_ns"], size, frame["crc32"], False, False))
            at += size
    if at < len(stream):
        rows.append((-1, 0, 0, 0, len(stream) - at, zlib.crc32(stream[at:]), False, False))
    return numpy.array(rows, RECEIVED)
