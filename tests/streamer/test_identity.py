# SPDX-License-Identifier: Apache-2.0
"""What sysfs tells of a camera, in a folder that looks like it; and that the source heeds it."""

import errno
from pathlib import Path

import pytest
from camera_streams import SIZE, camera_of, plug
from fake_v4l2 import CAPTURE, FakeCamera

from hil.streamer.sources import identity, v4l2_devices
from hil.streamer.sources.identity import Identity, identify
from hil.streamer.sources.modes import Wanted
from hil.streamer.sources.pixel_formats import fourcc_of
from hil.streamer.sources.source import SourceError
from hil.streamer.sources.v4l2 import V4l2Source
from hil.streamer.sources.v4l2_devices import video_devices
from vshm_ctypes import Codec

PORTS = "devices/pci0000:00/0000:00:14.0/usb1/1-1"


class Sysfs:
    """A folder in which device nodes are entered under numbers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "dev/char").mkdir(parents=True)

    def _enter(self, number: str, node: Path, **texts: str) -> None:
        node.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (node / name).write_text(f"{text}\n")
        link = self.folder / "dev/char" / number
        link.unlink(missing_ok=True)
        link.symlink_to(node)

    def plug(
        self, number: str, port: str, serial: str | None, interface: str = "00", index: int = 0, name: str = "Webcam"
    ) -> Path:
        """Enter a node of a USB camera, and return the folder of the camera."""
        camera = self.folder / PORTS / f"1-1.{port}"
        device = camera / f"1-1.{port}:1.{int(interface, 16)}"
        node = device / f"video4linux/node{number.replace(':', '_')}"
        self._enter(number, node, index=str(index), name=name)
        if not (node / "device").is_symlink():
            (node / "device").symlink_to(device)
        (device / "bInterfaceNumber").write_text(f"{interface}\n")
        (camera / "idVendor").write_text("046d\n")
        (camera / "idProduct").write_text("0825\n")
        if serial is not None:
            (camera / "serial").write_text(f"{serial}\n")
        return camera

    def platform(self, number: str, name: str) -> None:
        """Enter a node of a camera that is no USB camera."""
        device = self.folder / "devices/platform/vivid.0"
        node = device / f"video4linux/{name}"
        self._enter(number, node, index="0", name=name)
        (node / "device").symlink_to(device)

    def loopback(self, number: str) -> None:
        """Enter a node that belongs to no device."""
        self._enter(number, self.folder / "devices/virtual/video4linux/video20", index="0", name="OBS")


@pytest.fixture
def sysfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sysfs:
    monkeypatch.setattr(identity, "SYSFS", tmp_path / "sys")
    return Sysfs(tmp_path / "sys")


def test_a_usb_camera_is_told_by_port_model_serial_and_function(sysfs: Sysfs) -> None:
    camera = sysfs.plug("81:0", "2", "C0FFEE")
    assert identify("81:0") == Identity(str(camera), "046d:0825", "C0FFEE", "00.0", None)
    (camera / "power").mkdir()
    (camera / "power/connected_duration").write_text("83500\n")
    assert identify("81:0").connected_s == 83.5


def test_metadata_nodes_and_infrared_sensors_are_other_functions_of_one_camera(sysfs: Sysfs) -> None:
    for number, (interface, index) in enumerate([("00", 0), ("00", 1), ("02", 0)]):
        sysfs.plug(f"81:{number}", "2", "A", interface, index)
    found = [identify(f"81:{number}") for number in range(3)]
    assert len({each.function for each in found}) == 3
    assert len({(each.port, each.serial, each.model) for each in found}) == 1


def test_a_camera_without_a_serial_number_has_none(sysfs: Sysfs) -> None:
    sysfs.plug("81:0", "2", None)
    assert identify("81:0").serial == ""


def test_cameras_on_other_buses_are_told_by_what_their_node_is_called(sysfs: Sysfs) -> None:
    for number in range(2):
        sysfs.platform(f"81:{number}", f"vivid-00{number}-vid-cap")
    first, second = identify("81:0"), identify("81:1")
    assert (first.port, first.serial, first.model) == (second.port, "", "")
    assert first.function == "vivid-000-vid-cap" != second.function


def test_where_sysfs_says_nothing_there_is_no_identity(sysfs: Sysfs) -> None:
    sysfs.loopback("81:20")
    assert identify("81:20") == identify("81:99") == Identity()


def test_a_serial_number_may_be_of_any_bytes(sysfs: Sysfs) -> None:
    (sysfs.plug("81:0", "2", "") / "serial").write_bytes(b"\xff\xfe1\n")
    assert identify("81:0").serial.endswith("1")


# ---- through the source ----


class Desk:
    """Cameras on a fake USB: each in a port, with a serial number."""

    def __init__(self, sysfs: Sysfs, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._sysfs, self._monkeypatch, self._folder = sysfs, monkeypatch, folder
        self._numbers: dict[int, str] = {}
        monkeypatch.setattr(v4l2_devices, "node_number", self._number)
        self._count = 0

    def _number(self, descriptor: int) -> str:
        return self._numbers[Path(f"/proc/self/fd/{descriptor}").stat().st_ino]

    def put(self, *plugged: tuple[str, str], broken: bool = False) -> list[Path]:
        """Make these (port, serial) the only cameras, as video0 and so on. broken: the last one can't be queried."""
        cameras = [camera_of(Codec.JPEG, []) for _ in plugged]
        cameras[-1].refused |= {0: errno.EIO} if broken else {}
        for camera, (port, _) in zip(cameras, plugged, strict=True):
            camera.bus = f"usb-1.{port}".encode()
        nodes = plug(self._monkeypatch, self._folder, *cameras)
        for node, (port, serial) in zip(nodes, plugged, strict=True):
            self._count += 1
            self._numbers[node.stat().st_ino] = f"81:{self._count}"
            self._sysfs.plug(f"81:{self._count}", port, serial)
        return nodes


@pytest.fixture
def desk(sysfs: Sysfs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    return Desk(sysfs, monkeypatch, tmp_path)


def begun(words: str) -> V4l2Source:
    """A source that streams."""
    source = V4l2Source(words, Wanted(SIZE))
    source.open()
    source.read(0.0)
    source.close()
    return source


def reopened(source: V4l2Source) -> str:
    """Open it again, and return which one it is."""
    try:
        source.open()
    finally:
        source.close()
    return source.name


def test_a_path_leads_to_its_camera_after_the_numbers_have_changed(desk: Desk) -> None:
    node, _ = desk.put(("1", "A"), ("2", "B"))
    source = begun(str(node))
    desk.put(("2", "B"), ("1", "A"))
    assert "usb-1.1" in reopened(source)
    desk.put(("2", "B"))
    for _ in range(2):
        with pytest.raises(SourceError, match=rf"{node} is another device now, and is not taken for .*usb-1\.1"):
            reopened(source)
    desk.put(("2", "B"), ("3", "A"))
    assert "usb-1.3" in reopened(source)


@pytest.mark.parametrize("words", ["auto", "fake"])
def test_the_other_of_two_alike_is_not_taken_at_once(desk: Desk, words: str) -> None:
    desk.put(("1", "0001"), ("2", "0001"))
    source = begun(words)
    assert "usb-1.1" in source.name
    desk.put(("2", "0001"))
    with pytest.raises(SourceError, match="is like it, and is not taken for it"):
        reopened(source)
    desk.put(("2", "0001"), ("4", "0001"))
    assert "usb-1.4" in reopened(source)


def test_what_happens_to_other_cameras_changes_nothing_of_what_is_said(desk: Desk) -> None:
    """Else the log would have a line for each of their nodes that comes and goes."""
    desk.put(("1", "A"), ("2", "B"))
    source, said = begun("auto"), set()
    for broken in (False, True):
        desk.put(("2", "B"), ("3", "C"), broken=broken)
        with pytest.raises(SourceError) as raised:
            reopened(source)
        said.add(raised.value.strerror)
    assert len(said) == 1


def test_a_node_of_any_name_is_a_camera_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container may have one: docker run --device /dev/video4:/dev/front."""
    (node,) = plug(monkeypatch, tmp_path, camera_of(Codec.JPEG, []))
    other = node.rename(tmp_path / "front")
    assert video_devices(tmp_path) == ([], [])
    assert str(other) in begun(str(other)).name


def test_nodes_that_capture_no_pictures_are_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing = FakeCamera(fourcc_of("MJPG"), *SIZE, capabilities=CAPTURE)
    nothing.formats = []
    others = [0x00800000, 0x2, 0x8000, 0x4000, 0x3000, 0x10, 0x00100000]  # metadata, output, m2m, vbi, sdr
    nodes = plug(
        monkeypatch,
        tmp_path,
        *(FakeCamera(fourcc_of("MJPG"), *SIZE, capabilities=each) for each in others),
        nothing,
        camera_of(Codec.JPEG, []),
    )
    for words in ("auto", "fake"):
        assert str(nodes[-1]) in begun(words).name
