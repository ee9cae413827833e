# SPDX-License-Identifier: Apache-2.0
"""camera-streamer and its readers in containers of their own: other pids, ipc, mounts and users, one /dev/shm."""

from __future__ import annotations

import errno
import os

import pytest

from hil.figures.measurement import Measurement
from hil.fleet import Fault, FleetResult
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig, put_on_record
from hil.workers.consumers import KINDS
from hil.workers.containers import why_not

pytestmark = pytest.mark.ring
READERS = "c example for borrow asyncio keyframes newest recorder v1"


@pytest.fixture(scope="module")
def story(rig: Rig) -> FleetResult:
    """A run in which a second writer comes, and the first is killed and started again, each in a container."""
    if told := why_not():
        pytest.skip(told)
    faults = [Fault(1, "second_producer"), Fault(3, "kill_writer"), Fault(5, "start_writer")]
    return rig.run(READERS, 8, faults=faults, contained=True)


def test_every_frame_is_accounted_for_in_other_containers(story: FleetResult, record: RecordedTest) -> None:
    """Readers of every kind, in containers that have /dev/shm read-only, get every frame, and all books balance.

    Would catch: a reader that needs its writer's pid, its user or a right to write; a frame that is lost uncounted.
    """
    assert len(READERS.split()) == len(KINDS)
    wrong = put_on_record(record, story)
    for consumer in story.consumers:
        count = Measurement(f"frames that {consumer.name} got", "frames", len(consumer.received), at_least=1)
        record.measure(count)
    assert wrong == []


def test_a_writer_in_another_container_keeps_a_second_one_out(story: FleetResult, record: RecordedTest) -> None:
    """A second writer, in a container of its own, is refused while the first lives.

    Would catch: a writer that looks for its predecessor's pid where there are other pids, and takes its ring.
    """
    [fault] = [fault for fault in story.faults if fault.kind == "second_producer"]
    record.measure(Measurement("exit code of the second writer", "", fault.code or 0, exactly=1))
    assert os.strerror(errno.EBUSY) in fault.said


@pytest.mark.timed
def test_the_death_of_a_writer_is_told_to_other_containers(story: FleetResult, record: RecordedTest) -> None:
    """A reader in another container is told within a second that its writer is dead, and goes on with the next one.

    Would catch: a reader that asks /proc about a process which it can't see.
    """
    at_ns = next(fault.at_ns for fault in story.faults if fault.kind == "kill_writer")
    [life] = story.consumers[0].lives
    told = [int(event["at_ns"]) for event in life.events if event["error"] == errno.EOWNERDEAD]
    assert told, f"nobody was told: {life.events}"
    told_s = (told[0] - at_ns) / 1e9
    record.measure(Measurement("from its death until a reader was told", "s", told_s, at_most=1.0, timed=True))


def test_nothing_is_left_by_containers(story: FleetResult, record: RecordedTest) -> None:
    """After the writer's orderly end, no name of its ring is left.

    Would catch: a writer that can't remove what it has made, as another user or in another namespace.
    """
    record.measure(Measurement("names left in /dev/shm", "names", len(story.names_left), exactly=0))
