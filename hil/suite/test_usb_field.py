# SPDX-License-Identifier: Apache-2.0
"""What USB cameras in the field do, and people have to put up with: they hang, forget their settings, and slow down."""

from __future__ import annotations

import itertools
from functools import partial

import pytest

from hil.figures.measurement import Measurement
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig
from hil.suite.streaming import WATCHDOG_S, streaming, take, take_until_break, wait_until
from hil.suite.usb_rig import put_accounts, put_frames_after, streamed
from hil.suite.usb_story import Deed
from hil.usb.camera_process import UsbCamera
from vshm_ctypes import Consumer

pytestmark = [pytest.mark.usb, pytest.mark.long]
KEEPS_ITS_RATE = "exposure_dynamic_framerate=0"
CARD = "Camera In The Dark"
RESET_WITHIN_S = 300.0  # it is opened in vain first, for a minute at least, as it might only be slow or disturbed
STALL_S = 4.0  # longer than a silent camera is waited for, so that it is opened again
NS = 1_000_000_000


@pytest.mark.parametrize("fault", ["hung", "confused"])
def test_a_camera_that_has_hung_is_reset(rig: Rig, record: RecordedTest, fault: str) -> None:
    """A USB camera that sends nothing any more, however often it is opened again, or that stalled and fails at once
    each time that it is opened, is reset, as pulling its plug would, and goes on in the same ring; each of its
    pictures is delivered or counted.

    Would catch: a program that waits for somebody who comes and pulls the plug.
    """
    with UsbCamera("mjpeg", serial="own") as usb:

        def wait_for_reset() -> None:
            wait_until(lambda: bool(usb.books().counts["reset"]), "the camera is reset", RESET_WITHIN_S)

        deeds = [
            Deed(2, fault, partial(usb.set, fault, 1)),
            Deed(0, "stall", partial(usb.set, "stall", STALL_S)),
            Deed(0, "reset", wait_for_reset, RESET_WITHIN_S),
        ]
        result = streamed(rig, usb, seconds=30, deeds=deeds)
    put_frames_after(record, result, "reset")
    [life] = result.writer.lives
    assert life.summary is not None
    resets = life.summary["camera"]["resets"]
    record.measure(Measurement("times that it was reset", "times", resets, exactly=1))
    assert put_accounts(record, result) == []


def test_a_camera_keeps_its_rate_in_the_dark_if_it_is_told_so_also_after_it_was_unplugged(
    ring: str, record: RecordedTest
) -> None:
    """A USB camera that would slow down in the dark is told by a control not to, and told again when it is plugged in
    again, as it has forgotten that.

    Would catch: a control that is set once, so that the rate sinks after the first loose contact.
    """
    with UsbCamera("mjpeg", serial="own", product=CARD, faults={"dark": 1}) as usb:
        words = ("--device", CARD, "--channel", f"{ring}:codec=jpeg,slots=120", "--control", KEEPS_ITS_RATE)
        with streaming(ring, *words) as streamer, Consumer(ring) as reader:
            take(reader, 5)
            usb.unplug()
            usb.plug()
            take_until_break(reader)
            take(reader, 5)
            streamer.end()
        # What there was no room for is in the books at once, before earlier pictures that still wait to be sent.
        pictures = sorted(usb.books().pictures, key=lambda one: one.due_ns)
    steps = [b.due_ns - a.due_ns for a, b in itertools.pairwise(pictures) if a.stream == b.stream]
    streams = len({one.stream for one in pictures})
    record.measure(
        Measurement("streams", "streams", streams, at_least=2),
        Measurement("longest time from one picture to the next", "s", max(steps) / NS, at_most=1.01 / 30),
    )


def test_that_a_camera_slows_down_is_said(ring: str) -> None:
    """A USB camera that gives fewer pictures than it agreed to is named as the cause, with what helps.

    Would catch: a rate that is a riddle to whoever looks at the stream.
    """
    with UsbCamera("mjpeg", serial="own", product=CARD, faults={"dark": 1}):
        words = ("--device", CARD, "--channel", f"{ring}:codec=jpeg,slots=120")
        with streaming(ring, *words) as streamer:
            wait_until(
                lambda: "pictures a second, not the 30 agreed on" in streamer.child.complaints, "it is said", WATCHDOG_S
            )
            streamer.end()
    assert f"--control {KEEPS_ITS_RATE}" in streamer.log
