# SPDX-License-Identifier: Apache-2.0
"""The cameras on which the suite runs."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field

from hil.fleet import CameraStreamer
from hil.host.board import Board, Stream
from hil.usb.camera_process import UsbCamera
from vshm_ctypes import VideoShmError, inspect_slots

NO_PROBE = ("vivid", "testsrc")  # on these the board's own encoder does not matter, and trying it takes long
RING = "ring"  # a ring of this machine, which vshm relay may have imported: what it has is passed through
CODECS = {"H264": "h264", "HEVC": "h265"}  # of channels, by the format of a camera that encodes by itself


class FixedStreamError(RuntimeError):
    """A test wants what can't be set where a stream is passed through."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera.

    device: as camera-streamer takes it. driver: V4L2's, else the kind of source. v4l2: a device of the kernel. usb: the
    harness's own USB camera, if it is that. name: in the report.
    """

    device: str
    driver: str
    card: str = ""
    v4l2: bool = False
    usb: UsbCamera | None = field(default=None, repr=False, compare=False)
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.device

    @property
    def group(self) -> str:
        """The group for pytest-xdist, without its special @: tests of one camera never run at the same time."""
        return re.sub(r"\W+", "_", str(self)).strip("_")

    @property
    def codec(self) -> str | None:
        """The codec of a USB camera of our own that has nothing but pictures which it has encoded, or None."""
        formats = {form.fourcc for form in self.usb.design.formats} if self.usb is not None else set()
        return CODECS.get(formats.pop()) if len(formats) == 1 else None

    def record(self, board: Board) -> dict[str, str | int | bool]:
        """Return the camera and the board's stream as a JSON object for the report."""
        return {
            "name": str(self),
            "driver": self.driver,
            "card": self.card,
            "v4l2": self.v4l2,
            "picture": f"{board.stream.width}x{board.stream.height}",
            "fps": board.stream.fps,
        }

    def writer(self, board: Board, *more: str, fps: int = 0, slots: int = 30) -> CameraStreamer:
        """Return camera-streamer on this camera with the board's stream.

        fps: 0 keeps its rate. more: NAME=VALUE of the channel. Raises FixedStreamError for a ring, which has its own
        size, rate and encoding; a GOP that is asked for is left to it.
        """
        stream = board.stream
        if self.driver == RING:
            if fps or any(not word.startswith("gop=") for word in more):
                raise FixedStreamError(f"{self}: its stream is as it comes: {fps or ' '.join(more)} can't be set")
            return CameraStreamer(self.device, "encoder=copy", slots=slots)
        words = [f"{stream.width}x{stream.height}@{fps or stream.fps}", *more]
        is_made = self.usb is not None or self.driver in NO_PROBE
        if is_made and not any(word.startswith(("codec=", "encoder=")) for word in more):
            words.append(f"codec={self.codec}" if self.codec else "encoder=libx264")
        return CameraStreamer(self.device, ",".join(words), slots=slots)

    def highest_fps(self, board: Board) -> int:
        """Return the highest rate that it offers for the board's size, or the board's rate if it does not say."""
        if not self.v4l2:
            return board.stream.fps * 2
        from hil.streamer.sources.modes import Size
        from hil.streamer.sources.v4l2_abi import v4l2
        from hil.streamer.sources.v4l2_devices import offers_of

        size = Size(board.stream.width, board.stream.height)
        with v4l2.Device(self.device) as device:
            rates = [rate for offer in offers_of(device) if offer.nearest(size) == size for rate in offer.rates]
        return int(max(rates, default=board.stream.fps))


def find_cameras(words: str) -> list[Camera]:
    """Return the cameras that are meant, or an empty list if there are none.

    words: auto for every V4L2 camera that can be opened; vivid for the kernel's virtual ones; paths of devices,
    separated by commas; else what camera-streamer takes. For usb or usb:DESIGN see plugged_camera().
    """
    if words not in ("auto", "vivid") and not words.startswith("/dev/"):
        return [Camera(words, words.partition(":")[0])]
    from hil.streamer.sources.devices import why_not  # v4l2py is slow to import
    from hil.streamer.sources.v4l2_devices import video_devices
    from hil.suite.vivid import is_aside

    usable = [device for device in video_devices()[0] if why_not(device) is None]
    if words.startswith("/dev/"):
        asked = {os.path.realpath(path) for path in words.split(",")}
        usable = [device for device in usable if str(device.path) in asked]
    else:
        usable = [device for device in usable if not is_aside(device)]
    if words == "vivid":
        usable = [device for device in usable if device.driver == "vivid"]
    return [Camera(str(device.path), device.driver, device.card, v4l2=True) for device in usable]


def stream_in(words: str) -> Stream | None:
    """Return what is in the ring that --camera names, or None if it names none, or that has nothing in it."""
    kind, _, name = words.partition(":")
    if kind != RING:
        return None
    with suppress(VideoShmError, ValueError):
        if slots := inspect_slots(name):
            meta = max(slots, key=lambda slot: slot.number).meta
            return Stream(meta.width, meta.height, meta.fps)
    return None


def plugged_camera(usb: UsbCamera, words: str) -> Camera:
    """Return the harness's own USB camera, once it is plugged in. words: as asked for."""
    return Camera(str(usb.path), "uvcvideo", usb.design.product, v4l2=True, usb=usb, name=words)
