# SPDX-License-Identifier: Apache-2.0
"""Tests become records: their figures decide with them, and the report tells what really happened."""

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from boards import patient_board

from hil.report.merge import load
from hil.report.summary import attention_lines
from vshm_ctypes.machine import look

pytest_plugins = ["pytester"]

IMPORTS = """
import os, signal, time, pytest
from hil.measurement import Measurement
from hil.latency import LatencyHistogram
from hil.report.plugin import CONTROL

def stall(request, seconds=0.3):
    pid = request.config.stash[CONTROL].pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
"""


class Suite:
    """A suite of its own, run by a pytest of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.report = pytester.path / "report"

    def run(self, program: str, *words: str, proven: bool = True, **bounds: float) -> pytest.RunResult:
        self._pytester.makepyfile(test_suite=IMPORTS + program)
        board = patient_board(self._pytester.path, proven=proven, **bounds)
        return self._pytester.runpytest_subprocess("-p", "hil.report.plugin", "--board", board, *words, timeout=60)

    def tests(self) -> dict[str, Any]:
        [session] = load(self.report)["sessions"]
        return {test["name"].partition("::")[2]: test for test in session["tests"]}


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # a program of the same second and size would be the old one
    return Suite(pytester)


FIGURES = """
def test_within(record):
    '''All is
    well.

    More of it.'''
    record.measure(Measurement("torn", "frames", 0, exactly=0))

def test_beyond_its_limit(record):
    record.measure(Measurement("torn", "frames", 2, exactly=0), Measurement("rate", "fps", 30, at_least=29.7))

def test_asserts(record):
    record.measure(Measurement("torn", "frames", 0, exactly=0))
    assert 1 == 2

@pytest.mark.skip(reason="no such camera")
def test_skipped():
    pass

@pytest.fixture
def leaking():
    yield
    assert not "a leak"

def test_leaves_something(leaking):
    pass
"""


def test_figures_and_outcomes_decide_together(suite: Suite) -> None:
    result = suite.run(FIGURES, "--junitxml", "junit.xml")
    result.assert_outcomes(passed=2, failed=2, skipped=1, errors=1)
    result.stdout.fnmatch_lines(["*torn: 2 frames, exactly 0 allowed*"])
    tests = suite.tests()
    verdicts = {name: (test["outcome"], test["verdict"]) for name, test in tests.items()}
    assert verdicts == {
        "test_within": ("passed", "pass"),
        "test_beyond_its_limit": ("failed", "fail"),
        "test_asserts": ("failed", "fail"),
        "test_skipped": ("skipped", None),
        "test_leaves_something": ("failed", "fail"),
    }
    assert tests["test_within"]["claim"] == "All is well."
    assert tests["test_beyond_its_limit"]["claim"] == "Beyond its limit."
    assert [one["verdict"] for one in tests["test_beyond_its_limit"]["measurements"]] == ["fail", "pass"]
    assert "torn: 2 frames" in tests["test_beyond_its_limit"]["message"]
    assert "assert 1 == 2" in tests["test_asserts"]["message"]
    assert "a leak" in tests["test_leaves_something"]["message"]
    assert tests["test_skipped"]["message"] == "no such camera"
    run = load(suite.report)
    assert (run["verdict"], run["exit_code"], run["problems"]) == ("fail", 1, [])
    assert (suite.report / "index.html").stat().st_size > 5000
    assert _properties(suite.report.parent / "junit.xml", "test_beyond_its_limit") == {
        "torn [frames]": "2",
        "rate [fps]": "30",
        "verdict": "fail",
    }


def _properties(junit: Path, name: str) -> dict[str | None, str | None]:
    properties = ElementTree.parse(junit).findall(f".//testcase[@name='{name}']/properties/property")
    return {one.get("name"): one.get("value") for one in properties}


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
    if look().throttling is not None:
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
    result.stdout.fnmatch_lines(["*1 failed, 1 passed, 1 invalid*"])
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


def test_two_workers_make_one_report(suite: Suite) -> None:
    program = """
@pytest.mark.parametrize("camera", ["a", "b@2"])
@pytest.mark.parametrize("number", range(4))
def test_one(record, recorder, camera, number):
    recorder.camera({"name": f"camera {camera}"})
    histogram = LatencyHistogram()
    histogram.record(1000 + number)
    record.histogram("c", histogram)
    record.measure(Measurement("number", "", number, exactly=number))
    time.sleep(0.1)

@pytest.mark.xdist_group("camera a")
def test_grouped(record):
    pass
"""
    result = suite.run(program, "-n", "2", "--dist", "loadgroup")
    result.assert_outcomes(passed=9)
    tests = suite.tests()
    numbers = {(name, test["measurements"][0]["value"]) for name, test in tests.items() if test["measurements"]}
    assert numbers == {(f"test_one[{n}-{camera}]", n) for n in range(4) for camera in ("a", "b@2")}
    assert "test_grouped" in tests  # by its own name, without its group's
    [session] = load(suite.report)["sessions"]
    assert [camera["name"] for camera in session["cameras"]].count("camera a") == 1
    assert len(session["cameras"]) == 2


def test_a_test_whose_process_dies_is_no_pass(suite: Suite) -> None:
    # Its record would be missing, and the others' would make the run pass.
    suite.run("def test_dies(record):\n    os._exit(0)\ndef test_lives(record):\n    pass\n", "-n", "1")
    tests = suite.tests()
    assert (tests["test_dies"]["outcome"], tests["test_dies"]["verdict"]) == ("interrupted", "fail")
    assert "did not end" in tests["test_dies"]["message"]
    assert load(suite.report)["exit_code"] == 1


def test_what_can_not_be_collected_is_no_pass(suite: Suite) -> None:
    suite.run("import no_such_module\ndef test_one(record):\n    pass\n")
    run = load(suite.report)
    assert (run["verdict"], run["exit_code"]) == ("fail", 1)
    assert run["problems"] == ["the tests were interrupted"]


def test_a_run_without_a_test_is_no_pass(suite: Suite) -> None:
    suite.run("@pytest.mark.skip(reason='no camera')\ndef test_one():\n    pass\n")
    run = load(suite.report)
    assert (run["verdict"], run["exit_code"]) == (None, 4)


def test_ctrl_c_leaves_a_report_of_what_was_run(suite: Suite) -> None:
    program = """
def test_whole(record):
    record.measure(Measurement("torn", "frames", 0, exactly=0))
def test_cut_off(record):
    record.measure(Measurement("torn", "frames", 0, exactly=0))
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
def test_never_begun(record):
    pass
"""
    suite.run(program)
    assert {name: test["outcome"] for name, test in suite.tests().items()} == {
        "test_whole": "passed",
        "test_cut_off": "interrupted",
    }
    run = load(suite.report)
    assert (run["verdict"], run["problems"]) == ("fail", ["the tests were interrupted"])


def test_a_repeated_test_counts_by_its_last_attempt(suite: Suite) -> None:
    program = "def test_one(record):\n    record.measure(Measurement('n', '', {}, exactly=1))\n"
    suite.run(program.format(0), "--part")
    assert not (suite.report / "run.json").exists()
    suite.run(program.format(1), "--part")
    suite.run(program.format(1), "--part", "-k", "nothing")
    from hil.report.merge import merge

    [test] = merge(suite.report)["sessions"][0]["tests"]
    assert (test["attempt"], test["verdict"]) == (2, "pass")


def test_an_earlier_run_is_forgotten(suite: Suite) -> None:
    suite.run("def test_old(record):\n    pass\n")
    suite.run("def test_new(record):\n    pass\n")
    assert list(suite.tests()) == ["test_new"]


def test_a_board_that_is_none_is_a_usage_error(suite: Suite) -> None:
    result = suite.run("def test_one(record):\n    pass\n", "--board", "pi9")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no board pi9: there are generic*"])
