# SPDX-License-Identifier: Apache-2.0
"""Computes the gate's error rates from the steps of a self-test, and compares them with what it promises."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from .defects import Defect
from .permutations import alone, false_alarms, power
from .result import Answer
from .sequential import FALSE_ALARM
from .state import State

PERMUTATIONS = 1000
REAL_SESSIONS = 40
INCONCLUSIVE_SHARE = 0.25  # of sessions: a gate that seldom answers is useless
LONG_SESSION = 4  # multiple of the usual length
DELAYS_US = (1, 2, 5, 10)
POWER = 0.95
LEAST_GROUPS = 12


def report(state: State, parts: Sequence[str], defects: Sequence[Defect], console: Console) -> int:
    """Print the rates. Returns the exit code."""
    found: list[bool | None] = []
    if "permutations" in parts:
        found.append(_report_permutations(state, console))
    if "sessions" in parts:
        found.append(_report_sessions(state, console))
    if "defects" in parts:
        found += _report_defects(state, defects, console)
    if "delays" in parts:
        found.append(_report_delays(state, console))
    if False in found:
        return 1
    return 3 if None in found else 0


def _usual_groups(step: dict[str, Any]) -> int:
    groups: int = step["groups"]
    return max(LEAST_GROUPS, round(groups / LONG_SESSION))


def _report_permutations(state: State, console: Console) -> bool | None:
    step = state.answered("long")
    if step is None:
        console.print("label permutations: the long session is not done yet")
        return None
    length = min(_usual_groups(step), step["groups"])
    if length < LEAST_GROUPS:
        console.print(f"label permutations: {step['groups']} groups are too few; give --minutes more")
        return None
    count = false_alarms(step["samples"], length, PERMUTATIONS)
    console.print(f"label permutations: {count} false alarms in {PERMUTATIONS} sessions of {length} groups")
    return count <= FALSE_ALARM * PERMUTATIONS


def _report_sessions(state: State, console: Console) -> bool | None:
    answers = Counter(step["answer"] for name, step in state.steps.items() if name.startswith("session "))
    answered, alarms = answers.total() - answers[Answer.INVALID], answers[Answer.REGRESSION]
    told = ", ".join(f"{count} {answer}" for answer, count in sorted(answers.items()))
    console.print(f"sessions of the library against itself: {alarms} false alarms in {answered}; {told or 'none'}")
    if alarms or answers[Answer.INCONCLUSIVE] > INCONCLUSIVE_SHARE * REAL_SESSIONS:
        return False
    return True if answered >= REAL_SESSIONS else None


def _report_defects(state: State, defects: Sequence[Defect], console: Console) -> list[bool | None]:
    table = Table("defect", "found", "by", "after")
    found: list[bool | None] = []
    for defect in defects:
        step = state.answered(f"defect {defect.name}")
        if defect.model:
            table.add_row(defect.name, "by the model", defect.model, "")
        elif step is None:
            table.add_row(defect.name, "not tried yet", "", "")
            found.append(None)
        else:
            expected = bool(set(step["worse"]) & set(defect.seen_by))
            word = "yes" if expected else "by others only" if step["worse"] else "NO"
            table.add_row(defect.name, word, ", ".join(step["worse"]), f"{step['seconds']:.0f} s")
            found.append(expected)
    console.print(table)
    return found


def _report_delays(state: State, console: Console) -> bool | None:
    table = Table("delay", "median latency", "median write time", "found", "by latency alone")
    by_any, by_latency = dict[int, float](), dict[int, float]()
    for delay_us in DELAYS_US:
        step = state.answered(f"delay {delay_us}")
        if step is None or step["groups"] < LEAST_GROUPS:
            continue
        samples = step["samples"]
        by_any[delay_us] = power(samples, step["groups"], PERMUTATIONS)
        by_latency[delay_us] = power(alone("latency_p50", samples), step["groups"], PERMUTATIONS)
        shifts = [math.expm1(statistics.median(samples[name])) for name in ("latency_p50", "write_p50")]
        shares = by_any[delay_us], by_latency[delay_us]
        table.add_row(f"{delay_us} us", *(f"{shift:+.1%}" for shift in shifts), *(f"{share:.1%}" for share in shares))
    console.print(table)
    least = {"in every write": _least(by_any), "by latency alone": _least(by_latency)}
    for how, delay in least.items():
        told = "none of these" if delay is None else f"{delay} us"
        console.print(f"smallest delay {how} that is found with {POWER:.0%} power: {told}")
    return None not in least.values() if len(by_any) == len(DELAYS_US) else None


def _least(powers: Mapping[int, float]) -> int | None:
    """Return the smallest delay from which on all are found; smaller ones that were found were luck."""
    least = None
    for delay_us in sorted(powers, reverse=True):
        if powers[delay_us] < POWER:
            break
        least = delay_us
    return least
