# SPDX-License-Identifier: Apache-2.0
"""Which camera the suite gets, and what is said where there is none."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hil.host.board import find_board
from hil.streamer.sources import v4l2_devices
from hil.streamer.sources.devices import DeviceInfo
from hil.suite import camera_choice
from hil.suite.camera_choice import Choice, NoCameraError, chosen_cameras
from hil.suite.cameras import Camera, find_cameras
from hil.suite.usb_words import usb_design
from hil.usb import host as usb_host
from hil.usb.camera_process import UsbCamera
from hil.usb.designs import UnknownDesign
from hil.vm import VmUnavailable


class Host:
    """A machine with what a test gives it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.loaded = folder / "vivid"
        self.devices: list[DeviceInfo] = []
        self.programs: set[str] = {"modprobe"}
        self.kernel_has_vivid = False
        self.is_root = True
        self.can_have_vm = False
        self.no_usb: str | None = "this kernel has no module vhci-hcd"
        self.kernels: list[str] = []
        self.commands: list[list[str]] = []
        monkeypatch.setattr(v4l2_devices, "video_devices", lambda: (self.devices, []))
        monkeypatch.setattr(shutil, "which", lambda name: name if name in self.programs else None)
        monkeypatch.setattr(os, "geteuid", lambda: 0 if self.is_root else 1000)
        monkeypatch.setattr(camera_choice, "LOADED", self.loaded)
        monkeypatch.setattr(subprocess, "run", self._run)
        monkeypatch.setattr(camera_choice, "kernel_for", self._kernel_for)
        monkeypatch.setattr(camera_choice, "CONTROLLER", folder / "vhci")
        monkeypatch.setattr(usb_host, "why_not", lambda: self.no_usb)
        monkeypatch.setattr(usb_host, "load", lambda: self.commands.append(["modprobe", "vhci-hcd"]))

    def _run(self, command: list[str], **_words: Any) -> "subprocess.CompletedProcess[str]":
        self.commands.append(command)
        return subprocess.CompletedProcess(command, 0 if self.kernel_has_vivid else 1, "", "Module vivid not found.\n")

    def _kernel_for(self, _system: None, _say: object, version: str) -> None:
        self.kernels.append(version)
        if not self.can_have_vm:
            raise VmUnavailable("qemu is missing: apt-get install qemu-system-x86")

    def choices(self, words: str = "auto", vivids: int = 1) -> list[Choice]:
        with chosen_cameras(words, vivids, lambda line: None, "6.12") as choices:
            return choices

    def choice(self, words: str = "auto", vivids: int = 1) -> Choice:
        [choice] = self.choices(words, vivids)
        return choice


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    return Host(monkeypatch, tmp_path)


def device(number: int, driver: str = "uvcvideo", captures: bool = True, controlled: bool = False) -> DeviceInfo:
    return DeviceInfo(Path(f"/dev/video{number}"), driver, driver, f"usb-{number}", captures, controlled)


def test_a_multi_planar_vivid_stands_aside_and_any_other_camera_of_the_kind_does_not(host: Host) -> None:
    """The suite would be run twice on the same driver; cameras of newer boards have nothing else."""
    host.devices = [device(0, "vivid"), replace(device(1, "vivid"), multi_planar=True)]
    assert host.choice() == Choice("here", "/dev/video0")
    host.no_usb = None  # where vivid is loaded for want of a camera, as on a runner
    assert host.choices() == [Choice("here", "/dev/video0"), Choice("here", "usb")]
    assert [camera.device for camera in find_cameras("vivid")] == ["/dev/video0"]
    assert [camera.device for camera in find_cameras("/dev/video1")] == ["/dev/video1"]
    host.devices = [replace(device(0, "snps_hdmirx"), multi_planar=True)]
    assert host.choice() == Choice("here", "/dev/video0")
    assert [camera.device for camera in find_cameras("auto")] == ["/dev/video0"]


def test_a_camera_that_is_there_goes_first(host: Host) -> None:
    host.devices = [device(0, captures=False), device(1), device(2)]
    host.kernel_has_vivid = host.can_have_vm = True
    assert host.choice() == Choice("here", "/dev/video1,/dev/video2", 2)
    assert host.commands == []


def test_what_only_libcamera_can_drive_is_taken_through_rpicam(host: Host) -> None:
    host.devices = [device(0, "unicam", controlled=True)]
    host.programs |= {"rpicam-vid"}
    assert host.choice() == Choice("here", "rpicam")
    host.programs -= {"rpicam-vid"}
    host.can_have_vm = True
    assert host.choices()[0].place == "vm"


def test_vivid_is_loaded_where_the_kernel_has_it_and_unloaded_again(host: Host) -> None:
    host.kernel_has_vivid = host.can_have_vm = True
    assert host.choice(vivids=2) == Choice("here", "vivid", 2)
    assert [command[:2] for command in host.commands] == [["modprobe", "vivid"], ["modprobe", "-r"]]
    assert "n_devs=3" in host.commands[0]  # and the multi-planar one


def test_else_it_is_the_virtual_machine(host: Host) -> None:
    host.can_have_vm = True
    assert host.choices(vivids=2) == host.choices("vm", 2) == [Choice("vm", "vivid", 2), Choice("vm", "usb")]
    assert host.kernels == ["6.12", "6.12"]


def test_with_no_way_to_a_camera_all_that_was_tried_is_said(host: Host) -> None:
    host.is_root = False
    with pytest.raises(NoCameraError, match=r"only root can load it: sudo modprobe vivid.*apt-get install qemu"):
        host.choice()
    with pytest.raises(NoCameraError, match="only root can load it"):
        host.choice("vivid")
    host.is_root = True
    with pytest.raises(NoCameraError, match="this kernel has no vivid: Module vivid not found"):
        host.choice("vivid")
    host.programs = set()
    with pytest.raises(NoCameraError, match="apt-get install kmod"):
        host.choice("vivid")
    with pytest.raises(NoCameraError, match="qemu is missing"):
        host.choice("vm")


def test_a_usb_camera_of_our_own_is_beside_vivid_where_the_kernel_has_what_it_needs(host: Host) -> None:
    host.kernel_has_vivid, host.no_usb = True, None
    assert host.choices(vivids=2) == [Choice("here", "vivid", 2), Choice("here", "usb")]
    assert [command[:2] for command in host.commands] == [
        *(["modprobe", "vivid"], ["modprobe", "vhci-hcd"], ["modprobe", "-r"], ["modprobe", "-r"]),
    ]
    assert host.commands[2] == ["modprobe", "-r", "vhci-hcd"]


def test_a_host_controller_that_was_there_before_stays(host: Host, tmp_path: Path) -> None:
    (tmp_path / "vhci").mkdir()
    host.no_usb = None
    assert host.choice("usb:h264") == Choice("here", "usb:h264")
    assert host.commands == [["modprobe", "vhci-hcd"]]  # which does nothing then


def test_a_usb_camera_of_our_own_is_plugged_in_here_or_in_a_virtual_machine(host: Host) -> None:
    with pytest.raises(NoCameraError, match=r"no module vhci-hcd; no virtual machine either: qemu is missing"):
        host.choice("usb")
    host.can_have_vm = True
    assert host.choice("usb:bulk") == Choice("vm", "usb:bulk")
    host.no_usb = None
    assert host.choice("usb:bulk") == Choice("here", "usb:bulk")


def test_a_design_that_there_is_not_is_refused(host: Host) -> None:
    host.can_have_vm = True
    with pytest.raises(UnknownDesign, match=r"none: no such design; there are .*mjpeg"):
        host.choice("usb:none")
    assert usb_design("usb") == "webcam" and usb_design("usb:yuyv") == "yuyv"
    assert usb_design("usbcam") is usb_design("/dev/video0") is usb_design("vivid") is None


def test_a_vivid_that_was_there_before_stays(host: Host) -> None:
    host.loaded.mkdir()
    assert host.choice("vivid") == Choice("here", "vivid")
    assert host.commands == []


@pytest.mark.parametrize(
    ("design", "said"),
    [("h264-slices", "codec=h264"), ("h265", "codec=h265"), ("all", "encoder=libx264"), ("yuyv", "encoder=libx264")],
)
def test_what_a_camera_has_encoded_by_itself_is_what_the_ring_gets(design: str, said: str) -> None:
    camera = Camera("/dev/video0", "uvcvideo", v4l2=True, usb=UsbCamera(design))
    assert camera.writer(find_board("generic")).channel.split(",")[1:] == [said]
    assert camera.writer(find_board("generic"), "codec=jpeg").channel.split(",")[1:] == ["codec=jpeg"]
