# SPDX-License-Identifier: Apache-2.0
"""The kernel's own drivers on a USB camera of ours: needs root and vhci_hcd, as in hil vm --cameras 0 -- pytest ..."""

import os
import signal
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from writers import wait_until

from hil.streamer.sources.modes import Size
from hil.streamer.sources.usb_reset import reset_device
from hil.streamer.sources.v4l2_abi import v4l2
from hil.streamer.sources.v4l2_controls import controls_of, set_controls
from hil.usb import host
from hil.usb.camera_process import UsbCamera
from hil.usb.watch import Watch

MISSING = host.why_not()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=f"the real uvcvideo: {MISSING}")
SMALL = Size(320, 180)
ENOUGH, PATIENCE_S = 20, 60.0


@pytest.fixture(scope="module", autouse=True)
def _modules() -> None:
    host.load()


@pytest.fixture
def mjpeg() -> Iterator[UsbCamera]:
    with UsbCamera("mjpeg") as camera:
        yield camera


@pytest.mark.parametrize(
    ("design", "fourcc"),
    [
        ("mjpeg", "MJPG"),
        ("yuyv", "YUYV"),
        ("nv12", "NV12"),
        ("h264", "H264"),
        ("bulk", "MJPG"),
        ("uvc10", "MJPG"),
        ("uvc15", "MJPG"),
    ],
)
def test_pictures_come_through_as_they_were_sent(design: str, fourcc: str) -> None:
    with UsbCamera(design) as camera:
        with Watch(camera.path, fourcc, SMALL) as watch:
            assert watch.more(ENOUGH, PATIENCE_S), watch.failures
        assert not watch.failures and not watch.events
        sent = {one.sequence: one for one in camera.books().stream(1)}
    for buffer in watch.buffers:
        assert not buffer.error and sent[buffer.sequence].whole
        assert buffer.bytes == sent[buffer.sequence].bytes
        assert sent[buffer.sequence].due_ns - 1000 <= buffer.stamp_ns <= (sent[buffer.sequence].sent_ns or 0) + 10**9


def test_it_has_a_bus_and_a_node_of_metadata(mjpeg: UsbCamera) -> None:
    assert mjpeg.bus.startswith("usb-vhci_hcd.0-") and mjpeg.card is None
    assert mjpeg.metadata_path is not None and mjpeg.metadata_path.exists()


def test_two_alike_are_two(mjpeg: UsbCamera) -> None:
    with UsbCamera("mjpeg", serial=mjpeg.serial) as other:
        assert other.path != mjpeg.path and other.bus != mjpeg.bus


def test_an_unplugged_camera_is_another_node_while_the_old_one_is_held(mjpeg: UsbCamera) -> None:
    with Watch(mjpeg.path, "MJPG", SMALL) as watch:
        assert watch.more(ENOUGH, PATIENCE_S)
        before, bus = mjpeg.path, mjpeg.bus
        mjpeg.unplug()
        assert not watch.capture(lambda: False, PATIENCE_S)
        assert watch.failures[-1][:2] == ("DQBUF", "ENODEV")
        assert mjpeg.plug() != before and mjpeg.bus == bus
    mjpeg.unplug()
    mjpeg.plug(4)
    assert mjpeg.bus != bus


def test_a_fault_is_what_the_books_say(mjpeg: UsbCamera) -> None:
    with Watch(mjpeg.path, "MJPG", SMALL) as watch:
        assert watch.more(ENOUGH, PATIENCE_S)
        mjpeg.set("truncated", 3)
        wait = mjpeg.books
        assert watch.capture(lambda: wait().counts["truncated"] == 3, PATIENCE_S) and watch.more(ENOUGH, PATIENCE_S)
    cut = {one.sequence: one.bytes for one in mjpeg.books().stream(1) if "truncated" in one.what}
    assert {buffer.sequence: buffer.bytes for buffer in watch.buffers if buffer.sequence in cut} == {
        sequence: size // 2 for sequence, size in cut.items()
    }


@pytest.mark.parametrize(
    ("fault", "call", "error"), [("refuse-commit", "STREAMON", "EIO"), ("no-bandwidth", "STREAMON", "ENOSPC")]
)
def test_a_refusal_is_the_errno_of_a_real_one(mjpeg: UsbCamera, fault: str, call: str, error: str) -> None:
    mjpeg.set(fault, 1)
    with Watch(mjpeg.path, "MJPG", SMALL) as watch:
        assert [failure[:2] for failure in watch.failures] == [(call, error)]
    with Watch(mjpeg.path, "MJPG", SMALL) as watch:
        assert watch.more(ENOUGH, PATIENCE_S)


def test_a_reset_wakes_a_camera_that_has_hung_and_its_node_is_there_again(mjpeg: UsbCamera) -> None:
    mjpeg.set("hung", 1)
    with Watch(mjpeg.path, "MJPG", SMALL) as watch:
        assert not watch.more(1, 1.0) and not watch.failures
    reset_device(str(mjpeg.place.folder.resolve()))
    assert mjpeg.books().counts["reset"] == 1
    with Watch(mjpeg.wait_for_node(), "MJPG", SMALL) as watch:
        assert watch.more(ENOUGH, PATIENCE_S), watch.failures


def test_a_reset_helps_a_camera_that_fails_whenever_it_is_asked_for_a_format(mjpeg: UsbCamera) -> None:
    mjpeg.set("confused", 1)
    with Watch(mjpeg.path, "MJPG", SMALL) as watch:
        assert [(one.call, one.name) for one in watch.failures] == [("S_FMT", "EIO")]
    reset_device(str(mjpeg.place.folder.resolve()))
    assert mjpeg.books().counts["reset"] == 1
    with Watch(mjpeg.wait_for_node(), "MJPG", SMALL) as watch:
        assert watch.more(ENOUGH, PATIENCE_S), watch.failures


def test_a_control_is_set_by_name_and_forgotten_with_the_plug(mjpeg: UsbCamera) -> None:
    for _ in range(2):
        with v4l2.Device(str(mjpeg.path)) as device:
            number = controls_of(device)["exposure_dynamic_framerate"]
            assert v4l2.get_control(device, number) == 1
            assert list(set_controls(device, [("exposure_dynamic_framerate", 0), ("brightness", 12)])) == []
            assert v4l2.get_control(device, number) == 0
            (told,) = set_controls(device, [("power_line_frequency", 99)])
            assert "its control power_line_frequency can't be set to 99" in told
            (told,) = set_controls(device, [("exposure_time_absolute", 50)])
            assert "it is inactive" in told and "auto_exposure=1" in told
            assert list(set_controls(device, [("auto_exposure", 1), ("exposure_time_absolute", 50)])) == []
        mjpeg.unplug()
        mjpeg.plug()


def test_a_control_that_does_not_tell_its_default_hides_none_of_the_others(mjpeg: UsbCamera) -> None:
    mjpeg.unplug()
    mjpeg.set("no-default")
    mjpeg.plug()
    with v4l2.Device(str(mjpeg.path)) as device:
        assert {"contrast", "power_line_frequency", "exposure_time_absolute"} <= controls_of(device).keys()
        assert list(set_controls(device, [("contrast", 33), ("power_line_frequency", 2)])) == []


def test_the_microphone_records(tmp_path: Path) -> None:
    file = tmp_path / "sound.raw"
    with UsbCamera("webcam") as camera:
        form = ["-f", "S16_LE", "-c", "1", "-r", "48000", "-d", "2", "-t", "raw"]
        words = ["arecord", "-q", "-D", f"hw:{camera.card}", *form, str(file)]
        subprocess.run(words, check=True, timeout=PATIENCE_S)
    samples = struct.unpack(f"<{2 * 48_000}h", file.read_bytes())
    assert max(samples) == 8000 and 0.15 < sum(map(bool, samples)) / 9600 < 3


def test_a_camera_that_is_killed_is_unplugged() -> None:
    with UsbCamera("mjpeg") as camera:
        folder = camera.place.folder
        os.kill(camera.pid, signal.SIGKILL)
        wait_until(lambda: not folder.exists(), "the kernel lets go of a camera without a process")
