# SPDX-License-Identifier: Apache-2.0
"""Being told to end where a sandbox refuses timers, which patience needs."""

import errno
import sys

import pytest
from hosts import on, refusing_timers

BLOCKED = """
import signal, time
from vshm_ctypes.commandline.ending import heeding
try:
    with heeding(lambda: None, patience_s=0.1):
        signal.raise_signal(signal.SIGTERM)
        time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""

SWALLOWED = """
import signal, time
from vshm_ctypes.commandline.ending import heeding
class Gone:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
try:
    with heeding():
        Gone()
        time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("program", [BLOCKED, SWALLOWED], ids=["patience", "swallowed"])
@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM])
def test_without_timers_it_ends_likewise(program: str, error: int) -> None:
    done = on(refusing_timers(error), sys.executable, "-c", program)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)
