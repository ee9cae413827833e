# SPDX-License-Identifier: Apache-2.0
"""The suite in passes: untimed before timed, INVALID times again, and a report whatever happens."""

import os
import signal
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from boards import patient_board

from hil.figures.verdict import Verdict
from hil.report.crash import signal_of
from hil.report.finish import finish
from hil.suite.pytest_runs import Outcome, RunPlan, run_passes

IMPORTS = """
import os, pathlib, signal, time, pytest
from hil.figures.measurement import Measurement
from hil.report.plugin import CONTROL

HERE = pathlib.Path(__file__).parent

def stall(request):
    pid = request.config.stash[CONTROL].pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(pid, signal.SIGCONT)

def note(text):
    with open(HERE / "order", "a") as file:
        print(text, file=file)
"""


class Suite:
    def __init__(self, folder: Path) -> None:
        self.folder, self.report = folder, folder / "report"

    def plan(self, program: str, proven: bool = True, **words: Any) -> RunPlan:
        (self.folder / "test_suite.py").write_text(IMPORTS + program)
        board = patient_board(self.folder, proven=proven)
        pytest_words = ["--board", str(board), "-c", os.devnull, "--rootdir", str(self.folder)]
        return RunPlan(self.report, "here", suite=self.folder, words=pytest_words, **words)

    def run(self, program: str, **words: Any) -> tuple[Outcome, dict[str, Any]]:
        outcome = run_passes(self.plan(program, **words))
        return outcome, finish(self.report, outcome.codes)

    def order(self) -> list[str]:
        return (self.folder / "order").read_text().split()


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def by_name(run: dict[str, Any]) -> dict[str, Any]:
    return {test["name"].partition("::")[2]: test for session in run["sessions"] for test in session["tests"]}


TIMED = """
@pytest.mark.timed
def test_always_disturbed(record, request):
    note("disturbed")
    stall(request)
    record.measure(Measurement("p99", "us", 1, at_most=1000, timed=True))

@pytest.mark.timed
def test_once_disturbed(record, request):
    note("once")
    if "once" not in (HERE / "order").read_text().replace("once", "", 1):
        stall(request)
    record.measure(Measurement("p99", "us", 1, at_most=1000, timed=True))

@pytest.mark.parametrize("number", [1, 2])
def test_untimed(record, number):
    note("untimed")
    record.measure(Measurement("torn", "frames", 0, exactly=0))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_untimed_first_then_timed_and_invalid_twice_more(suite: Suite, workers: int) -> None:
    outcome, run = suite.run(TIMED, workers=workers)
    assert suite.order() == ["untimed", "untimed", "disturbed", "once", "disturbed", "once", "disturbed"]
    tests = by_name(run)
    assert (tests["test_always_disturbed"]["attempt"], tests["test_always_disturbed"]["verdict"]) == (3, "invalid")
    assert (tests["test_once_disturbed"]["attempt"], tests["test_once_disturbed"]["verdict"]) == (2, "pass")
    assert (run["verdict"], run["exit_code"]) == ("invalid", 3)
    assert len(outcome.codes) == (3 if workers == 1 else 4)
    [junit] = ElementTree.parse(suite.report / "junit.xml").getroot()
    assert (junit.get("tests"), junit.get("failures"), len(junit)) == ("4", "0", 4)


def test_what_an_unproven_limit_makes_invalid_is_not_repeated(suite: Suite) -> None:
    program = """
@pytest.mark.timed
def test_slow(record):
    note("slow")
    record.measure(Measurement("p99", "us", 1500, at_most=1000, timed=True))
"""
    outcome, run = suite.run(program, proven=False)
    assert by_name(run)["test_slow"]["host"]["fit"]
    assert (suite.order(), run["exit_code"], len(outcome.codes)) == (["slow"], 3, 1)


def test_each_camera_s_tests_stay_with_one_worker(suite: Suite) -> None:
    # Two tests on one camera at once would disturb each other; some versions of pytest ignore the groups in silence.
    program = """
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("camera", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("a", "b")])
def test_one(record, camera, number, worker_id):
    note(f"{camera}:{worker_id}")
    time.sleep(0.2)
"""
    suite.run(program, workers=2)
    places = suite.order()
    assert len(places) == 8
    assert len(set(places)) == 2, places


def test_a_failure_is_never_repeated_away(suite: Suite) -> None:
    program = "def test_torn(record):\n    note('torn')\n    record.measure(Measurement('torn', '', 1, exactly=0))\n"
    _, run = suite.run(program)
    assert suite.order() == ["torn"]
    assert (run["verdict"], run["exit_code"]) == ("fail", 1)
    [junit] = ElementTree.parse(suite.report / "junit.xml").getroot()
    assert junit.get("failures") == "1"


def test_a_pytest_that_crashes_is_told_with_the_interpreter_s_last_words(suite: Suite) -> None:
    program = "def test_crashing(record):\n    os.kill(os.getpid(), signal.SIGSEGV)\n"
    outcome, run = suite.run(program)
    assert outcome.codes == [-signal.SIGSEGV]
    [problem] = run["problems"]
    assert problem.startswith("pytest was ended by SIGSEGV; ")
    assert "Fatal Python error: Segmentation fault" in problem and "in test_crashing" in problem
    [test] = by_name(run).values()
    assert test["verdict"] == "fail" and "its process died" in test["message"]


def test_a_pytest_that_was_killed_has_no_last_words(suite: Suite) -> None:
    _, run = suite.run("def test_killed(record):\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    assert run["problems"] == [f"pytest was ended by SIGKILL; its output is in {suite.report}/pytest.log"]


@pytest.mark.parametrize(
    ("code", "name"), [(-11, "SIGSEGV"), (128 + 9, "SIGKILL"), (1, None), (128, None), (245, None)]
)
def test_an_exit_code_tells_the_signal(code: int, name: str | None) -> None:
    assert signal_of(code) == name


def test_long_tests_can_be_left_out(suite: Suite) -> None:
    program = """
@pytest.mark.filterwarnings("ignore")
@pytest.mark.long
def test_soak(record):
    note("soak")

def test_short(record):
    note("short")
"""
    suite.run(program, markers="not long")
    assert suite.order() == ["short"]


def test_ctrl_c_ends_it_in_order_and_leaves_a_report(suite: Suite) -> None:
    program = """
def test_first(record):
    record.measure(Measurement("torn", "frames", 0, exactly=0))

def test_second(record):
    note("begun")
    try:
        time.sleep(60)
    finally:
        note("reaped")

@pytest.mark.timed
def test_third(record):
    note("third")
"""
    plan = suite.plan(program)

    def interrupt() -> None:
        while not (suite.folder / "order").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    outcome = run_passes(plan)
    thread.join()
    run = finish(suite.report, outcome.codes)
    assert outcome.interrupted
    assert suite.order() == ["begun", "reaped"]
    assert {name: test["outcome"] for name, test in by_name(run).items()} == {
        "test_first": "passed",
        "test_second": "interrupted",
    }
    assert run["verdict"] == Verdict.FAIL
    assert (suite.report / "index.html").exists()
