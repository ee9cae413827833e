# SPDX-License-Identifier: Apache-2.0
"""The hiccup control sees a host that stands still, and no load of ours."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hil.figures.latency import LatencyHistogram
from hil.host.hiccup import HiccupError, Hiccups, HostStalls

STALL_S = 0.4
WATCHDOG_S = 20


@pytest.fixture(scope="module")
def control() -> Iterator[Hiccups]:
    with Hiccups() as hiccups:
        yield hiccups


def seen_in(control: Hiccups, seconds: float) -> HostStalls:
    control.take()
    time.sleep(seconds)
    return control.take()


def test_it_watches_every_processor_all_the_time(control: Hiccups) -> None:
    seen = seen_in(control, 1.0)
    assert seen.end_ns - seen.begin_ns >= 10**9
    assert seen.begin_ns <= time.monotonic_ns() - 10**9
    # Each wakes about a thousand times a second; a thread that hangs would leave its share out.
    assert seen.histogram.count > 150 * len(os.sched_getaffinity(0))
    assert 0 <= seen.steal_share <= 1


def test_a_stall_is_seen_with_its_length_and_its_time(control: Hiccups) -> None:
    control.take()
    begin_ns = time.monotonic_ns()
    os.kill(control.pid, signal.SIGSTOP)  # to it, as if the whole machine stood still
    time.sleep(STALL_S)
    os.kill(control.pid, signal.SIGCONT)
    end_ns = time.monotonic_ns()
    time.sleep(0.1)
    seen = control.take()
    assert seen.longest_ns >= STALL_S * 0.95e9
    long = [stall for stall in seen.stalls if stall.stall_ns >= STALL_S * 0.95e9]
    assert {stall.cpu for stall in long} == os.sched_getaffinity(0)
    assert all(begin_ns < stall.at_ns and stall.at_ns - stall.stall_ns < end_ns for stall in long)
    assert seen.histogram.longest_ns >= STALL_S * 0.95e9


def test_it_sees_a_stall_from_its_first_moment_on() -> None:
    for _ in range(8):
        with Hiccups() as control:
            os.kill(control.pid, signal.SIGSTOP)
            time.sleep(STALL_S)
            os.kill(control.pid, signal.SIGCONT)
            assert control.take().longest_ns >= STALL_S * 0.9e9


def test_each_take_begins_anew(control: Hiccups) -> None:
    os.kill(control.pid, signal.SIGSTOP)
    time.sleep(STALL_S)
    os.kill(control.pid, signal.SIGCONT)
    first = control.take()
    second = seen_in(control, 0.2)
    assert first.longest_ns >= STALL_S * 0.95e9
    assert second.begin_ns >= first.end_ns
    assert not any(stall.at_ns < first.end_ns for stall in second.stalls)


@contextmanager
def own_load() -> Iterator[None]:
    """Run four busy processes for each processor, at normal priority, during the block."""
    burn = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(burn) for _ in range(4 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def queueing(seconds: float) -> LatencyHistogram:
    """Return how late a thread of normal priority wakes during that time."""
    late, end_ns = LatencyHistogram(), time.monotonic_ns() + int(seconds * 1e9)
    before_ns = time.monotonic_ns()
    while before_ns < end_ns:
        time.sleep(0.001)
        now_ns = time.monotonic_ns()
        late.record(max(now_ns - before_ns - 1_000_000, 0))
        before_ns = now_ns
    return late


@pytest.mark.parametrize("realtime", [True, False])
def test_our_own_load_is_no_stall(realtime: bool) -> None:
    with Hiccups(realtime=realtime) as control, own_load():
        control.take()
        late = queueing(3.0)
        seen = control.take()
    assert realtime or not seen.realtime
    # The load is one that a thread of normal priority feels.
    assert late.percentile(99) > 1_000_000
    # That the host itself stands still meanwhile is possible, but not at one wake in a hundred.
    assert seen.histogram.percentile(99) < late.percentile(99) / 2


def test_a_control_that_is_gone_is_told() -> None:
    with Hiccups() as control:
        os.kill(control.pid, signal.SIGKILL)
        os.waitid(os.P_PID, control.pid, os.WEXITED | os.WNOWAIT)  # until then the question may still find its pipe
        with pytest.raises(HiccupError, match="has ended"):
            control.take()
    with pytest.raises(HiccupError, match="does not run"):
        control.take()


@pytest.mark.parametrize("stopped", [False, True])
def test_it_leaves_no_process(stopped: bool) -> None:
    control = Hiccups()
    control.__enter__()
    pid = control.pid
    if stopped:  # one that does not heed the end of its input
        os.kill(pid, signal.SIGSTOP)
    end = threading.Thread(target=control.__exit__, args=(None, None, None), daemon=True)
    end.start()
    end.join(WATCHDOG_S)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        pytest.fail("it is still there")
