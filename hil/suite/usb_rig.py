# SPDX-License-Identifier: Apache-2.0
"""Runs fleets on USB cameras of our own that a test plugs in, and records where each of their pictures went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hil.figures.measurement import Measurement
from hil.fleet import FleetResult
from hil.report.recorder import RecordedTest
from hil.suite.cameras import plugged_camera
from hil.suite.rig import Rig, put_on_record
from hil.suite.streaming import wait_until
from hil.suite.usb_story import Deed
from hil.usb.camera_process import UsbCamera

READERS = "c for"


def streamed(
    rig: Rig,
    usb: UsbCamera,
    design: str = "mjpeg",
    seconds: float = 4,
    deeds: Sequence[Deed] = (),
) -> FleetResult:
    """Run a fleet on a camera that is plugged in. design: its own. deeds: what is done to it meanwhile."""
    own = replace(rig, camera=plugged_camera(usb, f"usb:{design}"))
    return own.run(READERS, seconds, deeds=deeds)


def streamed_alone(rig: Rig, design: str, faults: Mapping[str, float | str], seconds: float = 4) -> FleetResult:
    """Run a fleet on a camera of its own, which has these faults from the start on."""
    with UsbCamera(design, serial="own", faults=faults) as usb:
        return streamed(rig, usb, design, seconds)


def put_accounts(record: RecordedTest, result: FleetResult) -> list[str]:
    """Record where the camera's pictures went. Returns the findings as text."""
    wrong = put_on_record(record, result)
    [page] = result.frame_book().cameras
    record.measure(
        Measurement("pictures that the camera sent", "pictures", page.sent, at_least=1),
        Measurement("pictures delivered", "pictures", page.delivered, at_least=1),
        Measurement("pictures lost in the driver", "pictures", page.lost or 0, timed=True),
    )
    for consumer in result.consumers:
        record.measure(Measurement(f"frames that {consumer.name} got", "frames", len(consumer.received), at_least=1))
    return wrong


def put_frames_after(record: RecordedTest, result: FleetResult, deed: str) -> None:
    """Record how many frames readers got of pictures that were taken after a deed: at least one."""
    at_ns = next(fault.at_ns for fault in result.faults if fault.kind == deed)
    after = int((result.consumers[0].received["capture_ns"] > at_ns).sum())
    record.measure(Measurement(f"frames after {deed}", "frames", after, at_least=1))


def put_times_opened(record: RecordedTest, usb: UsbCamera, most: int | None = None) -> None:
    """Record how often the camera was asked for a stream. most: that may be."""
    starts = usb.books().counts["started"]
    record.measure(Measurement("streams that the camera was asked for", "streams", starts, at_least=1, at_most=most))


def suspend(usb: UsbCamera) -> None:
    """Let the kernel suspend a camera that nobody uses, and wait until it has."""
    power = usb.place.folder / "power"
    (power / "autosuspend_delay_ms").write_text("100")
    (power / "control").write_text("auto")
    wait_until(lambda: (power / "runtime_status").read_text().strip() == "suspended", "the camera is suspended")
