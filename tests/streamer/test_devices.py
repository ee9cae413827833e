# SPDX-License-Identifier: Apache-2.0
"""Which device is meant; on descriptions, with no device."""

from dataclasses import replace
from pathlib import Path

import pytest

from hil.streamer.sources.devices import DeviceInfo, find_devices
from hil.streamer.sources.source import SourceError

CODEC = DeviceInfo(Path("/dev/video10"), "bcm2835-codec", "bcm2835-codec-decode", "platform:bcm2835-codec", False)
CSI = DeviceInfo(Path("/dev/video0"), "unicam", "unicam", "platform:3f801000.csi", True, media_controlled=True)
USB = DeviceInfo(Path("/dev/video1"), "uvcvideo", "HD Webcam", "usb-0000:01:00.0-1.2", True)
VIVID = DeviceInfo(Path("/dev/video2"), "vivid", "vivid", "platform:vivid-000", True)
ALL = [CODEC, CSI, USB, VIVID]


@pytest.mark.parametrize(
    ("words", "device"),
    [
        ("auto", USB),
        ("/dev/video2", VIVID),
        ("vivid", VIVID),
        ("usb-0000:01:00.0-1.2", USB),
        ("HD Webcam", USB),
    ],
)
def test_a_device_is_found_by_whatever_names_it(words: str, device: DeviceInfo) -> None:
    assert find_devices(words, ALL)[0][0] == device


def test_a_link_by_id_leads_to_its_device(tmp_path: Path) -> None:
    node = tmp_path / "video7"
    node.touch()
    (tmp_path / "by-id").symlink_to(node)
    device = DeviceInfo(node, "uvcvideo", "Webcam", "usb-1", True)
    assert find_devices(str(tmp_path / "by-id"), [USB, device])[0][0] == device


@pytest.mark.parametrize("words", ["auto", "uvcvideo", USB.bus])
def test_an_infrared_sensor_is_no_camera_as_long_as_there_is_one(words: str) -> None:
    """Some have the lower number. For uvcvideo, both functions of a device are on one bus."""
    infrared = replace(USB, path=Path("/dev/video0"), is_grey=True)
    assert find_devices(words, [infrared, USB])[0] == [USB, infrared]
    assert find_devices(words, [infrared])[0] == find_devices("/dev/video0", [infrared, USB])[0] == [infrared]


def test_auto_says_what_it_passed_over_and_why() -> None:
    _, said = find_devices("auto", ALL)
    assert len(said) == 2
    assert "captures no video" in said[0]
    assert "unicam" in said[1]
    assert "--device rpicam" in said[1]


def test_a_pis_image_processor_is_no_camera() -> None:
    isp = DeviceInfo(Path("/dev/video14"), "bcm2835-isp", "bcm2835-isp", "platform:bcm2835-isp", True)
    assert find_devices("auto", [isp, USB])[0][0] == USB
    with pytest.raises(SourceError, match="--device rpicam"):
        find_devices("/dev/video14", [isp])


@pytest.mark.parametrize("words", ["nonesuch", "/dev/video9", "unicam"])
def test_where_there_is_none_it_says_what_there_is(words: str) -> None:
    with pytest.raises(SourceError, match=r"no such camera; there is .*HD Webcam.*vivid"):
        find_devices(words, ALL)
    with pytest.raises(SourceError, match="no video device at all"):
        find_devices(words, [])
