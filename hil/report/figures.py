# SPDX-License-Identifier: Apache-2.0
"""Formats figures as people read them, and as bars that show how near they are to their limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

LIMIT_AT = 75.0  # percent of a bar's width
LIMITS = (("at_most", "≤"), ("at_least", "≥"), ("exactly", "="))


def digits(value: float) -> str:
    """Return three significant digits, without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:,.0f}".replace(",", " ")
    places = max(2 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:.{min(places, 9)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def figure(value: float, unit: str) -> str:
    """Return the value with its unit, in a suitable prefix."""
    if unit == "fps":  # two rates may differ only in the fourth digit
        return f"{value:.2f} fps"
    if unit == "share":
        return f"{digits(value * 100)} %"
    for larger, factor in {"ns": ("µs", 1000), "µs": ("ms", 1000), "ms": ("s", 1000), "kB": ("MB", 1024)}.items():
        if unit == larger and abs(value) >= factor[1]:
            return figure(value / factor[1], factor[0])
    return f"{digits(value)} {unit}".rstrip()


def span(nanoseconds: float) -> str:
    """Return a time span as text."""
    return figure(nanoseconds, "ns")


def duration(seconds: float) -> str:
    """Return how long something took as text."""
    if seconds < 60:
        return f"{digits(round(seconds, 1))} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def limits(measurement: dict[str, Any]) -> str:
    """Return the limits of a measurement as text, empty if there are none."""
    given = [(sign, measurement[name]) for name, sign in LIMITS if measurement[name] is not None]
    return ", ".join(f"{sign} {figure(value, measurement['unit'])}" for sign, value in given)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, in percent of its width. fill: the value. limit: its position. bad: the side of it that is not allowed."""

    fill: float
    limit: float
    bad: str


def bar(measurement: dict[str, Any]) -> Bar | None:
    """Return the bar of a measurement, or None if it has no limit, or none that a length could show."""
    value = measurement["value"]
    name = "at_most" if measurement["at_most"] is not None else "at_least"
    limit = measurement[name]
    if limit is None or limit <= 0 or value < 0:
        return None
    scale = LIMIT_AT / limit
    if name == "at_least":
        scale = LIMIT_AT / max(limit, value)
    return Bar(min(value * scale, 100.0), limit * scale, "right" if name == "at_most" else "left")
