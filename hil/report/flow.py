# SPDX-License-Identifier: Apache-2.0
"""Draws the frame book as a flow: from the camera through the encoder into the ring, and on to each consumer."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from .figures import digits

WIDTH = 420.0
TOP = 40.0
BAR = 8.0
STAGE_STEP = 68.0
LEFT = 6.0
ROWS_AT, ROWS_WIDTH = 276.0, 138.0
ROW_STEP, ROW_HEIGHT = 34.0, 10.0
HEIGHT_MIN = 96.0
LOSS_STEP = 16.0

STAGES = (("camera", "camera"), ("captured", "captured"), ("encoded", "encoded"), ("written", "in the ring"))
# After which stage, its name in the accounts, and its label.
LOSSES = (  # the last stage first, so that no line crosses another's words
    (2, "ring_dropped", "dropped: the ring was busy"),
    (2, "refused", "too large for a slot"),
    (1, "in_flight", "on their way at the end"),
    (1, "encoder_dropped", "gave way to newer ones"),
    (1, "source_error", "flagged by the driver"),
    (0, "merged", "with the frame id of the one before"),
    (0, "outside", "sent before the first or after the last"),
    (0, "camera_gaps", "left out by the driver"),
)
FATES = ("received", "skipped", "missed", "absent")


@dataclass(frozen=True, slots=True)
class Stage:
    """A bar for what came so far."""

    x: float
    height: float
    name: str
    count: str


@dataclass(frozen=True, slots=True)
class Loss:
    """What left the flow after a stage: a line down from it, and its label."""

    x: float
    y: float
    begin_y: float
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a consumer's bar."""

    fate: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Reader:
    """A consumer: the position of its bar, its parts, and its label."""

    y: float
    parts: list[Part]
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole chart. ribbons: the paths between stages, and from the ring to each consumer."""

    height: float
    stages: list[Stage]
    losses: list[Loss]
    readers: list[Reader]
    ribbons: list[str]


def flow(book: dict[str, Any]) -> Flow:
    """Return the chart of a run's frame book."""
    camera = book.get("camera") or {
        "outside": 0,
        "merged": 0,
    }  # its own books, if it keeps any: then the flow begins with them
    gaps = camera.get("lost", book["camera_gaps"] or 0)
    writer = book["writer"] | {"outside": camera["outside"], "merged": camera["merged"], "camera_gaps": gaps}
    begin = camera.get("sent", writer["captured"] + writer["camera_gaps"])
    counts = [begin, *(writer[name] for name, _ in STAGES[1:])]
    body = max(HEIGHT_MIN, len(book["consumers"]) * ROW_STEP)
    scale = body / max(*counts, 1)
    stages = [
        Stage(LEFT + number * STAGE_STEP, round(count * scale, 1), title, digits(count))
        for number, ((_, title), count) in enumerate(zip(STAGES, counts, strict=True))
    ]
    ribbons = [
        _ribbon(left.x + BAR, TOP, TOP + right.height, right.x, TOP, TOP + right.height)
        for left, right in itertools.pairwise(stages)
    ]
    losses = _losses(writer, stages, TOP + body)
    readers = [
        _reader(consumer, writer["written"], TOP + number * ROW_STEP)
        for number, consumer in enumerate(book["consumers"])
    ]
    ring = stages[-1]
    for number, reader in enumerate(readers):
        slice_height = ring.height / len(readers)
        begin = TOP + number * slice_height
        ends = (reader.y, reader.y + ROW_HEIGHT)
        ribbons.append(_ribbon(ring.x + BAR, begin, begin + slice_height, ROWS_AT, *ends))
    return Flow(TOP + body + len(losses) * LOSS_STEP + 12, stages, losses, readers, ribbons)


def _losses(writer: dict[str, int], stages: list[Stage], bottom: float) -> list[Loss]:
    found = [(at, writer[name], words) for at, name, words in LOSSES if writer[name]]
    return [
        Loss(stages[at].x + BAR / 2, bottom + number * LOSS_STEP, TOP + stages[at].height, f"{digits(count)} {words}")
        for number, (at, count, words) in enumerate(found, 1)
    ]


def fates(consumer: dict[str, Any], written: int) -> dict[str, int]:
    """Return what became of all written frames for one consumer. absent: written before it came or after it left."""
    counts = {fate: consumer[fate] for fate in FATES[:-1]}
    return counts | {"absent": max(written - sum(counts.values()), 0)}


def _reader(consumer: dict[str, Any], written: int, top: float) -> Reader:
    y = top + ROW_STEP - ROW_HEIGHT - 8
    counts = fates(consumer, written)
    whole = max(sum(counts.values()), 1)
    parts, x = [], ROWS_AT
    for fate, count in counts.items():
        width = ROWS_WIDTH * count / whole
        if count:
            width = max(width, 2.0)  # so that one lost frame among thousands is visible
            x = min(x, ROWS_AT + ROWS_WIDTH - width)
            parts.append(Part(fate, round(x, 1), round(width, 1)))
        x += width
    text = ", ".join(f"{digits(count)} {fate}" for fate, count in counts.items() if count) or "nothing"
    return Reader(y, parts, consumer["name"], text)


def _ribbon(x1: float, top1: float, bottom1: float, x2: float, top2: float, bottom2: float) -> str:
    middle = (x1 + x2) / 2
    there = f"M{x1:g},{top1:.1f} C{middle:g},{top1:.1f} {middle:g},{top2:.1f} {x2:g},{top2:.1f}"
    back = f"L{x2:g},{bottom2:.1f} C{middle:g},{bottom2:.1f} {middle:g},{bottom1:.1f} {x1:g},{bottom1:.1f} Z"
    return f"{there} {back}"
