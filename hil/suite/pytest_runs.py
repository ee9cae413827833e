# SPDX-License-Identifier: Apache-2.0
"""Runs the suite in several passes: untimed tests in parallel, timed ones alone, then those that the host disturbed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vshm_ctypes.commandline.ending import Hold, held
from vshm_ctypes.commandline.own_module import own_module

from ..processes.environment import child_environment
from ..report.crash import LOG
from ..report.merge import RunError, session_tests

SUITE = Path(__file__).parent
SETTINGS = "pytest.ini"  # of a suite; pytest would search for them in the folders of what it is given, reports too
REPEATS = 2
GRACE_S = 60.0  # after Ctrl-C, until the fleet is reaped


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What to run. workers: processes for the untimed tests, one per camera. words: passed on to pytest."""

    report: Path
    session: str
    workers: int = 1
    words: Sequence[str] = ()
    markers: str = ""
    suite: Path = SUITE


@dataclass(slots=True)
class Outcome:
    """What came of it. codes: the exit code of each pytest. problems: what else went wrong, for people."""

    codes: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False


def run_passes(plan: RunPlan) -> Outcome:
    """Run all passes. Ctrl-C ends pytest cleanly, and the passes with it."""
    outcome = Outcome()
    for selection in _selections(plan):
        if outcome.interrupted:
            break
        _run(plan, selection, outcome)
    for _attempt in range(REPEATS):
        again = disturbed_tests(plan)
        if outcome.interrupted or not again:
            break
        _run(plan, [*(str(plan.suite / name) for name in again), "-n", "0"], outcome)
    return outcome


def _selections(plan: RunPlan) -> Iterator[list[str]]:
    suite = str(plan.suite)
    if plan.workers == 1:  # one process runs both, the timed tests last, since it starts slowly on small boards
        yield [suite, "-n", "0", *_markers(plan.markers)]
        return
    yield [suite, "-n", str(plan.workers), "--dist", "loadgroup", *_markers(plan.markers, "not timed")]
    yield [suite, "-n", "0", *_markers(plan.markers, "timed")]


def _markers(*given: str) -> list[str]:
    expression = " and ".join(f"({each})" for each in given if each)
    return ["-m", expression] if expression else []


def disturbed_tests(plan: RunPlan) -> list[str]:
    """Return the tests whose last attempt was INVALID because the host was not fit, not for an unproven limit."""
    with contextlib.suppress(RunError):
        tests = session_tests(plan.report, plan.session)
        return [test["name"] for test in tests if test["verdict"] == "invalid" and not test["host"]["fit"]]
    return []


def _run(plan: RunPlan, selection: Sequence[str], outcome: Outcome) -> None:
    command = own_module("pytest", "-p", "hil.report.plugin", "--part", "-p", "no:cacheprovider")
    settings = plan.suite / SETTINGS
    command += ["-c", str(settings)] if settings.is_file() else []
    command += ["-p", "no:labgrid"]  # if installed, it takes longer to load than everything else
    command += ["--report", str(plan.report), "--session", plan.session, "--color", "no"]
    command += ["--junitxml", str(plan.report / "parts" / plan.session / f"junit-{len(outcome.codes)}.xml")]
    plan.report.mkdir(parents=True, exist_ok=True)
    with held() as hold, (plan.report / LOG).open("ab") as log:
        process = subprocess.Popen(
            [*command, *plan.words, *selection], stdout=log, stderr=subprocess.STDOUT, env=child_environment()
        )
        try:
            with hold.lifted():
                process.wait()
        except KeyboardInterrupt:
            outcome.interrupted = True
            _end(process, hold)
        outcome.codes.append(process.wait())


def _end(process: subprocess.Popen[bytes], hold: Hold) -> None:
    """End pytest.

    The terminal's Ctrl-C has reached it too, but a signal for this process has not. A second one kills.
    """
    try:
        with hold.lifted():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1.0)
                return
            process.send_signal(signal.SIGINT)
            process.wait(GRACE_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
