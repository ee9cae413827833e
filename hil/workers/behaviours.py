# SPDX-License-Identifier: Apache-2.0
"""The behaviours of consumers: what they do with each frame, and what happens to them while they read."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Act = Literal["start", "leave", "stop", "continue", "kill"]
Plan = Callable[[float, random.Random], "list[Deed]"]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that happens to a consumer, at_s seconds after all workers were attached."""

    at_s: float
    act: Act


def _nothing(_seconds: float, _dice: random.Random) -> list[Deed]:
    return []


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A behaviour. work_ms: how long the consumer is busy after each frame; pause_ms: after burst_frames of them.

    plan: returns what happens to it in a run of that many seconds. begins: it starts with the others. dies: it is
    killed, so that only what it had recorded until then is known.
    """

    name: str = "steady"
    work_ms: float = 0
    burst_frames: int = 0
    pause_ms: float = 0
    decodes: bool = False
    begins: bool = True
    dies: bool = False
    plan: Plan = field(default=_nothing, compare=False)


def slow(work_ms: float = 20) -> Behaviour:
    """Return a behaviour that sleeps after each frame."""
    return Behaviour("slow", work_ms=work_ms)


def bursty(frames: int = 15, pause_ms: float = 400) -> Behaviour:
    """Return a behaviour that takes some frames as fast as they come, and then pauses."""
    return Behaviour("bursty", burst_frames=frames, pause_ms=pause_ms)


def stops(stopped_s: float = 1.0) -> Behaviour:
    """Return a behaviour that is stopped, as by a debugger or a terminal, and continued later."""

    def plan(seconds: float, _dice: random.Random) -> list[Deed]:
        at_s = seconds / 3
        return [Deed(at_s, "stop"), Deed(at_s + min(stopped_s, seconds / 3), "continue")]

    return Behaviour("stops", plan=plan)


def crashes() -> Behaviour:
    """Return a behaviour that is killed at a random time."""

    def plan(seconds: float, dice: random.Random) -> list[Deed]:
        return [Deed(seconds * dice.uniform(0.2, 0.8), "kill")]

    return Behaviour("crashes", dies=True, plan=plan)


def late(share: float = 0.5) -> Behaviour:
    """Return a behaviour that joins after that share of the time."""

    def plan(seconds: float, _dice: random.Random) -> list[Deed]:
        return [Deed(seconds * share, "start")]

    return Behaviour("late", begins=False, plan=plan)


def rejoins() -> Behaviour:
    """Return a behaviour that leaves, and comes back."""

    def plan(seconds: float, _dice: random.Random) -> list[Deed]:
        return [Deed(seconds / 3, "leave"), Deed(seconds * 2 / 3, "start")]

    return Behaviour("rejoins", plan=plan)


STEADY = Behaviour()
DECODING = Behaviour("decoding", decodes=True)  # a realistic load, like that of a machine learning application

_MAKERS: dict[str, Callable[..., Behaviour]] = {
    "steady": lambda: STEADY,
    "decoding": lambda: DECODING,
    "slow": slow,
    "bursty": lambda frames=15.0, pause_ms=400.0: bursty(round(frames), pause_ms),
    "stops": stops,
    "crashes": crashes,
    "late": late,
    "rejoins": rejoins,
}
BEHAVIOURS = tuple(_MAKERS)


def behaviour(words: str) -> Behaviour:
    """Return a behaviour by name, with parameters if it takes any: slow, slow:20, bursty:15,400. Raises ValueError."""
    name, _, numbers = words.partition(":")
    if name not in _MAKERS:
        raise ValueError(f"{name}: no such behaviour; there are {', '.join(BEHAVIOURS)}")
    try:
        values = [float(number) for number in numbers.split(",")] if numbers else []
        if any(value < 0 or not math.isfinite(value) for value in values):
            raise ValueError
        return _MAKERS[name](*values)
    except (ValueError, TypeError):
        raise ValueError(
            f"{words}: {name} can't take these numbers: give some as in slow:20, bursty:15,400 or stops:2"
        ) from None
