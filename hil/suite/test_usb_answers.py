# SPDX-License-Identifier: Apache-2.0
"""USB cameras that do not answer as they should once they are opened again, or woken up; and their metadata nodes.

Each has a camera and a stream of its own, whose books are the camera's.
"""

from __future__ import annotations

from functools import partial

import pytest

from hil.figures.measurement import Measurement
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig
from hil.suite.streaming import WATCHDOG_S, python, streaming, take
from hil.suite.usb_rig import put_accounts, put_frames_after, streamed, suspend
from hil.suite.usb_story import Deed
from hil.usb.camera_process import UsbCamera
from vshm_ctypes import Consumer

pytestmark = [pytest.mark.usb, pytest.mark.long]
# Faults from which on nothing comes, until they end: with what value, and how long after their end at most.
WHILE_AWAY: dict[str, tuple[float, float]] = {
    "mute-probe": (1, 20),
    "refuse-probe": (100, 15),
    "refuse-commit": (100, 15),
    "frame-size": (3000, 40),  # it starts then, and is waited for longer each time
}
STALL_S = 4.0  # longer than a silent camera is waited for, so that it is opened again
AWAY_S = 12.0


@pytest.mark.parametrize("fault", WHILE_AWAY)
def test_a_camera_that_can_not_be_opened_again_for_a_while_is_tried_until_it_can(
    rig: Rig, record: RecordedTest, fault: str
) -> None:
    """A USB camera that stalled, and does not agree on a format when it is opened again, or tells a wrong size of its
    pictures, is tried again until it does, in the same ring, and each of its pictures is delivered or counted.

    Would catch: a camera that is given up, a program that hangs in the driver, pictures that nobody knows of.
    """
    value, rest_s = WHILE_AWAY[fault]
    with UsbCamera("mjpeg", serial="own") as usb:
        deeds = [
            Deed(2, fault, partial(usb.set, fault, value)),
            Deed(0, "stall", partial(usb.set, "stall", STALL_S)),
            Deed(AWAY_S, "clear", usb.clear),
        ]
        result = streamed(rig, usb, seconds=rest_s, deeds=deeds)
    put_frames_after(record, result, "clear")
    assert put_accounts(record, result) == []


@pytest.mark.parametrize("fault", ["mute-controls", "refuse-controls", "slow-controls"])
def test_controls_without_an_answer_do_not_disturb_a_stream(rig: Rig, record: RecordedTest, fault: str) -> None:
    """While a USB camera streams what it has encoded itself, and answers no control, or refuses each, or is slow to
    answer, pictures go on to come, and each is delivered or counted.

    Would catch: a reader that waits in the driver for a keyframe that it asks for, so that pictures are lost.
    """
    with UsbCamera("h264", serial="own") as usb:
        deeds = [Deed(1, fault, partial(usb.set, fault, 1)), Deed(4, "clear", usb.clear)]
        result = streamed(rig, usb, "h264", deeds=deeds)
    put_frames_after(record, result, fault)
    put_frames_after(record, result, "clear")
    assert put_accounts(record, result) == []


def test_a_camera_that_is_lost_when_it_is_woken_up_streams(rig: Rig, record: RecordedTest) -> None:
    """A USB camera that the kernel has suspended, and that does not answer when it is woken up, streams once the kernel
    has reset it.

    Would catch: a camera that is given up at the first error of its driver, as many cameras need a reset then.
    """
    with UsbCamera("mjpeg", serial="own") as usb:
        suspend(usb)
        usb.set("lost-on-resume", 1)
        result = streamed(rig, usb)
        lost = usb.books().counts["lost-on-resume"]
    record.measure(Measurement("times that it did not answer", "times", lost, at_least=1))
    assert put_accounts(record, result) == []


def test_the_node_of_a_camera_s_metadata_is_no_camera(ring: str, record: RecordedTest) -> None:
    """The node that a USB camera has for its metadata is passed over, and by its own name refused with a word why.

    Would catch: a camera that is found by its card's name, and opened by the wrong one of its nodes.
    """
    with UsbCamera("mjpeg", serial="own", product="Camera With Metadata") as usb:
        node = usb.metadata_path
        assert node is not None
        words = ("--device", "Camera With Metadata", "--channel", f"{ring}:codec=jpeg")
        with streaming(ring, *words) as streamer, Consumer(ring) as reader:
            frames = take(reader, 3)
            streamer.end()
        with python(ring, "hil.streamer.main", ["--device", str(node), "--channel", ring]) as refused:
            code, why = refused.wait(WATCHDOG_S), refused.complaints
    record.measure(Measurement("frames", "frames", len(frames), at_least=3))
    assert f"{node} (Camera With Metadata, uvcvideo, " in streamer.log
    assert (code, "it captures no video" in why) == (1, True), why
