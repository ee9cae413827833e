# SPDX-License-Identifier: Apache-2.0
"""What this machine has for cameras that are plugged in by a process, and where the kernel has put one."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..processes.command import CommandError, output_of
from .vhci import CONTROLLER, attach, ports

MODULES = ("vhci-hcd", "uvcvideo", "snd-usb-audio")
OPTIONAL = ("snd-usb-audio",)  # without it there is no microphone
DEVICES = Path("/sys/bus/usb/devices")
_PATH = "/usr/sbin:/sbin"  # not on every user's PATH
_PATIENCE_S = 60.0


def why_not() -> str | None:
    """Return what is missing here for USB cameras of our own, with the remedy, or None if all is there."""
    attach = CONTROLLER / "attach"
    may_plug_in = os.access(attach, os.W_OK)  # by root's leave, as ci/pi/setup gives it to a runner
    if os.geteuid() != 0 and not may_plug_in:
        return "only root may plug in a USB camera of one's own: use sudo, or hil vm"
    for module in MODULES:
        if module not in OPTIONAL and not _is_there(module):
            advice = (
                "Debian's and Raspberry Pi OS's kernels have it, Ubuntu's in linux-modules-extra-...; or use hil vm"
            )
            return f"this kernel, {os.uname().release}, has no module {module}: {advice}"
    if attach.exists() and not may_plug_in:
        return f"{attach} can't be written, as in a container: run outside of it, or use hil vm"
    return None


def _is_there(module: str) -> bool:
    if (Path("/sys/module") / module.replace("-", "_")).exists():
        return True
    try:
        _modprobe("--dry-run", module)
    except (CommandError, OSError):
        return False
    return True


def _modprobe(*words: str) -> None:
    program = shutil.which("modprobe", path=f"{os.environ.get('PATH', os.defpath)}:{_PATH}")
    if program is None:
        raise CommandError("modprobe is not installed: apt-get install kmod")
    output_of([program, *words], _PATIENCE_S)


def load() -> None:
    """Load the modules that are not loaded. Raises CommandError if one can't be."""
    for module in MODULES:
        if (Path("/sys/module") / module.replace("-", "_")).exists():
            continue
        try:
            _modprobe(module)
        except CommandError:
            if module not in OPTIONAL:
                raise


def make_ready() -> str | None:
    """Load what USB cameras of our own need. Returns why there can be none here, with the remedy, or None."""
    missing = why_not()
    if missing is not None:
        return missing
    try:
        load()
    except CommandError as error:
        # A controller that is there was loaded for others to use, and the kernel loads uvcvideo when it meets a camera.
        if not CONTROLLER.exists():
            return f"{error}: run sudo modprobe {MODULES[0]}, or use hil vm"
    return why_not()


class NoHostError(OSError):
    """There can be no USB camera of our own here. The message says why, and what to do."""


def attach_ready(end: socket.socket, port: int | None = None) -> int:
    """Plug in as vhci.attach does, after loading what is not loaded. Raises NoHostError or OSError."""
    if not os.access(CONTROLLER / "attach", os.W_OK) and (missing := make_ready()) is not None:
        raise NoHostError(errno.ENODEV, missing)
    return attach(end, port)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the kernel has put a camera.

    bus: as V4L2 tells it. video: the nodes, the capture node first, then that of its metadata. card: of ALSA, or None
    without a microphone. folder: of the device in sysfs.
    """

    bus: str
    video: tuple[Path, ...]
    card: int | None
    folder: Path


def place_of(port: int, controller: Path = CONTROLLER, devices: Path = DEVICES) -> Place | None:
    """Return the place of the device at a port of vhci_hcd, or None if it is not known to the kernel (yet)."""
    name = next((one.device for one in ports(controller) if one.number == port), "")
    folder = devices / name
    if not name or not (folder / "devpath").exists():
        return None
    try:
        hub = (devices / f"usb{(folder / 'busnum').read_text().strip()}").resolve()
        bus = f"usb-{hub.parent.name}-{(folder / 'devpath').read_text().strip()}"
    except OSError:  # it has just been unplugged
        return None
    return Place(bus, tuple(_video(folder)), _card(folder), folder)


def _video(folder: Path) -> Iterator[Path]:
    found = []
    for node in folder.glob("*/video4linux/video*"):
        try:
            found.append((int((node / "index").read_text()), Path("/dev") / node.name))
        except OSError:
            continue
    return (path for _, path in sorted(found))


def _card(folder: Path) -> int | None:
    for card in folder.glob("*/sound/card*"):
        return int(card.name.removeprefix("card"))
    return None
