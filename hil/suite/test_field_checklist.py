# SPDX-License-Identifier: Apache-2.0
"""The checks of the original's authors for technicians in the field, as tests.

The other checks are in test_stream.py (equal numbers at two consumers) and test_faults.py (the producer's restart).
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from hil.figures.measurement import Measurement
from hil.processes.environment import child_environment
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig, put_on_record
from hil.workers.programs import find_program, loaded_library
from vshm_ctypes import list_rings

pytestmark = pytest.mark.ring
PATIENCE_S = 120.0


def test_a_consumer_without_producer_says_what_to_do(rig: Rig, record: RecordedTest, ring: str) -> None:
    """A consumer that is started without a producer ends and says what to start, and so does vshm.

    Would catch: a consumer that crashes, hangs, or makes a ring of its own.
    """
    example = find_program("video_consumer", rig.library or loaded_library())
    commands = {
        "example": [str(example), "-n", ring],
        "vshm": [sys.executable, "-m", "vshm_ctypes", "record", ring, "-o", "-"],
    }
    for name, command in commands.items():
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=child_environment()
        )
        code = {"example": 1, "vshm": 3}[name]
        record.measure(Measurement(f"exit code of {name}", "", result.returncode, exactly=code))
        assert "camera-streamer" in result.stderr, result.stderr
    assert ring not in list_rings()


def test_nothing_is_left_once_the_producer_has_ended(rig: Rig, record: RecordedTest) -> None:
    """camera-streamer removes its ring and semaphores at its end, while readers are still there.

    Would catch: names that stay, memory that only a reboot frees.
    """
    result = rig.run("c for", 2)
    record.measure(Measurement("names left in shared memory", "names", len(result.names_left), exactly=0))
    assert put_on_record(record, result) == []


@pytest.mark.timed
@pytest.mark.long
def test_ten_consumers_for_a_minute_without_a_dropped_frame(rig: Rig, record: RecordedTest) -> None:
    """Ten consumers read for a minute, the ring drops no frame, and none of them misses one.

    Would catch: an error that happens only once in a thousand frames.
    """
    result = rig.run("c " * 10, rig.time_s(60))
    wrong = put_on_record(record, result)
    [books] = result.writer.books
    assert books is not None
    missed = sum(account.missed or 0 for _, account in result.accounts())
    record.measure(
        Measurement("frames that the ring dropped", "frames", books["ring_dropped"], exactly=0),
        Measurement("frames that consumers missed", "frames", missed, at_most=0, timed=True),
    )
    assert wrong == []
