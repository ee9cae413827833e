# SPDX-License-Identifier: Apache-2.0
"""Which camera is it? Of USB cameras that look alike, each stream keeps to its own, whatever number or port it has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil.suite.streaming import streaming, take, take_until_break
from hil.usb.camera_process import UsbCamera
from hil.usb.vhci import ports
from vshm_ctypes import Consumer

pytestmark = pytest.mark.usb
CARD = "Twin Camera"
SETTINGS = "codec=jpeg,slots=120"


def twin() -> UsbCamera:
    """Return a camera that has everything in common with the others, even its serial number."""
    return UsbCamera("mjpeg", serial="twin", product=CARD)


@pytest.fixture
def twins() -> Iterator[list[UsbCamera]]:
    """Two cameras alike, which are plugged in."""
    with twin() as one, twin() as other:
        yield [one, other]


def free_port() -> int:
    """Return a port that nothing is plugged into."""
    return next(port.number for port in ports() if port.free)


def test_the_other_one_of_two_cameras_alike_is_not_taken(twins: list[UsbCamera], ring: str) -> None:
    """While a camera is unplugged, the other one of its kind is left alone, and in another port it is known again.

    Would catch: a recording that goes on with the wrong camera's pictures.
    """
    with streaming(ring, "--device", CARD, "--channel", f"{ring}:{SETTINGS}") as streamer, Consumer(ring) as reader:
        take(reader, 5)
        one, other = sorted(twins, key=lambda camera: str(camera.path) not in streamer.child.complaints)
        one.unplug()
        streamer.wait_for_log(f"{other.bus}) is like it, and is not taken for it")
        one.plug(free_port())
        take_until_break(reader)
        take(reader, 5)
        streamer.end()
        assert f"{one.bus}): it is there again" in streamer.log
        assert streamer.log.count("not to be opened yet") == 1


@pytest.mark.long
def test_a_path_leads_to_its_camera_and_not_to_the_one_that_has_the_number_now(
    twins: list[UsbCamera], ring: str
) -> None:
    """A camera that was named by its node is found under its new number; another one that got the number is not taken.

    Would catch: a device that is opened again by a number that the kernel has given to another camera.
    """
    one, _ = twins
    node = one.path
    words = ("--device", str(node), "--channel", f"{ring}:{SETTINGS}")
    with streaming(ring, *words) as streamer, Consumer(ring) as reader:
        take(reader, 5)
        one.unplug()
        streamer.wait_for_log("it was unplugged; it is opened again")  # and the number is free
        with UsbCamera("mjpeg", serial="another") as another:
            if another.path == node:  # the lowest free number, unless another test's camera came first
                streamer.wait_for_log(f"{node} is another device now, and is not taken for {CARD}")
            path = one.plug(free_port())
            take_until_break(reader)
            take(reader, 5)
            streamer.end()
            assert path != another.path
    assert f"{path} ({CARD}, uvcvideo, {one.bus}): it is there again" in streamer.log


@pytest.mark.long
def test_where_a_camera_is_in_use_its_name_leads_to_another_one(twins: list[UsbCamera], ring: str) -> None:
    """Two programs that are given the name of a kind of camera get a camera each.

    Would catch: a second program that gives up although a camera is free.
    """
    rings = [ring, f"{ring}_other"]
    with (
        streaming(rings[0], "--device", CARD, "--channel", f"{rings[0]}:{SETTINGS}") as first,
        streaming(rings[1], "--device", CARD, "--channel", f"{rings[1]}:{SETTINGS}") as second,
    ):
        for streamer in (first, second):
            streamer.end()
    (taken,) = [camera for camera in twins if f"{camera.path} ({CARD}, uvcvideo, {camera.bus}): MJPG" in first.log]
    (free,) = [camera for camera in twins if camera is not taken]
    assert f"{taken.path} ({CARD}, uvcvideo, {taken.bus}): another program uses it: passed over" in second.log
    assert f"{free.path} ({CARD}, uvcvideo, {free.bus}): MJPG" in second.log


@pytest.mark.long
def test_a_microphone_is_followed_to_its_new_number(ring: str) -> None:
    """A USB microphone that was named by its number is found under another one, after another microphone has taken that
    number while it was unplugged.

    Would catch: the other microphone's sound, or silence until somebody starts the program anew.
    """
    with (
        UsbCamera("webcam", serial="heard", port=4) as usb,
        UsbCamera("webcam", serial="other", port=5, unplugged=True) as other,
    ):
        card = usb.card
        words = ["--device", "testsrc", "--channel", f"{ring}_picture:320x180@1,encoder=libx264"]
        words += ["--audio", f"alsa:hw:{card},codec=pcm,ring={ring}"]
        with streaming(ring, *words) as streamer, Consumer(ring) as reader:
            take(reader, 10)
            usb.unplug()
            streamer.wait_for_log("it is opened again")
            other.plug()
            probed = other.books().counts["sound-started"]  # by the driver, which tries it out
            usb.plug()
            assert other.card == card != usb.card
            take_until_break(reader)
            take(reader, 10)
            streamer.end()
        assert other.books().counts["sound-started"] == probed
    assert streamer.summary["microphone"]["absent"] == 1
