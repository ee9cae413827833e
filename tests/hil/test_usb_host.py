# SPDX-License-Identifier: Apache-2.0
"""Where a USB camera is plugged in and found again: vhci_hcd's ports, sysfs, and what a machine may lack."""

import os
import socket
from pathlib import Path

import pytest

from hil.processes.command import CommandError
from hil.usb import host, vhci
from hil.usb.main import main

STATUS = """hub port sta spd dev      sockfd local_busid
hs  0000 006 003 00010001 000009 1-1
hs  0001 004 000 00000000 000000 0-0
hs  0002 005 000 00010003 000011 0-0
ss  0008 004 000 00000000 000000 0-0
"""


@pytest.fixture
def controller(tmp_path: Path) -> Path:
    folder = tmp_path / "platform" / "vhci_hcd.0"
    folder.mkdir(parents=True)
    (folder / "status").write_text(STATUS)
    (folder / "attach").touch()
    return folder


def test_ports_are_read(controller: Path) -> None:
    assert vhci.ports(controller) == [(0, False, "1-1"), (1, True, ""), (2, False, "")]
    (controller / "status.1").write_text("hub port sta spd dev      sockfd local_busid\nhs  0016 004 0 0 0 0-0\n")
    assert vhci.ports(controller)[-1] == (16, True, "")


def test_a_device_goes_to_a_free_port(controller: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert vhci.attach(theirs, controller=controller) == 1
        assert (controller / "attach").read_text() == f"1 {theirs.fileno()} 65538 3"
        (controller / "attach").write_text("")
        assert vhci.attach(theirs, 5, controller) == 5
        (controller / "status").write_text(STATUS.replace(" 004 ", " 006 "))
        with pytest.raises(OSError, match="every port"):
            vhci.attach(theirs, controller=controller)


def test_without_the_module_there_are_no_ports(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vhci.ports(tmp_path)


@pytest.fixture
def devices(tmp_path: Path, controller: Path) -> Path:
    """What sysfs has of a camera with a microphone at port 0."""
    folder = tmp_path / "devices"
    hub = controller / "usb1"
    camera = hub / "1-1"
    for part in ("1-1:1.0/video4linux/video7", "1-1:1.0/video4linux/video6", "1-1:1.2/sound/card3"):
        (camera / part).mkdir(parents=True)
    (camera / "devpath").write_text("1\n")
    (camera / "busnum").write_text("1\n")
    for node, index in (("video6", 1), ("video7", 0)):
        (camera / "1-1:1.0/video4linux" / node / "index").write_text(f"{index}\n")
    folder.mkdir()
    (folder / "usb1").symlink_to(hub)
    (folder / "1-1").symlink_to(camera)
    return folder


def test_a_camera_is_found_by_its_port(controller: Path, devices: Path) -> None:
    place = host.place_of(0, controller, devices)
    assert place is not None
    assert place.bus == "usb-vhci_hcd.0-1"
    assert place.video == (Path("/dev/video7"), Path("/dev/video6"))  # by their index, not by their number
    assert place.card == 3


def test_a_port_without_a_camera_has_no_place(controller: Path, devices: Path) -> None:
    assert host.place_of(1, controller, devices) is None
    assert host.place_of(9, controller, devices) is None
    (devices / "1-1").unlink()  # it has just been unplugged
    assert host.place_of(0, controller, devices) is None


def test_what_is_missing_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "root" in (host.why_not() or "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "MODULES", ("vshm-nothing",))
    assert "vshm-nothing" in (host.why_not() or "") and "hil vm" in (host.why_not() or "")
    monkeypatch.setattr(host, "MODULES", ())
    assert host.why_not() is None
    monkeypatch.setattr(host, "CONTROLLER", tmp_path)
    (tmp_path / "attach").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write whatever is writable at all
    assert "container" in (host.why_not() or "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "access", lambda path, mode: path == tmp_path / "attach" and mode == os.W_OK)
    assert host.why_not() is None  # root has given leave, as ci/pi/setup does


@pytest.mark.parametrize("can_load", [True, False])
def test_a_camera_is_plugged_in_after_its_modules_were_loaded_or_it_is_said_what_to_do(
    can_load: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attach, done = tmp_path / "vhci_hcd.0" / "attach", list[str]()

    def modprobe(*words: str) -> None:
        if "--dry-run" in words:
            return
        if not can_load:
            raise CommandError(f"modprobe {words[0]}: Operation not permitted")
        done.append(words[0])
        attach.parent.mkdir()
        attach.touch()

    def plug_in(*_: object) -> int:
        done.append("attach")
        raise OSError("far enough")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "CONTROLLER", attach.parent)
    monkeypatch.setattr(host, "MODULES", ("vshm-nothing",))
    monkeypatch.setattr(host, "_modprobe", modprobe)
    monkeypatch.setattr(host, "attach", plug_in)
    monkeypatch.setattr("hil.usb.clips.open_clips", lambda *_: [])
    code, told = main(["camera", "mjpeg", "--folder", str(tmp_path / "camera")]), capsys.readouterr().err
    assert (code, done) == ((1, ["vshm-nothing", "attach"]) if can_load else (4, []))
    assert can_load or "Operation not permitted: run sudo modprobe vshm-nothing, or use hil vm" in told
