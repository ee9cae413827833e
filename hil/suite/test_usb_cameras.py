# SPDX-License-Identifier: Apache-2.0
"""USB cameras of every design, and with each fault of time and of answers: pictures arrive, and are accounted for.

Each has a camera and a stream of its own, whose books are the camera's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from hil.figures.measurement import Measurement
from hil.fleet import FleetResult
from hil.report.recorder import RecordedTest
from hil.suite.cameras import plugged_camera
from hil.suite.rig import Rig, put_on_record
from hil.suite.usb_story import Deed
from hil.usb.camera_process import UsbCamera
from hil.usb.designs import DESIGNS

pytestmark = [pytest.mark.usb, pytest.mark.long]
READERS = "c for"
# Faults that are there when the camera is opened, and with what value.
AT_THE_START: dict[str, float | str] = {
    "late-start": 3,
    "interval": 0.5,
    "jitter": 0.05,
    "spread": 4,
    "refuse-interface": 1,
    "refuse-commit": 1,
    "no-bandwidth": 1,
    "refuse-controls": 1,
    "slow-controls": 0.1,
    "pts": "jump",
    "scr": "random",
}


def streamed(
    rig: Rig, design: str, faults: Mapping[str, float | str], seconds: float = 4, moves_to: int | None = None
) -> FleetResult:
    """Run a fleet on a camera of its own. moves_to: the port that its plug is put into meanwhile."""
    with UsbCamera(design, serial="own", faults=faults) as usb:
        own = replace(rig, camera=plugged_camera(usb, f"usb:{design}"))
        moves = [] if moves_to is None else [Deed(2, "unplug", usb.unplug), Deed(1, "plug", lambda: usb.plug(moves_to))]
        return own.run(READERS, seconds, deeds=moves)


def put_accounts(record: RecordedTest, result: FleetResult) -> list[str]:
    """Record where the camera's pictures went. Returns the findings as text."""
    wrong = put_on_record(record, result)
    [page] = result.frame_book().cameras
    record.measure(
        Measurement("pictures that the camera sent", "pictures", page.sent, at_least=1),
        Measurement("pictures delivered", "pictures", page.delivered, at_least=1),
        Measurement("pictures lost in the driver", "pictures", page.lost or 0),
    )
    for consumer in result.consumers:
        record.measure(Measurement(f"frames that {consumer.name} got", "frames", len(consumer.received), at_least=1))
    return wrong


@pytest.mark.parametrize("design", DESIGNS)
def test_pictures_of_every_design_are_accounted_for(rig: Rig, record: RecordedTest, design: str) -> None:
    """Whatever a USB camera sends its pictures in, each of them is delivered or counted, at every reader.

    Would catch: a format, or a kind of transfer, of which pictures are lost, torn or joined uncounted.
    """
    assert put_accounts(record, streamed(rig, design, {})) == []


@pytest.mark.parametrize("fault", AT_THE_START)
def test_a_camera_with_a_fault_of_time_or_answers_streams(rig: Rig, record: RecordedTest, fault: str) -> None:
    """A USB camera that is late, slow or uneven, has wrong clocks, or refuses what it is asked for, is waited for or
    asked again, and each of its pictures is delivered or counted.

    Would catch: a camera that is given up too soon, or reopened between its pictures, and pictures lost by that.
    """
    assert put_accounts(record, streamed(rig, "mjpeg", {fault: AT_THE_START[fault]})) == []


def test_a_camera_in_another_port_is_the_same_camera(rig: Rig, record: RecordedTest) -> None:
    """A USB camera whose plug is put into another port is found there, and the ring goes on.

    Would catch: a camera that is only known by its node or its port.
    """
    result = streamed(rig, "mjpeg", {}, 8, moves_to=6)
    wrong = put_accounts(record, result)
    plugged_ns = next(fault.at_ns for fault in result.faults if fault.kind == "plug")
    after = int((result.consumers[0].received["capture_ns"] > plugged_ns).sum())
    record.measure(Measurement("frames from the other port", "frames", after, at_least=1))
    assert wrong == []
