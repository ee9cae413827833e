# SPDX-License-Identifier: Apache-2.0
"""Chooses the suite's camera: one that is there, else vivid in this kernel, else vivid in a virtual machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..vm import VmUnavailable
from ..vm.guest import load_words
from ..vm.kernel import find_kernel

VIVID = "vivid"
LOADED = Path("/sys/module/vivid")


class NoCameraError(RuntimeError):
    """There is no camera, and none can be made. The message says what was tried, and what to do."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the suite runs.

    place: on this machine, or in a virtual one. words: the suite's --camera there. count: cameras.
    """

    place: Literal["here", "vm"]
    words: str
    count: int = 1


@contextmanager
def chosen_camera(words: str, vivids: int, say: Callable[[str], None]) -> Iterator[Choice]:
    """Yield the chosen camera: auto, vm, vivid, or what camera-streamer takes. What was loaded is unloaded afterwards.

    vivids: how many to create with vivid. say: is called with a line for people. Raises NoCameraError.
    """
    if words == "vm":
        yield _virtual_machine(vivids, say, [])
    elif words == VIVID:
        with _vivid_here(vivids) as why_not:
            if why_not is not None:
                raise NoCameraError(why_not)
            yield Choice("here", VIVID, vivids)
    elif words == "auto":
        with _found(vivids, say) as choice:
            yield choice
    else:
        yield Choice("here", words, words.count(",") + 1 if words.startswith("/dev/") else 1)


@contextmanager
def _found(vivids: int, say: Callable[[str], None]) -> Iterator[Choice]:
    cameras, tried = cameras_here()
    if cameras:
        say(f"camera: {', '.join(cameras)}")
        yield Choice("here", ",".join(cameras), len(cameras))
        return
    with _vivid_here(vivids) as why_not:
        if why_not is None:
            say("no camera here: vivid in this kernel")
            yield Choice("here", VIVID, vivids)
            return
        tried.append(why_not)
    yield _virtual_machine(vivids, say, tried)


def cameras_here() -> tuple[list[str], list[str]]:
    """Return (what --camera takes for each usable camera, or rpicam if only libcamera can open it; why not others)."""
    from ..streamer.sources.devices import why_not  # v4l2py is slow to import
    from ..streamer.sources.v4l2_devices import video_devices
    from .vivid import is_aside

    devices, failures = video_devices()
    usable = [str(device.path) for device in devices if why_not(device) is None and not is_aside(device)]
    if not usable and any(device.media_controlled for device in devices) and shutil.which("rpicam-vid"):
        usable = ["rpicam"]
    return usable, [failure.strerror or "" for failure in failures]


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


def _virtual_machine(count: int, say: Callable[[str], None], tried: list[str]) -> Choice:
    try:
        find_kernel(say)
    except VmUnavailable as error:
        raise NoCameraError("; ".join(["no camera here", *tried, f"no virtual machine either: {error}"])) from None
    say("no camera here: vivid in a virtual machine" if tried else "vivid in a virtual machine")
    return Choice("vm", VIVID, count)
