# SPDX-License-Identifier: Apache-2.0
"""Runs small test suites with a pytest of their own and the plugin of the report."""

from typing import Any

import pytest
from boards import patient_board

from hil.report.merge import load

TIMEOUT_S = 240  # three interpreters begin in it, on a machine that may be busy
IMPORTS = """
import os, signal, time, pytest
from hil.figures.measurement import Measurement
from hil.figures.latency import LatencyHistogram
from hil.report.plugin import CONTROL

def stall(request, seconds=0.3):
    pid = request.config.stash[CONTROL].pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
"""


class Suite:
    """A test suite that is run by a pytest of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.report = pytester.path / "report"

    def run(self, program: str, *words: str, proven: bool = True, **bounds: float) -> pytest.RunResult:
        self._pytester.makepyfile(test_suite=IMPORTS + program)
        board = patient_board(self._pytester.path, proven=proven, **bounds)
        return self._pytester.runpytest_subprocess(
            "-p", "hil.report.plugin", "--board", board, *words, timeout=TIMEOUT_S
        )

    def tests(self) -> dict[str, Any]:
        [session] = load(self.report)["sessions"]
        return {test["name"].partition("::")[2]: test for test in session["tests"]}
