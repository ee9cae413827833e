# SPDX-License-Identifier: Apache-2.0
"""Faults of a ring in use: readers survive them, are told in time, and every frame is accounted for."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import subprocess
import sys

import pytest

from hil.figures.measurement import Measurement
from hil.fleet import Fault, FleetResult
from hil.fleet.faults import FaultKind
from hil.processes.environment import child_environment
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig, put_on_record

pytestmark = pytest.mark.ring
READERS = "c for example"
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def story(rig: Rig) -> FleetResult:
    """A run in which one fault after the other happens to a ring, while its readers continue."""
    kinds: dict[FaultKind, float] = {"second_producer": 1, "remove_name": 2, "end_writer": 4}
    faults = [Fault(at_s, kind) for kind, at_s in kinds.items()]
    faults += [Fault(4.5, "start_writer"), Fault(6.5, "replace_ring")]
    return rig.run(READERS, 8.5, faults=faults)


def window(result: FleetResult, kind: FaultKind) -> tuple[int, int]:
    """Return (when that fault happened, when the next one did or the run ended)."""
    at = next(at for at, fault in enumerate(result.faults) if fault.kind == kind)
    following = result.faults[at + 1].at_ns if at + 1 < len(result.faults) else result.end_ns
    return result.faults[at].at_ns, following


def told_after_s(result: FleetResult, at_ns: int, *errors: int) -> float:
    """Return how many seconds after at_ns the first consumer got one of these errors."""
    [life] = result.consumers[0].lives
    told = [int(event["at_ns"]) for event in life.events if event["error"] in errors and event["at_ns"] > at_ns]
    assert told, f"nobody was told: {life.events}"
    return (told[0] - at_ns) / 1e9


def put_received(record: RecordedTest, result: FleetResult, begin_ns: int, end_ns: int) -> None:
    """Record the frames that each consumer got between two times, if it records times; at least one is required."""
    for consumer in result.consumers:
        awake_ns = consumer.received["awake_ns"]
        if awake_ns.any():
            count = int(((awake_ns > begin_ns) & (awake_ns <= end_ns)).sum())
            record.measure(Measurement(f"frames that {consumer.name} got in that time", "frames", count, at_least=1))


@pytest.mark.timed
def test_a_killed_camera_streamer_is_noticed_and_its_successor_followed(rig: Rig, record: RecordedTest) -> None:
    """When camera-streamer is killed, readers are told within a second, and go on once it is started again.

    Would catch: a reader that waits for ever on a dead writer, a ring that its next writer can't take over.
    """
    result = rig.run(READERS, 4, faults=[Fault(1, "kill_writer"), Fault(2.5, "start_writer")])
    wrong = put_on_record(record, result)
    told_s = told_after_s(result, result.faults[0].at_ns, errno.EOWNERDEAD)
    record.measure(Measurement("from its death until readers were told", "s", told_s, at_most=1.0, timed=True))
    put_received(record, result, result.faults[1].at_ns, result.end_ns)
    assert wrong == []


def test_every_frame_is_accounted_for_whatever_happens_to_the_ring(story: FleetResult, record: RecordedTest) -> None:
    """Through a second producer, a deleted name, a restart and a new geometry, every frame is accounted for.

    Would catch: a torn or repeated frame where one ring follows another, a frame that is lost uncounted.
    """
    assert put_on_record(record, story) == []


def test_a_second_producer_is_turned_away(story: FleetResult, record: RecordedTest) -> None:
    """A second producer of the same ring is refused at once, and readers notice nothing.

    Would catch: two writers in one ring.
    """
    fault = story.faults[0]
    assert (fault.kind, fault.code) == ("second_producer", 1)
    assert os.strerror(errno.EBUSY) in fault.said
    begin_ns, end_ns = window(story, "second_producer")
    received = story.consumers[0].received
    then = received[(received["awake_ns"] > begin_ns) & (received["awake_ns"] <= end_ns)]
    assert not then["discontinuity"].any()
    assert all(later == earlier + 1 for earlier, later in itertools.pairwise(then["number"].tolist()))
    put_received(record, story, begin_ns, end_ns)


def test_a_deleted_name_is_made_anew(story: FleetResult, record: RecordedTest) -> None:
    """When the ring's name is deleted, as session managers do, the writer makes the ring anew, and readers go over.

    Would catch: a writer that goes on writing where nobody can find it.
    """
    begin_ns, end_ns = window(story, "remove_name")
    assert story.writer.lives[0].ended_ns > begin_ns  # the same process goes on
    told_s = told_after_s(story, begin_ns, errno.EPIPE)
    record.measure(Measurement("from the deletion until readers were told", "s", told_s))
    put_received(record, story, begin_ns + int(told_s * 1e9), end_ns)


def test_a_restarted_camera_streamer_is_followed(story: FleetResult, record: RecordedTest) -> None:
    """When camera-streamer ends and is started again, its readers go on with the new ring by themselves.

    Would catch: a reader that stays with a ring that has no name any more.
    """
    assert story.writer.lives[0].code == 0
    put_received(record, story, *window(story, "start_writer"))


def test_a_ring_of_another_geometry_takes_the_name_over(story: FleetResult, record: RecordedTest) -> None:
    """When a ring of another geometry takes the ring's name, readers are told, and go over to it.

    Would catch: a reader that reads the new ring with the old one's offsets.
    """
    begin_ns, end_ns = window(story, "replace_ring")
    assert told_after_s(story, begin_ns, errno.EPIPE, errno.EOWNERDEAD) > 0
    put_received(record, story, begin_ns, end_ns)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root, and unshare")
def test_a_nearly_full_dev_shm_is_said_and_left_as_it_was(rig: Rig, record: RecordedTest) -> None:
    """Where /dev/shm has no room for the ring, camera-streamer says so and what to do, and leaves nothing there.

    Would catch: a ring that is made all the same, and ends its writer or a reader by SIGBUS at the first full slot.
    """
    command = [sys.executable, "-m", "hil.streamer", "--device", "testsrc:320x240@30", "--channel", "0:encoder=libx264"]
    script = 'mount -t tmpfs -o size=8m tmpfs /dev/shm && { "$@"; code=$?; ls -A /dev/shm; exit $code; }'
    result = subprocess.run(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=child_environment(),
    )
    record.measure(Measurement("exit code of camera-streamer", "", result.returncode, exactly=1))
    assert "/dev/shm is full" in result.stderr
    assert result.stdout == ""
