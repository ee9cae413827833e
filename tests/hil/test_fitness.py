# SPDX-License-Identifier: Apache-2.0
"""What makes a host unfit for timing: stalls, stolen time, throttling, under-voltage; and nothing else."""

import os
import signal
import time
from dataclasses import replace

import pytest

from hil.figures.latency import LatencyHistogram
from hil.figures.measurement import Measurement
from hil.figures.verdict import Verdict
from hil.host.board import Thresholds, find_board
from hil.host.fitness import fitness_of, not_told
from hil.host.hiccup import Hiccups, HostStalls, Stall
from vshm_ctypes.machine import Machine, SharedMemory, Throttling

THRESHOLDS = Thresholds(longest_stall_ms=5, stalled_share=0.01, steal_share=0.02, foreign_share=0.1)
SECOND = 10**9
QUIET = HostStalls(0, 10 * SECOND, 2, True, (Stall(SECOND, 900_000, 0),), LatencyHistogram(), 0.0)
MACHINE = Machine("Board", "6.1", "aarch64", 2, ("ondemand",), (), 50.0, None, None, 0.1, 1, 1, SharedMemory(1, 1))


def reasons(
    seen: HostStalls = QUIET, before: Machine = MACHINE, after: Machine = MACHINE, foreign_share: float = 0.02
) -> str:
    return "; ".join(fitness_of(seen, foreign_share, before, after, THRESHOLDS).reasons)


def test_a_quiet_host_is_fit() -> None:
    assert fitness_of(QUIET, 0.0, MACHINE, MACHINE, THRESHOLDS).fit


def test_one_long_stall_makes_it_unfit() -> None:
    stalls = (*QUIET.stalls, Stall(2 * SECOND, 5_100_000, 1))
    assert "stood still for 5.1 ms (at most 5 ms)" in reasons(replace(QUIET, stalls=stalls))


def test_many_short_stalls_make_it_unfit() -> None:
    stalls = tuple(Stall(n * 10_000_000, 2_000_000, n % 2) for n in range(101))
    assert "for 1.01% of the time" in reasons(replace(QUIET, stalls=stalls))
    assert not reasons(replace(QUIET, stalls=stalls[:99]))


def test_stolen_time_makes_it_unfit() -> None:
    assert "gave 2.5% of the processors' time" in reasons(replace(QUIET, steal_share=0.025))


def test_a_host_that_others_use_is_unfit() -> None:
    # The control does not see them: it goes before them, the fleet does not.
    assert "not ours used 15% of the processors' time (at most 10%)" in reasons(foreign_share=0.15)
    assert not reasons(foreign_share=0.1)


def test_a_virtual_machine_on_a_host_that_others_use_is_unfit() -> None:
    told = fitness_of(QUIET, 0.0, MACHINE, MACHINE, THRESHOLDS, outside_share=0.3).reasons
    assert told == (
        "programs that are not ours used 30% of the processors' time around this virtual machine (at most 10%)",
    )
    assert fitness_of(QUIET, 0.0, MACHINE, MACHINE, THRESHOLDS, outside_share=0.1).fit


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (Throttling.THROTTLED, Throttling(0), "throttled; cool it"),
        (Throttling(0), Throttling.FREQUENCY_CAPPED, "frequency capped; cool it"),
        (Throttling(0), Throttling.SOFT_TEMPERATURE_LIMIT_OCCURRED, "soft temperature limit; cool it"),
        (Throttling(0), Throttling.UNDER_VOLTAGE_OCCURRED, "under-voltage: use the board's own power supply"),
    ],
)
def test_a_board_that_slowed_itself_down_is_unfit(before: Throttling, after: Throttling, told: str) -> None:
    assert told in reasons(QUIET, replace(MACHINE, throttling=before), replace(MACHINE, throttling=after))


def test_what_happened_before_the_run_does_not_count() -> None:
    # The firmware's "occurred" flags stay up until the next boot.
    old = replace(MACHINE, throttling=Throttling.THROTTLED_OCCURRED | Throttling.UNDER_VOLTAGE_OCCURRED)
    assert not reasons(QUIET, old, old)


def test_what_a_board_can_not_tell_before_its_next_boot_is_said() -> None:
    old = replace(MACHINE, throttling=Throttling.THROTTLED_OCCURRED | Throttling.UNDER_VOLTAGE_OCCURRED)
    (told,) = not_told(old)
    assert told.startswith("since its boot the board had under voltage, throttled: ")
    assert not_told(MACHINE) == not_told(replace(MACHINE, throttling=Throttling.THROTTLED)) == []


def test_flags_that_could_not_be_read_before_are_not_taken_for_new() -> None:
    assert not reasons(after=replace(MACHINE, throttling=Throttling.THROTTLED_OCCURRED))
    assert "throttled" in reasons(after=replace(MACHINE, throttling=Throttling.THROTTLED))


def test_under_voltage_is_told_by_a_sensor_too() -> None:
    assert "under-voltage" in reasons(QUIET, MACHINE, replace(MACHINE, under_voltage=True))


def test_a_planted_stall_makes_timing_invalid_and_nothing_else() -> None:
    thresholds = find_board("generic").fitness
    with Hiccups() as control:
        os.kill(control.pid, signal.SIGSTOP)
        time.sleep(thresholds.longest_stall_ms / 1000 * 3)
        os.kill(control.pid, signal.SIGCONT)
        fitness = fitness_of(control.take(), 0.0, MACHINE, MACHINE, thresholds)
    assert Measurement("p99", "us", 9999, at_most=1000, timed=True).verdict(fitness) is Verdict.INVALID
    assert Measurement("torn", "frames", 1, exactly=0).verdict(fitness) is Verdict.FAIL
