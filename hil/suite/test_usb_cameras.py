# SPDX-License-Identifier: Apache-2.0
"""USB cameras of every design, and with each fault of time and of answers: pictures arrive, and are accounted for.

Each has a camera and a stream of its own, whose books are the camera's.
"""

from __future__ import annotations

import pytest

from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig
from hil.suite.usb_rig import put_accounts, put_frames_after, put_times_opened, streamed, streamed_alone
from hil.suite.usb_story import Deed
from hil.usb.camera_process import UsbCamera
from hil.usb.designs import DESIGNS

pytestmark = [pytest.mark.usb, pytest.mark.long]
# Faults that are there when the camera is opened, and with what value.
AT_THE_START: dict[str, float | str] = {
    "late-start": 3,
    "interval": 0.5,
    "jitter": 0.05,
    "spread": 4,
    "refuse-probe": 1,
    "refuse-interface": 1,
    "refuse-commit": 1,
    "no-bandwidth": 1,
    "refuse-controls": 1,
    "slow-controls": 0.1,
    "pts": "jump",
    "scr": "random",
}
SLOW_S = 2.5  # between pictures: 0.4 a second
OTHER_PORT = 6


@pytest.mark.parametrize("design", DESIGNS)
def test_pictures_of_every_design_are_accounted_for(rig: Rig, record: RecordedTest, design: str) -> None:
    """Whatever a USB camera sends its pictures in, each of them is delivered or counted, at every reader.

    Would catch: a format, or a kind of transfer, of which pictures are lost, torn or joined uncounted.
    """
    assert put_accounts(record, streamed_alone(rig, design, {})) == []


@pytest.mark.parametrize("fault", AT_THE_START)
def test_a_camera_with_a_fault_of_time_or_answers_streams(rig: Rig, record: RecordedTest, fault: str) -> None:
    """A USB camera that is late, slow or uneven, has wrong clocks, or refuses what it is asked for, is waited for or
    asked again, and each of its pictures is delivered or counted.

    Would catch: a camera that is given up too soon, or reopened between its pictures, and pictures lost by that.
    """
    assert put_accounts(record, streamed_alone(rig, "mjpeg", {fault: AT_THE_START[fault]})) == []


def test_a_camera_that_sends_a_picture_every_few_seconds_is_not_taken_for_stalled(
    rig: Rig, record: RecordedTest
) -> None:
    """A USB camera that has agreed on a usual rate, and sends 0.4 pictures a second, as in the dark, is opened once.

    Would catch: a limit of silence that knows no such rate, by which it is opened anew between its pictures.
    """
    with UsbCamera("mjpeg", serial="own", faults={"interval": SLOW_S}) as usb:
        result = streamed(rig, usb, seconds=6 * SLOW_S)
        put_times_opened(record, usb, most=1)
    assert put_accounts(record, result) == []


def test_a_camera_in_another_port_is_the_same_camera(rig: Rig, record: RecordedTest) -> None:
    """A USB camera whose plug is put into another port is found there, and the ring goes on.

    Would catch: a camera that is only known by its node or its port.
    """
    with UsbCamera("mjpeg", serial="own") as usb:
        deeds = [Deed(2, "unplug", usb.unplug), Deed(1, "plug", lambda: usb.plug(OTHER_PORT))]
        result = streamed(rig, usb, seconds=8, deeds=deeds)
    put_frames_after(record, result, "plug")
    assert put_accounts(record, result) == []
