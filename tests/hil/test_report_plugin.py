# SPDX-License-Identifier: Apache-2.0
"""Tests become records: their figures decide with them, and the report tells what really happened."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from report_suites import Suite

from hil.report.merge import load

pytest_plugins = ["pytester"]

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
