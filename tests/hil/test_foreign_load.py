# SPDX-License-Identifier: Apache-2.0
"""What others use of the processors while we measure."""

import os
import signal
import subprocess
import sys
import time

import pytest

from hil.host import foreign_load
from hil.host.foreign_load import Usage


def test_what_is_not_ours_is_others() -> None:
    begin = Usage(100.0, 1000.0, 10.0, 4)
    assert foreign_load.share(begin, Usage(110.0, 1020.0, 10.0, 4)) == pytest.approx(0.5)
    assert foreign_load.share(begin, Usage(110.0, 1020.0, 30.0, 4)) == 0


def test_a_child_that_was_reaped_is_ours() -> None:
    before = foreign_load.read_usage()
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    assert foreign_load.read_usage().own_s - before.own_s >= 0.25


def test_what_still_runs_is_ours_too_also_a_child_s_child() -> None:
    burn = "print(flush=True)\nwhile True: pass"
    nested = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    with subprocess.Popen([sys.executable, "-c", nested], stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            before = foreign_load.read_usage()
            deadline = time.monotonic() + 60
            while foreign_load.read_usage().own_s - before.own_s < 0.3:
                assert time.monotonic() < deadline, "nobody counts it"
                time.sleep(0.05)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_little_is_not_worth_a_word() -> None:
    assert foreign_load.remark(0.05) == []
    assert "30 %" in foreign_load.remark(0.3)[0].replace("30%", "30 %")
