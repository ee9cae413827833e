# SPDX-License-Identifier: Apache-2.0
"""A USB camera for tests and programs: starts its process, finds its nodes, sets its faults, reads its books."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vshm_ctypes.commandline.ending import held
from vshm_ctypes.commandline.own_module import own_module

from ..processes.environment import child_environment
from .books import BookReader, Books
from .clips import VARIABLE, clip_folder, missing_clips
from .designs import design_of
from .faults import FaultError, Faults
from .host import Place, place_of
from .serving import BOOKS, CLEAR, CONTROL, PLUG, QUIT, UNPLUG, tell

PATIENCE_S = 30.0  # an emulated machine takes seconds for what others do in milliseconds
_LOOK_EVERY_S = 0.02


class UsbCameraError(RuntimeError):
    """The camera could not be started, or the kernel does not take it. The message says what happened."""


class UsbCamera:
    """A camera that is plugged in within the with statement.

    Args:
        design: a name from designs.DESIGNS.
        serial: two cameras may have the same one.
        port: of vhci_hcd, by default any free one.
        faults: that are set before it is plugged in, by name.
        unplugged: it is not plugged in yet.
        product: by default the design's.

    Raises:
        UnknownDesign, FaultError: for wrong names.
        UsbCameraError: by the with statement.
    """

    def __init__(
        self,
        design: str = "webcam",
        serial: str = "0001",
        port: int | None = None,
        faults: Mapping[str, float | str] | None = None,
        unplugged: bool = False,
        product: str = "",
    ) -> None:
        self.design, self.serial = design_of(design), serial
        words = ["camera", design, "--serial", serial]
        words += ["--product", product] if product else []
        words += ["--port", str(port)] if port is not None else []
        words += ["--unplugged"] if unplugged else []
        for name, value in (faults or {}).items():
            Faults().set(name, value)
            words += ["--set", f"{name}={value}"]
        self._words, self._unplugged = words, unplugged
        self._port: int | None = port
        self._process: subprocess.Popen[str] | None = None
        self._kept = contextlib.ExitStack()
        self._folder = Path()
        self._books = BookReader(self._folder / BOOKS)

    def __enter__(self) -> Self:
        with held() as hold:
            self._folder = Path(self._kept.enter_context(tempfile.TemporaryDirectory(prefix="usb-camera-")))
            self._books = BookReader(self._folder / BOOKS)
            try:
                with hold.lifted():
                    clips = self._clips()
                self._start(clips)
                with hold.lifted():
                    self._wait_until_started()
                    if not self._unplugged:
                        self.wait_for_node()
            except BaseException:
                self.quit()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.quit()

    def _clips(self) -> Path:
        folder = clip_folder()
        if missing_clips(folder, self.design.clips()):
            from .clip_maker import make_clips  # PyAV takes long to import, and this is done once

            make_clips(self.design, folder)
        return folder

    def _start(self, clips: Path) -> None:
        with held(), (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                own_module("hil.usb", *self._words, "--folder", str(self._folder)),
                stdin=subprocess.PIPE,  # whose end also ends the camera, if this process is killed
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=child_environment() | {VARIABLE: str(clips)},
                start_new_session=True,  # Ctrl-C must reach this process only
            )

    def _wait_until_started(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise UsbCameraError(f"the USB camera has not started: {self.log.strip() or 'it said nothing'}")
        self._port = json.loads(line)["port"]

    @property
    def pid(self) -> int:
        """The process that is the camera: stopped, it answers nothing, and killed, it is unplugged."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the camera's process said on its standard error."""
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def place(self) -> Place:
        """Where the kernel has put it now. Raises UsbCameraError if it is not plugged in."""
        place = None if self._port is None else place_of(self._port)
        if place is None or not place.video:
            raise UsbCameraError(f"no camera at port {self._port} of vhci_hcd: it is unplugged, or uvcvideo refused it")
        return place

    @property
    def path(self) -> Path:
        """The capture node, which may be another one after each plug()."""
        return self.place.video[0]

    @property
    def metadata_path(self) -> Path | None:
        """The node of its metadata, or None if uvcvideo offers none."""
        return next(iter(self.place.video[1:]), None)

    @property
    def bus(self) -> str:
        """The bus as V4L2 tells it, which is another one at another port."""
        return self.place.bus

    @property
    def card(self) -> int | None:
        """The number of its sound card, or None without a microphone."""
        return self.place.card

    def wait_for_node(self, patience_s: float = PATIENCE_S) -> Path:
        """Wait until the capture node is there, and the card of a microphone, and return the node's path.

        Raises UsbCameraError.
        """
        until_s = time.monotonic() + patience_s
        while True:
            with contextlib.suppress(UsbCameraError):
                place = self.place
                if place.video[0].exists() and (place.card is not None or not self.design.microphone):
                    return place.video[0]
            if time.monotonic() > until_s:
                raise UsbCameraError(f"{self.serial}: no video node within {patience_s:g} s: see dmesg; {self.log}")
            time.sleep(_LOOK_EVERY_S)

    def set(self, fault: str, value: float | str = 1) -> None:
        """Set a fault of faults.FAULTS; 0 ends it. Raises FaultError, or UsbCameraError if the process is gone."""
        Faults().set(fault, value)
        self._tell(f"{fault}={value}")

    def clear(self) -> None:
        """End all faults."""
        self._tell(CLEAR)

    def unplug(self) -> None:
        """Pull the plug, and wait until the kernel has noticed."""
        place = self.place
        self._tell(UNPLUG)
        until_s = time.monotonic() + PATIENCE_S
        while place.folder.exists() and time.monotonic() < until_s:
            time.sleep(_LOOK_EVERY_S)

    def plug(self, port: int | None = None) -> Path:
        """Plug in, at the same port unless another one is given. Returns the path of the capture node."""
        self._port = self._tell(PLUG if port is None else f"{PLUG}={port}")["port"]
        return self.wait_for_node()

    def quit(self) -> None:
        """Pull the plug and end the process. A second call does nothing."""
        with held():
            process, self._process = self._process, None
            if process is not None:
                with contextlib.suppress(OSError, FaultError):
                    tell(self._folder / CONTROL, QUIT, PATIENCE_S)
                process.kill()
                with process:  # closes its pipes, and reaps it
                    pass
                self._books.read()
            self._kept.close()

    def books(self) -> Books:
        """Return what the camera did up to now, also after its end."""
        return self._books.read()

    def _tell(self, words: str) -> dict[str, Any]:
        try:
            return tell(self._folder / CONTROL, words, PATIENCE_S)
        except OSError as error:
            raise UsbCameraError(f"the USB camera does not answer: {error}; {self.log}") from None
