# SPDX-License-Identifier: Apache-2.0
"""Faults of a USB camera, told from its own books: each picture that it sent is accounted for, at every reader.

The camera is the harness's own, on the kernel's uvcvideo. One stream goes through all faults, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hil.figures.measurement import Measurement
from hil.fleet import FleetResult
from hil.report.recorder import RecordedTest
from hil.suite.cameras import plugged_camera
from hil.suite.rig import Rig, put_on_record
from hil.suite.test_stream import decoded
from hil.suite.usb_story import PICTURE_FAULTS, fate_of, interruptions, picture_deeds, wrongly_shown
from hil.usb.camera_process import UsbCamera
from vshm_ctypes import Codec

pytestmark = pytest.mark.usb
READERS = "c for recorder"
STALL_S, REST_S = 3.0, 3.0


@pytest.fixture(scope="module")
def story(rig: Rig) -> Iterator[FleetResult]:
    """A run in which one fault after the other happens to a USB camera that sends MJPEG."""
    with UsbCamera("mjpeg", serial="faults") as usb:
        own = replace(rig, camera=plugged_camera(usb, "usb:mjpeg"))
        yield own.run(READERS, REST_S, deeds=[*picture_deeds(usb), *interruptions(usb, STALL_S)])


def test_every_picture_that_the_camera_sent_is_accounted_for(story: FleetResult, record: RecordedTest) -> None:
    """Through every fault of a USB camera, what it sent is what was delivered, lost in the driver, flagged, refused or
    given up, and every reader accounts for all that was delivered.

    Would catch: a picture that vanishes uncounted or is counted twice, between the plug and any reader.
    """
    wrong = put_on_record(record, story)
    [page] = story.frame_book().cameras
    record.measure(
        Measurement("pictures that the camera sent", "pictures", page.sent, at_least=100),
        Measurement("of them not whole, on purpose", "pictures", page.damaged, at_least=len(PICTURE_FAULTS)),
        Measurement("pictures delivered", "pictures", page.delivered, at_least=50),
        Measurement("pictures lost in the driver", "pictures", page.lost or 0, timed=True),
        Measurement("pictures outside of a stream", "pictures", page.outside, timed=True),
    )
    assert wrong == []


@pytest.mark.parametrize("fault", PICTURE_FAULTS)
def test_a_fault_of_pictures_is_survived_and_none_is_passed_on(
    story: FleetResult, record: RecordedTest, fault: str
) -> None:
    """A picture that a USB camera did not send whole reaches no reader, and those after it do.

    Would catch: a grey, torn or half picture that is encoded as a good one, and a stream that ends with it.
    """
    fate = fate_of(fault, story)
    is_picture = PICTURE_FAULTS[fault]
    record.measure(
        Measurement("pictures that suffered it", "pictures", fate.hit, at_least=1),
        Measurement("of them delivered to readers", "pictures", fate.shown, exactly=0 if is_picture is False else None),
        Measurement("pictures delivered afterwards", "pictures", fate.after, at_least=1),
    )


def test_readers_see_the_very_pictures_that_the_camera_drew(story: FleetResult, record: RecordedTest) -> None:
    """Every picture that a reader decodes shows the number that the camera drew into the picture of that place.

    Would catch: pictures that are mixed up, repeated, or dated as another one, in the driver or behind it.
    """
    [recorder] = [one for one in story.consumers if one.name.endswith("-recorder")]
    [life] = recorder.lives
    assert life.saved is not None
    at, numbers, units = 0, list[int](), list[bytes]()
    for frame in life.received:
        numbers.append(int(frame["number"]))
        units.append(life.saved[at : at + int(frame["size"])])
        at += int(frame["size"])
    pictures: list[Any] = decoded(units, Codec.H264)
    wrong = wrongly_shown(pictures, numbers, story) if len(pictures) == len(units) else numbers
    record.measure(
        Measurement("access units", "frames", len(units), at_least=50),
        Measurement("pictures of them", "pictures", len(pictures), exactly=len(units)),
        Measurement("pictures that are not those sent", "pictures", len(wrong), exactly=0),
    )


def test_a_failed_transfer_does_not_end_the_stream(story: FleetResult, record: RecordedTest) -> None:
    """Where the bus fails a request for video as a whole, as with a bad cable, pictures go on to come.

    Would catch: a camera that is given up, or reopened, at the first error on the bus.
    """
    times = {fault.kind: fault.at_ns for fault in story.faults}
    captured_ns = story.consumers[0].received["capture_ns"]
    within = int(((captured_ns > times["failed-transfer"]) & (captured_ns < times["stall"])).sum())
    record.measure(Measurement("frames until the next fault", "frames", within, at_least=1))


def test_a_stalled_refusing_and_unplugged_camera_comes_back(story: FleetResult, record: RecordedTest) -> None:
    """A USB camera that stalls, refuses to begin anew, and loses its plug is there again each time, in the same ring.

    Would catch: a camera that is given up, or taken for another one, and a ring that ends with it.
    """
    [life] = story.writer.lives
    assert life.summary is not None and story.sent is not None
    streams = {one.stream for one in story.sent if one.sent_ns is not None}
    plugged_ns = next(fault.at_ns for fault in story.faults if fault.kind == "plug")
    camera = life.summary["camera"]
    after = int((story.consumers[0].received["capture_ns"] > plugged_ns).sum())
    record.measure(
        Measurement("streams that the camera was asked for", "streams", len(streams), at_least=2),
        Measurement("times that it was opened anew for a stall", "times", camera.get("stalled", 0), timed=True),
        Measurement("times that its plug was pulled", "times", camera.get("unplugged", 0), exactly=1),
        Measurement("frames after it was plugged in again", "frames", after, at_least=1),
        Measurement("processes of camera-streamer", "processes", len(story.writer.lives), exactly=1),
    )
