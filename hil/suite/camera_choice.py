# SPDX-License-Identifier: Apache-2.0
"""Chooses the suite's cameras: those that are here, else vivid and a USB camera of our own, here or in a guest."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..usb import host
from ..usb.vhci import CONTROLLER
from ..vm import VmUnavailable
from ..vm.guest import load_words
from ..vm.kernel import kernel_for
from .usb_words import USB, usb_design

VIVID = "vivid"
LOADED = Path("/sys/module/vivid")


class NoCameraError(RuntimeError):
    """There is no camera, and none can be made. The message says what was tried, and what to do."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the suite runs on a camera.

    place: on this machine, or in a virtual one. words: the suite's --camera there. count: cameras.
    """

    place: Literal["here", "vm"]
    words: str
    count: int = 1


@contextmanager
def chosen_cameras(words: str, vivids: int, say: Callable[[str], None], kernel: str = "") -> Iterator[list[Choice]]:
    """Yield the chosen cameras, all in one place. What was loaded for them is unloaded afterwards.

    words: auto, vm, vivid, usb, usb:DESIGN, or what camera-streamer takes. vivids: how many to create with vivid. say:
    is called with a line for people. kernel: the version of the virtual machine's, or "" for any. Raises NoCameraError,
    or ValueError for a design that there is not.
    """
    if words == "vm":
        yield _virtual_machine(both_inside(vivids), say, [], kernel)
    elif words == VIVID:
        with _vivid_here(vivids) as why_not:
            if why_not is not None:
                raise NoCameraError(why_not)
            yield [Choice("here", VIVID, vivids)]
    elif usb_design(words) is not None:
        with _usb_here() as why_not:
            if why_not is None:
                yield [Choice("here", words)]
                return
        yield _virtual_machine([Choice("vm", words)], say, [why_not], kernel)
    elif words == "auto":
        with _found(vivids, say, kernel) as choices:
            yield choices
    else:
        yield [Choice("here", words, words.count(",") + 1 if words.startswith("/dev/") else 1)]


@contextmanager
def _found(vivids: int, say: Callable[[str], None], kernel: str) -> Iterator[list[Choice]]:
    cameras, tried, are_vivid = cameras_here()
    found = Choice("here", ",".join(cameras), len(cameras))
    if cameras and not are_vivid:
        say(f"camera: {found.words}")
        yield [found]
        return
    with nullcontext() if cameras else _vivid_here(vivids) as no_vivid:
        if no_vivid is None:
            say(f"no camera here: using {found.words or VIVID}, vivid in this kernel")
            with _usb_here() as no_usb:
                say(f"no USB camera of our own: {no_usb}" if no_usb else "using a USB camera of our own, too")
                yield [found if cameras else Choice("here", VIVID, vivids), *([] if no_usb else [Choice("here", USB)])]
            return
        tried.append(no_vivid)
    yield _virtual_machine(both_inside(vivids), say, tried, kernel)


def cameras_here() -> tuple[list[str], list[str], bool]:
    """Return (what --camera takes for each usable camera, why not others, whether all of them are vivid's).

    If only libcamera can open a camera, it is rpicam.
    """
    from ..streamer.sources.devices import why_not  # v4l2py is slow to import
    from ..streamer.sources.v4l2_devices import video_devices
    from .vivid import is_aside

    devices, failures = video_devices()
    there = [device for device in devices if why_not(device) is None and not is_aside(device)]
    usable = [str(device.path) for device in there]
    if not usable and any(device.media_controlled for device in devices) and shutil.which("rpicam-vid"):
        usable = ["rpicam"]
    are_vivid = bool(there) and all(device.driver == VIVID for device in there)
    return usable, [failure.strerror or "" for failure in failures], are_vivid


@contextmanager
def _vivid_here(count: int) -> Iterator[str | None]:
    """Load vivid during the block. Yields None, or why it can't be loaded."""
    if LOADED.exists():
        yield None
    elif os.geteuid() != 0:
        yield "vivid is not loaded, and only root can load it: sudo modprobe vivid n_devs=1"
    elif shutil.which("modprobe") is None:
        yield "vivid is not loaded, and there is no modprobe: apt-get install kmod"
    else:
        result = subprocess.run(load_words(count), capture_output=True, text=True, check=False)
        if result.returncode != 0:
            yield f"this kernel has no vivid: {result.stderr.strip()}"
            return
        try:
            yield None
        finally:
            subprocess.run(["modprobe", "-r", VIVID], capture_output=True, check=False)


@contextmanager
def _usb_here() -> Iterator[str | None]:
    """Load what USB cameras of our own need during the block. Yields None, or why there can be none."""
    was_there, why_not = CONTROLLER.exists(), host.make_ready()
    try:
        yield why_not
    finally:
        if why_not is None and not was_there:
            subprocess.run(["modprobe", "-r", host.MODULES[0]], capture_output=True, check=False)


def both_inside(vivids: int) -> list[Choice]:
    """Return the cameras of a virtual machine: so many of vivid's, and a USB camera of our own."""
    return [Choice("vm", VIVID, vivids), Choice("vm", USB)]


def _virtual_machine(choices: list[Choice], say: Callable[[str], None], tried: list[str], kernel: str) -> list[Choice]:
    try:
        kernel_for(None, say, kernel)
    except VmUnavailable as error:
        raise NoCameraError("; ".join(["no camera here", *tried, f"no virtual machine either: {error}"])) from None
    what = f"{' and '.join(choice.words for choice in choices)} in a virtual machine"
    say(f"not here: {'; '.join(tried)}: {what}" if tried else what)
    return choices
