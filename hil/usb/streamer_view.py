# SPDX-License-Identifier: Apache-2.0
"""What camera-streamer does with a camera's faults: which pictures it passes on, when it opens the camera again."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Sequence, Set
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from vshm_ctypes.commandline.ending import held
from vshm_ctypes.commandline.own_module import own_module

from ..processes.environment import child_environment
from ..processes.process_group import end_group
from ..streamer.ledger import Record, records_in
from .books import Picture
from .camera_process import UsbCamera, UsbCameraError
from .faults import FAULTS, Unit
from .growing_file import GrowingFile
from .scenes import BETWEEN, ROUNDS, SIZE, Scene

_STARTED_WITHIN_S, _ENDED_WITHIN_S = 180.0, 30.0  # an emulated processor beside others
_BACK_WITHIN_S = 120.0  # a camera that was opened in vain is waited for longer each time
_PASSED_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.1
_WATCHED_S = 3.0
_FPS = 5  # of the pictures: slow enough for an emulated processor, so that each that is good is passed on
_TRIES = 6  # to find those that suffered a fault among pictures that were passed on
_SILENCE_S = 1.0  # between two pictures of the camera, from which on it is told
_LATE_S = 5.0  # a silence that is so much longer than the camera's is not the camera's


class StreamerView:
    """camera-streamer on a camera, within the with statement. folder: for its ledger and its log.

    Raises UsbCameraError if it does not start, or has ended.
    """

    def __init__(self, camera: UsbCamera, folder: Path) -> None:
        self._camera = camera
        self._ledger, self._log = folder / "ledger.jsonl", folder / "streamer.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._lines, self._records = GrowingFile(self._ledger), list[Record]()

    def __enter__(self) -> Self:
        channel = f"usb-table:{SIZE.width}x{SIZE.height}@{_FPS},encoder=mjpeg"
        words = ["--device", self._camera.bus, "--channel", channel, "--ledger", str(self._ledger)]
        with held() as hold, self._log.open("w") as log:
            self._process = subprocess.Popen(
                own_module("hil.streamer", *words),
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=child_environment(),
                start_new_session=True,
            )
            try:
                with hold.lifted():
                    if not self._more(BETWEEN, _STARTED_WITHIN_S):
                        raise UsbCameraError(f"camera-streamer has not begun within {_STARTED_WITHIN_S:g} s")
            except BaseException:
                self._end()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        with held():
            if self._process is not None:
                self._process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_ENDED_WITHIN_S)
                end_group(self._process.pid)
                self._process.wait()

    def _read(self) -> list[Record]:
        """Return what was passed on so far."""
        self._records += records_in(self._ledger, self._lines.lines(), len(self._records) + 1)
        return self._records

    def _more(self, count: int, seconds: float) -> bool:
        """Wait until so many more pictures were passed on. Returns whether they were, in time."""
        enough, until_s = len(self._read()) + count, time.monotonic() + seconds
        while len(self._read()) < enough:
            if self._process is not None and self._process.poll() is not None:
                log = self._log.read_text(errors="replace").strip().splitlines()[-1:]
                raise UsbCameraError(f"camera-streamer has ended: {' '.join(log)}")
            if time.monotonic() > until_s:
                return False
            time.sleep(_LOOK_EVERY_S)
        return True

    def of(self, scene: Scene) -> str:
        """Put a scene's fault before it, and return in words what it did."""
        camera, begin_ns = self._camera, time.monotonic_ns()
        if scene.opens:
            camera.unplug()
            camera.set(scene.fault, scene.value)
            camera.plug()
            time.sleep(_WATCHED_S + (float(scene.value) if scene.fault == "late-start" else 0))
        elif FAULTS[scene.fault].unit == Unit.PICTURES:
            self._put_one_by_one(scene.fault, begin_ns)
        else:
            camera.set(scene.fault, scene.value)
            time.sleep(_WATCHED_S + (float(scene.value) if scene.fault == "stall" else 0))
            if scene.fault == "hung":
                self._more(BETWEEN, _BACK_WITHIN_S)
        camera.clear()
        returned = self._more(BETWEEN, _BACK_WITHIN_S)
        return self._told(scene, begin_ns) + ("" if returned else ", gives up")

    def _put_one_by_one(self, fault: str, begin_ns: int) -> None:
        """Let pictures suffer a fault until what became of enough of them is certain."""
        for _ in range(_TRIES):
            self._camera.set(fault, 1)
            self._more(3, _PASSED_WITHIN_S)
            if len(self._fates(fault, begin_ns)) >= ROUNDS:
                return

    def _fates(self, fault: str, begin_ns: int) -> list[bool]:
        """Return what fates_of() does of the camera's last stream."""
        sent = [one for one in self._camera.books().pictures if (one.sent_ns or 0) >= begin_ns]
        pictures = [one for one in sent if one.stream == sent[-1].stream]
        since_ns = pictures[0].due_ns if pictures else begin_ns
        return fates_of(fault, pictures, {one.v4l2_sequence for one in self._read() if one.capture_ns >= since_ns})

    def _told(self, scene: Scene, begin_ns: int) -> str:
        books = self._camera.books()
        starts = [event for event in books.events if event.name == "started" and event.time_ns >= begin_ns]
        fates = self._fates(scene.fault, begin_ns)
        told = [_share(fates)] if fates else []
        told += ["opens it again"] if len(starts) > scene.opens else []
        told += ["resets it"] if any(one.name == "reset" and one.time_ns >= begin_ns for one in books.events) else []
        sent_s = [one.sent_ns / 1e9 for one in books.pictures if one.sent_ns is not None and one.sent_ns >= begin_ns]
        entry_s = [record.entry_ns / 1e9 for record in self._read() if record.entry_ns >= begin_ns]
        silence_s, own_s = (_longest([begin_ns / 1e9, *times_s]) for times_s in (entry_s, sent_s))
        told += [f"silent for {own_s:.0f} s, as the camera"] if own_s > _SILENCE_S else []
        told += [f"silent for {silence_s:.0f} s"] if silence_s > own_s + _LATE_S else []
        return ", ".join(told) or "goes on"


def fates_of(fault: str, pictures: Sequence[Picture], passed: Set[int]) -> list[bool]:
    """Return of each picture that suffered a fault whether it was passed on.

    Those next to which others are missing, too, are left out: the encoder may have had no time for them. pictures: of
    one stream, that were sent. passed: the driver's numbers of those that were passed on.
    """
    found = []
    for before, one, behind in zip(pictures, pictures[1:], pictures[2:], strict=False):
        is_certain = before.sequence in passed and behind.sequence + behind.parts - 1 in passed
        if fault in one.what and (is_certain or behind.sequence == one.sequence):
            found.append(any(one.sequence + part in passed for part in range(one.parts)))
    return found


def _share(fates: Sequence[bool]) -> str:
    """Return how many pictures were passed on, in words that do not change with how many there were."""
    if all(fates) or not any(fates):
        return "all passed on" if all(fates) else "none passed on"
    return "some passed on"


def _longest(times_s: Sequence[float]) -> float:
    """Return the longest time between two of these."""
    return max((b - a for a, b in pairwise(times_s)), default=0.0)
