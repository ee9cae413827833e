# SPDX-License-Identifier: Apache-2.0
"""What came out of a block: its books, its latencies, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from .worker import SETTLING, Received, Sent


class BlockError(RuntimeError):
    """A process of a block crashed or hung; says which peer's, and its words."""


# What must never happen. unaccounted: frames that a peer lost and did not say so, or the other way round.
FAULTS = ("altered", "repeated or reordered", "never sent", "silent", "unaccounted")


@dataclass(slots=True)
class Outcome:
    """What a block's processes saw. received, missed: of each receiver. latency_ns: of all frames of all receivers.

    faults: by its name in FAULTS; empty: the books balance.
    CPU: of one frame; receiver_cpu_us: the mean of all receivers, None: none had a frame.
    """

    sent: int
    sent_per_s: float
    received: list[int]
    missed: list[int]
    latency_ns: list[int]
    sender_cpu_us: float
    receiver_cpu_us: float | None
    faults: dict[str, int] = field(default_factory=dict)


def outcome_of(sent: Sent, receivers: list[Received]) -> Outcome:
    """Of what sender and receivers wrote down."""
    count = len(sent.at_ns)
    costs = [(one.cpu_ns, one.cpu_frames) for one in receivers if one.cpu_frames > 0]
    faults = {name: sum(_faults(one, count)[name] for one in receivers) for name in FAULTS}
    return Outcome(
        sent=count,
        sent_per_s=(count - 1) / ((sent.at_ns[-1] - sent.at_ns[0]) / 1e9),
        received=[len(one.numbers) for one in receivers],
        missed=[count - len(set(one.numbers)) for one in receivers],
        latency_ns=[
            at_ns - sent.at_ns[number]
            for one in receivers
            for number, at_ns in zip(one.numbers, one.at_ns, strict=True)
            if SETTLING <= number < count
        ],
        sender_cpu_us=sent.cpu_ns / 1e3 / max(count - SETTLING, 1),
        receiver_cpu_us=sum(ns / 1e3 / frames for ns, frames in costs) / len(costs) if costs else None,
        faults={name: number for name, number in faults.items() if number},
    )


def _faults(one: Received, sent: int) -> dict[str, int]:
    """Of one receiver, by name as in FAULTS."""
    steps = [later - earlier for earlier, later in pairwise(one.numbers)]
    lost = sum(step - 1 for step in steps if step > 1)
    told = one.missed
    return {
        "altered": one.altered,
        "repeated or reordered": sum(step < 1 for step in steps),
        "never sent": sum(number >= sent for number in one.numbers),
        "silent": int(not one.numbers),
        "unaccounted": 0 if told is None else abs(lost - told),
    }
