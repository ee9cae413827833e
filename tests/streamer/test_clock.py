# SPDX-License-Identifier: Apache-2.0
"""How far the wall clock is from the monotonic one, whatever comes between the two readings."""

import time
from collections.abc import Callable, Iterator

from hil.streamer.clock import realtime_offset_ns

OFFSET_NS = 1_790_000_000_000_000_000
STEP_NS = 1_000


def clocks(pauses_ns: list[int]) -> tuple[Callable[[], int], Callable[[], int]]:
    """Return two clocks of one time; each reading of the wall clock comes after the next pause."""
    now_ns = 0
    pauses: Iterator[int] = iter(pauses_ns)

    def monotonic() -> int:
        nonlocal now_ns
        now_ns += STEP_NS
        return now_ns

    def wall() -> int:
        nonlocal now_ns
        now_ns += next(pauses, 0)
        return now_ns + OFFSET_NS

    return monotonic, wall


def test_a_pause_between_the_clocks_is_no_part_of_their_distance() -> None:
    assert abs(realtime_offset_ns(*clocks([30_000_000, 40_000_000, 0])) - OFFSET_NS) <= STEP_NS


def test_the_closest_of_readings_that_were_all_held_up_is_taken() -> None:
    pauses = [30_000_000, 9_000_000, 200_000, 20_000_000, 30_000_000]
    assert abs(realtime_offset_ns(*clocks(pauses)) - OFFSET_NS) <= 200_000


def test_the_real_clocks_agree_with_it() -> None:
    before = time.time_ns()
    seen = realtime_offset_ns() + time.monotonic_ns()
    # Wider than any pause of a test machine, narrower than a clock of another kind.
    assert abs(seen - before) < 60_000_000_000
