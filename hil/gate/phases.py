# SPDX-License-Identifier: Apache-2.0
"""The phases of a group of blocks, and the order in which the two sides take turns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Literal

from ..blocks.block import BlockPlan
from ..blocks.schedule import Schedule, standard
from .metrics import Phase

Side = Literal["baseline", "candidate"]

READERS = 2
# Two blocks of the same library differ by the placement of memory and processes, however long they are: many short
# blocks show more than few long ones.
PACED_FRAMES, PACED_RATE = 60, 500.0
PART_SECONDS, PART_FRAMES_MIN = 1.5, 40
PART_SECONDS_MAX = 100.0  # the worker's watchdog ends it after 120 s
FLOOD_FRAMES = 8000
OVERLOAD_FRAMES, OVERLOAD_RATE, OVERLOAD_PAUSE_US = 250, 1000.0, 3000
DEATH_FRAMES, DEATH_RATE, DEATH_AFTER = 60, 500.0, 25
ROUNDS_SECONDS = 1.5
FINE = 64  # bytes between marks, to find torn frames


def plans(source: Schedule | None, group: int, camera: str = "") -> dict[Phase, BlockPlan]:
    """Return the phases of a block.

    Those whose times are judged within a few per cent run in the real-time class, so that the figures are the library's
    and not those of other programs. A writer at full rate does not: on one processor, its reader would never run.

    source: a recorded stream, or None for the standard one. group: selects the part of the recording. camera: writes
    in the paced phase, or empty.
    """
    paced = _part(source, group) if source else standard(PACED_FRAMES, PACED_RATE)
    flood = source.part(0, FLOOD_FRAMES) if source else standard(FLOOD_FRAMES, PACED_RATE)
    return {
        "paced": BlockPlan(paced, READERS, paced=True, camera=camera, real_time=not camera),
        "alone": BlockPlan(flood, 0, real_time=True),
        "flood": BlockPlan(flood, 1, stride=FINE),
        "overload": BlockPlan(
            standard(OVERLOAD_FRAMES, OVERLOAD_RATE), READERS, paced=True, pause_us=OVERLOAD_PAUSE_US, stride=FINE
        ),
        "death": BlockPlan(
            standard(DEATH_FRAMES, DEATH_RATE), READERS, paced=True, kill_after=DEATH_AFTER, real_time=True
        ),
    }


def _part(source: Schedule, group: int) -> Schedule:
    """Return a part of a recording that is short, so that a session has many groups however slow the stream is."""
    count = _part_frames(source)
    return source.part(group * count, count)


def _part_frames(source: Schedule) -> int:
    return min(max(round(PART_SECONDS * len(source.frames) / source.seconds), PART_FRAMES_MIN), PACED_FRAMES)


def check_parts(source: Schedule) -> None:
    """Check a recording. Raises ValueError if some part takes too long for a block."""
    count = _part_frames(source)
    firsts = range(0, len(source.frames), math.gcd(len(source.frames), count))  # where parts begin, round after round
    longest = max(source.at_us(first + count - 1) - source.at_us(first) for first in firsts) / 1e6
    if longest > PART_SECONDS_MAX:
        raise ValueError(
            f"{source.name}: a block has at least {count} frames, and here that takes {longest:.0f} s; "
            f"at most {PART_SECONDS_MAX:g} s can be played"
        )


def order(group: int) -> tuple[Side, Side, Side, Side]:
    """Return A B B A or B A A B in turn, so that neither side is favoured by its position."""
    first: Side = "baseline" if group % 2 == 0 else "candidate"
    second: Side = "candidate" if group % 2 == 0 else "baseline"
    return first, second, second, first


def turns(group: int, phases: Mapping[Phase, BlockPlan]) -> Iterator[tuple[Side, Phase, BlockPlan]]:
    """Yield all blocks of a group: the paced ones in rounds of four, and those of the other phases in the first round.

    The phase "alone" has all four positions; the others have two, since their figures vary less or have wide margins.
    """
    for lap in range(_rounds(phases["paced"])):
        for place, side in enumerate(order(group + lap)):
            for phase, plan in phases.items():
                if phase == "paced" or (lap == 0 and (phase == "alone" or place < 2)):
                    yield side, phase, plan


def _rounds(paced: BlockPlan) -> int:
    """Return the number of paced rounds that take about as long as the other phases, since they vary most."""
    return 1 if paced.camera else max(1, round(ROUNDS_SECONDS / (4 * paced.schedule.seconds)))
