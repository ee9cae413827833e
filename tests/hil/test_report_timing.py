# SPDX-License-Identifier: Apache-2.0
"""What a host that was not fit does to figures of time, and to nothing else, in the report of a suite."""

import os
from pathlib import Path
from typing import Any

import pytest
from report_suites import Suite

from hil.report.merge import load
from hil.report.summary import attention_lines
from vshm_ctypes.machine import read_machine

pytest_plugins = ["pytester"]

HOT = """
@pytest.mark.timed
def test_on_a_hot_board(record):
    (Path(os.environ["BOARD"]) / "throttled").write_text("throttled=0x80000")  # it was, for a moment in between
    record.measure(Measurement("p99", "us", 9999, at_most=1000, timed=True))

@pytest.mark.timed
def test_afterwards(record):
    record.measure(Measurement("p99", "us", 900, at_most=1000, timed=True))
"""


def test_a_board_that_was_throttled_meanwhile_makes_times_invalid_with_advice(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if read_machine().throttling is not None:
        pytest.skip("a firmware is here that answers for itself")
    (tmp_path / "vcgencmd").write_text(f"#!/bin/sh\ncat {tmp_path}/throttled\n")
    (tmp_path / "vcgencmd").chmod(0o755)
    (tmp_path / "throttled").write_text("throttled=0x0\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("BOARD", str(tmp_path))
    suite.run("from pathlib import Path\n" + HOT)
    tests = suite.tests()
    assert tests["test_on_a_hot_board"]["verdict"] == "invalid"
    assert tests["test_on_a_hot_board"]["host"]["reasons"] == [
        "the board slowed itself down: soft temperature limit; cool it, by a heat sink, a fan or a better place"
    ]
    assert tests["test_afterwards"]["verdict"] == "pass"  # the firmware's flag stays up, and is old by then
    [session] = load(suite.report)["sessions"]
    assert session["machine"]["before"]["throttling"] == []
    assert session["machine"]["after"]["throttling"] == ["soft_temperature_limit_occurred"]


TIMED = """
@pytest.mark.timed
def test_slow_host(record, request):
    stall(request)
    record.measure(Measurement("p99", "us", 900, at_most=1000, timed=True))

@pytest.mark.timed
def test_slow_host_and_torn(record, request):
    stall(request)
    record.measure(Measurement("p99", "us", 900, at_most=1000, timed=True), Measurement("torn", "frames", 1, exactly=0))

def test_untimed(record):
    record.measure(Measurement("torn", "frames", 0, exactly=0))
"""


def test_a_stall_makes_timing_invalid_and_excuses_nothing_else(suite: Suite) -> None:
    result = suite.run(TIMED)
    result.stdout.fnmatch_lines(["*1 failed, 1 passed, *1 invalid*"])
    tests = suite.tests()
    assert tests["test_slow_host"]["verdict"] == "invalid"
    assert tests["test_slow_host"]["outcome"] == "passed"
    assert tests["test_slow_host_and_torn"]["verdict"] == "fail"
    host = tests["test_slow_host"]["host"]
    assert not host["fit"]
    assert "stood still for" in host["reasons"][0]
    assert max(stall_ns for _, stall_ns, _ in host["stalls"]) > 250e6
    assert tests["test_untimed"]["host"] is None


def test_nothing_but_invalid_times_make_the_run_invalid(suite: Suite) -> None:
    suite.run(TIMED, "-k", "not torn")
    run = load(suite.report)
    assert (run["verdict"], run["exit_code"]) == ("invalid", 3)


def test_where_limits_are_not_proven_a_time_beyond_them_is_in_doubt_unless_far(suite: Suite) -> None:
    program = """
@pytest.mark.timed
@pytest.mark.parametrize("us", [900, 1100, 11000])
def test_time(record, us):
    record.measure(Measurement("p99", "us", us, at_most=1000, timed=True), Measurement("torn", "frames", 0, exactly=0))
"""
    for proven, expected in ((True, ["pass", "fail", "fail"]), (False, ["pass", "invalid", "fail"])):
        suite.run(program, longest_stall_ms=1e6, stalled_share=1.0, proven=proven)
        tests = suite.tests()
        assert [tests[f"test_time[{us}]"]["verdict"] for us in (900, 1100, 11000)] == expected
        assert all(test["host"]["fit"] for test in tests.values())
    assert "hil calibrate" in tests["test_time[1100]"]["message"]
    assert attention_lines(tests["test_time[1100]"])[-1] == tests["test_time[1100]"]["message"]


@pytest.mark.parametrize(
    ("mark", "bounds"), [("medians", {}), ("own_stalls", {"longest_stall_ms": 1e6, "stalled_share": 0.001})]
)
def test_stalls_that_a_test_bears_do_not_make_it_invalid(suite: Suite, mark: str, bounds: dict[str, Any]) -> None:
    program = f"""
def measured(record, request):
    stall(request)
    record.measure(Measurement("drift", "times", 1.0, at_most=2.0, timed=True))

@pytest.mark.timed
def test_does_not(record, request):
    measured(record, request)

@pytest.mark.timed
@pytest.mark.{mark}
def test_bears(record, request):
    measured(record, request)
"""
    suite.run(program, **bounds)
    tests = suite.tests()
    assert max(stall_ns for _, stall_ns, _ in tests["test_bears"]["host"]["stalls"]) > 250e6
    assert [tests[f"test_{name}"]["verdict"] for name in ("does_not", "bears")] == ["invalid", "pass"]


def test_a_stall_before_the_test_is_not_the_test_s(suite: Suite) -> None:
    program = """
@pytest.mark.timed
def test_first(record, request):
    record.measure(Measurement("p99", "us", 900, at_most=1000, timed=True))

@pytest.fixture
def stalled(request):
    stall(request)

@pytest.mark.timed
def test_second(record, stalled):
    record.measure(Measurement("p99", "us", 900, at_most=1000, timed=True))
"""
    suite.run(program)
    assert suite.tests()["test_second"]["verdict"] == "pass"
