# SPDX-License-Identifier: Apache-2.0
"""What camera-streamer does with a camera's faults: which pictures it passes on, when it opens the camera again."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from vshm_ctypes.commandline.ending import held

from ..processes.environment import child_environment
from ..processes.process_group import end_group
from ..streamer.ledger import Record, read_ledger
from .camera_process import UsbCamera
from .scenes import BETWEEN, ROUNDS, SIZE, Scene

_STARTED_WITHIN_S, _PATIENCE_S = 60.0, 30.0
_LOOK_EVERY_S = 0.1
_COUNTED_EVERY_S, _WATCHED_S = 0.4, 3.0
_SILENCE_S = 1.0  # between two frames, from which on it is told


class StreamerView:
    """camera-streamer on a camera, within the with statement. folder: for its ledger and its log."""

    def __init__(self, camera: UsbCamera, folder: Path) -> None:
        self._camera = camera
        self._ledger, self._log = folder / "ledger.jsonl", folder / "streamer.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        channel = f"usb-table:{SIZE.width}x{SIZE.height}@30"
        words = ["--device", self._camera.bus, "--channel", channel, "--ledger", str(self._ledger)]
        self._ledger.unlink(missing_ok=True)
        with held() as hold, self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hil.streamer", *words],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=child_environment(),
                start_new_session=True,
            )
            with hold.lifted():
                self._more(BETWEEN, _STARTED_WITHIN_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with held():
            if self._process is not None:
                self._process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_PATIENCE_S)
                end_group(self._process.pid)
                self._process.wait()

    def _records(self) -> list[Record]:
        return list(read_ledger(self._ledger)) if self._ledger.exists() else []

    def _more(self, count: int, seconds: float) -> bool:
        enough, until_s = len(self._records()) + count, time.monotonic() + seconds
        while len(self._records()) < enough:
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
        elif scene.value == 1:
            for _ in range(ROUNDS):
                camera.set(scene.fault, 1)
                time.sleep(_COUNTED_EVERY_S)
        else:
            camera.set(scene.fault, scene.value)
        time.sleep(_WATCHED_S)
        camera.clear()
        returned = self._more(BETWEEN, _PATIENCE_S)
        return self._told(scene, begin_ns) + ("" if returned else ", gives up")

    def _told(self, scene: Scene, begin_ns: int) -> str:
        books = self._camera.books()
        records = [record for record in self._records() if record.entry_ns >= begin_ns]
        starts = [event for event in books.events if event.name == "started" and event.time_ns >= begin_ns]
        hit = [one for one in books.pictures if scene.fault in one.what and (one.sent_ns or 0) >= begin_ns]
        passed = 0
        for picture in hit:
            numbers = range(picture.sequence, picture.sequence + picture.parts)
            near = (record for record in records if abs(record.capture_ns - (picture.sent_ns or 0)) < 1e9)
            passed += any(record.v4l2_sequence in numbers for record in near)
        told = [f"{passed} of {len(hit)} passed on"] if hit else []
        again = len(starts) - scene.opens
        told += [f"opens it again ({again})"] if again > 0 else []
        silence_s = max(((b.entry_ns - a.entry_ns) / 1e9 for a, b in pairwise(records)), default=0.0)
        told += [f"silent for {silence_s:.0f} s"] if silence_s > _SILENCE_S else []
        return ", ".join(told) or "goes on"
