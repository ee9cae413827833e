# SPDX-License-Identifier: Apache-2.0
"""A command that runs beside USB cameras: they are plugged in before it, and gone after it, whatever becomes of it."""

import sys
from pathlib import Path
from types import TracebackType

import pytest

from hil.usb import beside
from hil.usb.main import main
from hil.vm import Job
from vshm_ctypes.commandline.own_module import own_module

TOLD: list[str] = []


class StandIn:
    """A camera that only tells what is done to it."""

    def __init__(self, design: str, serial: str) -> None:
        self.serial, self.path = serial, Path(f"/dev/video{int(serial)}")
        self._name = f"{design} {serial}"

    def __enter__(self) -> "StandIn":
        TOLD.append(f"in: {self._name}")
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        TOLD.append(f"out: {self._name}")


@pytest.fixture(autouse=True)
def cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    TOLD.clear()
    monkeypatch.setattr(beside, "UsbCamera", StandIn)
    monkeypatch.setattr(beside, "make_ready", lambda: TOLD.append("load"))


def test_cameras_are_there_before_the_command_and_gone_after_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = f"import sys; open({str(tmp_path / 'ran')!r}, 'w').close(); sys.exit(7)"
    assert main(["beside", "2", "mjpeg", "--", sys.executable, "-c", script]) == 7
    assert TOLD == ["load", "in: mjpeg 0001", "in: mjpeg 0002", "out: mjpeg 0002", "out: mjpeg 0001"]
    assert (tmp_path / "ran").exists()
    assert "hil.usb: /dev/video2: mjpeg, serial number 0002" in capfd.readouterr().err


def test_a_command_that_a_signal_ended_is_told_as_a_shell_would() -> None:
    assert main(["beside", "1", "mjpeg", "--", "sh", "-c", "kill -9 $$"]) == 128 + 9
    assert TOLD[-1] == "out: mjpeg 0001"


def test_a_command_that_is_not_there_leaves_no_camera(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["beside", "1", "mjpeg", "--", "/nowhere/to/be/found"]) == 1
    assert "/nowhere/to/be/found" in capsys.readouterr().err
    assert TOLD[-1] == "out: mjpeg 0001"


def test_where_there_can_be_no_camera_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(beside, "make_ready", lambda: "only root may: use sudo")
    assert main(["beside", "1", "mjpeg", "--", "true"]) == 4
    assert capsys.readouterr().err == "hil.usb: only root may: use sudo\n"
    assert TOLD == []


def test_in_the_virtual_machine_the_command_runs_beside_them(tmp_path: Path) -> None:
    job = Job(("camera-streamer", "--list"), tmp_path, usb=2, design="h264")
    beside = own_module("hil.usb", "beside", "2", "h264", "--", *job.command)
    assert job.command_inside == tuple(beside)
    assert Job(("true",), tmp_path).command_inside == ("true",)
