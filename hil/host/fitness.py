# SPDX-License-Identifier: Apache-2.0
"""Decides whether the host was fit for timing: by the hiccup control, other programs' load, and the board's state."""

from __future__ import annotations

from vshm_ctypes.machine import Machine, Throttling

from ..figures.verdict import Fitness
from .board import Thresholds
from .hiccup import HostStalls

SLOWED = Throttling.THROTTLED | Throttling.FREQUENCY_CAPPED | Throttling.SOFT_TEMPERATURE_LIMIT
OUTSIDE_SHARE = 0.10  # of the machine around a virtual one, whose processors are slowed by it
SPAN_MIN_NS = 10**9  # in a shorter time, one short stall is a large share


def fitness_of(
    seen: HostStalls,
    foreign_share: float,
    before: Machine,
    after: Machine,
    thresholds: Thresholds,
    outside_share: float = 0.0,
) -> Fitness:
    """Return whether the host was fit for timing between two states of the board, and why not.

    foreign_share: other programs' share of the processors' time, 0 to 1. outside_share: the same on the machine around
    this one, if it is virtual.
    """
    reasons = [*_stalled(seen, thresholds), *_slowed(before, after)]
    if foreign_share > thresholds.foreign_share:
        used = f"{foreign_share:.0%} of the processors' time"
        reasons.append(f"programs that are not ours used {used} (at most {thresholds.foreign_share:.0%})")
    if outside_share > OUTSIDE_SHARE:
        used = f"{outside_share:.0%} of the processors' time around this virtual machine"
        reasons.append(f"programs that are not ours used {used} (at most {OUTSIDE_SHARE:.0%})")
    return Fitness(tuple(reasons))


def not_told(before: Machine) -> list[str]:
    """Return notes about what the board can't report, since its flags of past events stay set until the next boot."""
    flags = Throttling((before.throttling or Throttling(0)) >> 16) & (SLOWED | Throttling.UNDER_VOLTAGE)
    if not flags:
        return []
    names = ", ".join(str(flag.name).lower().replace("_", " ") for flag in Throttling if flag & flags)
    return [f"since its boot the board had {names}: whether it had that meanwhile too, only a new boot can tell"]


def stalled_share(seen: HostStalls) -> float:
    """Return the stalls' share of the processors' time, 0 to 1."""
    stalled_ns = sum(stall.stall_ns for stall in seen.stalls)
    span_ns = max(seen.end_ns - seen.begin_ns, SPAN_MIN_NS)
    return min(stalled_ns / (span_ns * seen.processors), 1.0)


def _stalled(seen: HostStalls, thresholds: Thresholds) -> list[str]:
    reasons = []
    longest_ms = seen.longest_ns / 1e6
    if longest_ms > thresholds.longest_stall_ms:
        reasons.append(f"the host stood still for {longest_ms:.1f} ms (at most {thresholds.longest_stall_ms:g} ms)")
    share = stalled_share(seen)
    if share > thresholds.stalled_share:
        reasons.append(f"the host stood still for {share:.2%} of the time (at most {thresholds.stalled_share:.2%})")
    if seen.steal_share > thresholds.steal_share:
        given = f"{seen.steal_share:.1%} of the processors' time to others"
        reasons.append(f"the hypervisor gave {given} (at most {thresholds.steal_share:.1%})")
    return reasons


def _slowed(before: Machine, after: Machine) -> list[str]:
    """Return what slowed the board down meanwhile.

    Its flags tell the present state, and what ever happened since boot.
    """
    reasons = []
    then, now = before.throttling or Throttling(0), after.throttling or Throttling(0)
    new = now & ~then if before.throttling is not None else Throttling(0)  # else it may be old
    meanwhile = then | now | Throttling(new >> 16)
    if meanwhile & SLOWED:
        names = ", ".join(str(flag.name).lower().replace("_", " ") for flag in Throttling if flag & meanwhile & SLOWED)
        reasons.append(f"the board slowed itself down: {names}; cool it, by a heat sink, a fan or a better place")
    if before.under_voltage or after.under_voltage or meanwhile & Throttling.UNDER_VOLTAGE:
        reasons.append("under-voltage: use the board's own power supply, and a shorter or thicker cable")
    return reasons
