# SPDX-License-Identifier: Apache-2.0
"""The scenes of the table: each puts a fault before a program that captures, and tells what the program saw."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import NamedTuple

from vshm_ctypes.commandline import output

from ..streamer.sources.modes import Size
from .camera_process import UsbCamera
from .driver_view import NOTHING, View, view
from .faults import FAULTS, Unit
from .watch import Watch

SIZE = Size(320, 180)
ROUNDS, BETWEEN = 3, 8  # how often a counted fault is put, and buffers in between
_PATIENCE_S = 20.0


class Scene(NamedTuple):
    """A scene, in which a camera stands before a program.

    name: of its row. design: of its camera. fourcc: of the pictures. play: is given the camera and that. fault, value:
    what is put before camera-streamer, too, or "". opens: it is there when the camera is opened.
    """

    name: str
    design: str
    fourcc: str
    play: Callable[[UsbCamera, str], View]
    fault: str = ""
    value: float | str = 1
    opens: bool = False

    def run(self, camera: UsbCamera) -> View:
        """Play it on a camera, which is plugged in and has no faults afterwards."""
        seen = self.play(camera, self.fourcc)
        camera.clear()
        camera.plug()
        return seen


def _watch(camera: UsbCamera, fourcc: str) -> Watch:
    return Watch(camera.wait_for_node(), fourcc, SIZE)


def _view(camera: UsbCamera, watch: Watch, fault: str, from_the_start: bool = False) -> View:
    books = camera.books()
    stream = max((picture.stream for picture in books.pictures), default=0)
    starts_ns = [event.time_ns for event in books.events if event.name == "started"]
    began_ns = starts_ns[-1] if starts_ns and from_the_start else None
    seen = view(list(books.stream(stream)), watch.buffers, watch.failures, watch.events, fault, began_ns)
    return seen if watch.buffers or watch.failures else seen._replace(poll="nothing comes")


def counted(fault: str) -> Callable[[UsbCamera, str], View]:
    """Return the scene in which a picture or transfer now and then has a fault."""

    def play(camera: UsbCamera, fourcc: str) -> View:
        with _watch(camera, fourcc) as watch:
            watch.more(BETWEEN, _PATIENCE_S)
            for _ in range(ROUNDS):
                camera.set(fault, 1)
                watch.more(BETWEEN, _PATIENCE_S)
            return _view(camera, watch, fault)

    return play


def transfers(count: int) -> Callable[[UsbCamera, str], View]:
    """Return the scene in which that many transfers fail in a row."""

    def play(camera: UsbCamera, fourcc: str) -> View:
        with _watch(camera, fourcc) as watch:
            watch.more(BETWEEN, _PATIENCE_S)
            camera.set("failed-transfer", count)
            watch.more(4 * BETWEEN, 3.0)
            return _view(camera, watch, "failed-transfer")

    return play


def lasting(fault: str, value: float | str, seconds: float) -> Callable[[UsbCamera, str], View]:
    """Return the scene in which a fault that lasts comes while a program captures."""

    def play(camera: UsbCamera, fourcc: str) -> View:
        with _watch(camera, fourcc) as watch:
            watch.more(BETWEEN, _PATIENCE_S)
            camera.set(fault, value)
            watch.capture(lambda: False, seconds)
            return _view(camera, watch, fault)

    return play


def from_the_start(fault: str, value: float) -> Callable[[UsbCamera, str], View]:
    """Return the scene in which a program opens a camera that has the fault already."""

    def play(camera: UsbCamera, fourcc: str) -> View:
        camera.set(fault, value)
        with _watch(camera, fourcc) as watch:
            watch.more(BETWEEN, _PATIENCE_S)
            return _view(camera, watch, fault, from_the_start=True)

    return play


def control(fault: str, value: float) -> Callable[[UsbCamera, str], View]:
    """Return the scene in which a program sets a control while it captures."""

    def play(camera: UsbCamera, fourcc: str) -> View:
        with _watch(camera, fourcc) as watch:
            watch.more(BETWEEN, _PATIENCE_S)
            camera.set(fault, value)
            before = camera.books().counts["late-answer"]
            watch.set_brightness(10)
            answers = camera.books().counts["late-answer"] - before
            camera.clear()
            watch.more(BETWEEN, _PATIENCE_S)
            seen = _view(camera, watch, fault)._replace(poll=NOTHING)  # the program itself waited meanwhile
            told = f"S_CTRL: none after {output.counted(answers, 'answer')} of {value:g} s each"
            return seen if watch.failures else seen._replace(errno=told)

    return play


def unplugged(back: bool, port: int | None = None) -> Callable[[UsbCamera, str], View]:
    """Return the scene in which the plug is pulled under a program, and put in again while that holds the node."""

    def play(camera: UsbCamera, fourcc: str) -> View:
        before, bus = camera.path, camera.bus
        with _watch(camera, fourcc) as watch:
            watch.more(BETWEEN, _PATIENCE_S)
            camera.unplug()
            watch.capture(lambda: False, 1.0)
            seen = view([], [], watch.failures, watch.events, "")
            if not back:
                return seen._replace(sequence=f"node {'stays' if before.exists() else 'gone'}")
            after = camera.plug(port)
        told = [
            f"node {'the same' if after == before else 'another'}",
            f"bus {'the same' if camera.bus == bus else 'another'}",
        ]
        return seen._replace(sequence=", ".join(told))

    return play


def resumed(camera: UsbCamera, fourcc: str) -> View:
    """Play the scene in which the camera was suspended, since nobody used it, and is lost when it is woken up."""
    power = camera.place.folder / "power"
    (power / "autosuspend_delay_ms").write_text("100")
    (power / "control").write_text("auto")
    until_s = time.monotonic() + _PATIENCE_S
    while (power / "runtime_status").read_text().strip() != "suspended" and time.monotonic() < until_s:
        time.sleep(0.05)
    slept = (power / "runtime_status").read_text().strip()
    camera.set("lost-on-resume", 1)
    with _watch(camera, fourcc) as watch:
        watch.more(BETWEEN, _PATIENCE_S)
        seen = _view(camera, watch, "lost-on-resume")
    with contextlib.suppress(OSError):
        (camera.place.folder / "power" / "control").write_text("on")
    answered = camera.books().counts["lost-on-resume"]
    return seen._replace(flags=f"was {slept}" + (", reset" if answered else ""))


def plain(camera: UsbCamera, fourcc: str) -> View:
    """Play the scene without a fault."""
    with _watch(camera, fourcc) as watch:
        watch.more(3 * BETWEEN, _PATIENCE_S)
        seen = _view(camera, watch, "")
        flags = "ERROR" if any(buffer.error for buffer in watch.buffers) else "none"
        return seen._replace(flags=flags, bytes="all")


_OTHER_PORT = 5
_PLAIN = {
    "mjpeg": "MJPG",
    "mjpeg-no-dht": "MJPG",
    "yuyv": "YUYV",
    "nv12": "NV12",
    "h264": "H264",
    "h264-slices": "H264",
    "h264-cut": "H264",
    "h265": "HEVC",
    "h265-slices": "HEVC",
    "bulk": "MJPG",
    "uvc10": "MJPG",
    "uvc15": "MJPG",
}
_RAW = ("truncated", "empty", "hole", "lost-packet", "error-bit")
_LASTING = (
    ("stall", 2.0, 3.0),
    ("interval", 2.5, 6.0),
    ("dark", 1, 1.0),
    ("jitter", 0.02, 1.0),
    ("spread", 6, 1.0),
    ("hung", 1, 3.0),
)
_AT_START = (
    ("late-start", 3.0),
    ("refuse-probe", 1),
    ("refuse-commit", 1),
    ("refuse-interface", 1),
    ("no-bandwidth", 1),
    ("mute-probe", 1),
    ("confused", 1),
    ("frame-size", 3000),
)
_NO_DEVICE = ("mute-probe", "confused")  # plugged in with it, it is no device of V4L2 at all
# The last one lets the driver remember what it asks for once, and no other does.
_OF_CONTROLS = (("refuse-controls", 1), ("mute-controls", 1), ("no-default", 1), ("slow-controls", 2.0))


def _scenes() -> list[Scene]:
    small = [name for name, fault in FAULTS.items() if fault.unit == Unit.PICTURES]
    found = [Scene(f"no fault, {name}", name, fourcc, plain) for name, fourcc in _PLAIN.items()]
    found += [Scene(name, "mjpeg", "MJPG", counted(name), name) for name in small]
    found += [Scene(f"{name}, in bulk", "bulk", "MJPG", counted(name), name) for name in ("error-bit", "truncated")]
    found += [Scene(f"{name}, raw", "yuyv", "YUYV", counted(name), name) for name in _RAW]
    for count in (1, 5):
        name = f"failed-transfer={count}"
        found.append(Scene(name, "mjpeg", "MJPG", transfers(count), "failed-transfer", count))
    for name, value, seconds in _LASTING:
        found.append(Scene(f"{name}={value:g}", "mjpeg", "MJPG", lasting(name, value, seconds), name, value))
    for name in ("pts", "scr"):
        for word in FAULTS[name].words:
            found.append(Scene(f"{name}={word}", "mjpeg", "MJPG", lasting(name, word, 1.0), name, word))
    for name, value in _AT_START:
        fault = "" if name in _NO_DEVICE else name
        found.append(Scene(f"{name}={value:g}", "mjpeg", "MJPG", from_the_start(name, value), fault, value, True))
    found += [Scene(f"{name}={value:g}", "mjpeg", "MJPG", control(name, value)) for name, value in _OF_CONTROLS]
    found.append(Scene("unplug", "mjpeg", "MJPG", unplugged(False)))
    found.append(Scene("unplug, plug, while the node is held", "mjpeg", "MJPG", unplugged(True)))
    found.append(Scene("unplug, plug at another port", "mjpeg", "MJPG", unplugged(True, _OTHER_PORT)))
    found.append(Scene("lost-on-resume", "mjpeg", "MJPG", resumed))
    return found


SCENES = _scenes()
