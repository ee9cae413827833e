# SPDX-License-Identifier: Apache-2.0
"""A relay between two machines of our own, with a camera on one end and a reader on the other."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from machines import PORT, Machine, two_machines
from writers import WATCHDOG_S, wait_until

from vshm_ctypes import Flag

AHEAD_S = 1000
PROGRAM = Path(__file__).parent / "relayed.py"
Line = dict[str, Any]


class Lines:
    """The lines of JSON that a process prints."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.all: list[Line] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.all.extend(json.loads(line) for line in self.process.stdout)

    def kill(self) -> None:
        """Kill the process."""
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait(WATCHDOG_S)
        self._thread.join(WATCHDOG_S)
        self.process.stdout.close()

    def end(self) -> list[Line]:
        """End the process by SIGTERM, and return all lines."""
        if self.process.poll() is None:
            self.process.terminate()
        assert self.process.wait(WATCHDOG_S) == 0
        self._thread.join(WATCHDOG_S)
        return self.all


class Relay:
    """The camera's machine is near, the reader's far; the ring is front/cam there, and /here on the far one."""

    def __init__(self, near: Machine, far: Machine, folder: Path, stack: ExitStack) -> None:
        self.near, self.far, self._folder, self._stack = near, far, folder, stack
        self.camera: subprocess.Popen[str]
        self._cameras = 0
        self._log = folder / "import.log"
        self._import: Lines
        self._reader = self.start(far, PROGRAM, "reader", "here")
        self._export = self.start_export()

    def start(self, machine: Machine, *words: "str | Path", **options: Any) -> Lines:
        """Start a program in Python, which prints lines of JSON."""
        lines = Lines(machine.start(sys.executable, *words, stdout=subprocess.PIPE, **options))
        self._stack.callback(lines.kill)
        return lines

    def start_camera(self, fps: int = 30, gop: int = 15, size: int | str = 2000) -> None:
        """Start the camera; its ledger begins anew."""
        self._cameras += 1
        words = ("camera", "cam", str(self._ledger), str(fps), str(gop), str(size))
        self.camera = camera = self.near.start(sys.executable, PROGRAM, *words)
        self._stack.callback(lambda: camera.wait(WATCHDOG_S))
        self._stack.callback(camera.kill)
        wait_until(lambda: self._ledger.exists() and bool(self.written()), "the camera writes")

    @property
    def _ledger(self) -> Path:
        return self._folder / f"ledger{self._cameras}"

    def start_export(self) -> Lines:
        """Start vshm relay export."""
        listen = f"tcp/{self.near.address}:{PORT}"
        words = ("relay", "export", "cam", "--board", "front", "--json", "--listen", listen)
        self._export = self.start(self.near, "-m", "vshm_ctypes", *words)
        return self._export

    def begin_import(self, *more: str) -> None:
        """Start vshm relay import."""
        words = ("relay", "import", "front/cam", "--as", "here", "--json", *self.connect, *more)
        with self._log.open("w") as log:
            self._import = self.start(self.far, "-m", "vshm_ctypes", *words, stderr=log)

    def told(self) -> str:
        """What the import has said to people."""
        return self._log.read_text()

    def wait_told(self, what: str) -> None:
        """Wait until the import has said so."""
        wait_until(lambda: what in self.told(), f"the import says {what}")

    def start_import(self, *more: str) -> None:
        """Start vshm relay import, and wait until the ring is there."""
        self.begin_import(*more)
        wait_until(lambda: bool(self.frames()), "the first frame arrives")
        wait_until(lambda: any(self.clocks()), "the clock is known")
        self.first_uncertainty_ns = next(filter(None, self.clocks()))["uncertainty_ns"]

    @property
    def connect(self) -> tuple[str, ...]:
        """The words that lead to the exporter."""
        return ("--connect", f"tcp/{self.near.address}:{PORT}")

    def clocks(self) -> list[Line | None]:
        """What the import has said of the clock."""
        return [line["clocks"][0] for line in list(self._import.all)]

    def written(self) -> list[Line]:
        """What the camera has written."""
        lines = self._ledger.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def frames(self) -> list[Line]:
        """What the reader has read."""
        return [line for line in list(self._reader.all) if "number" in line]

    def pairs(self) -> list[tuple[Line, Line]]:
        """Each frame that the reader has read, and what the camera wrote down of it, which it does afterwards."""
        frames = self.frames()
        last = max((frame["number"] for frame in frames), default=-1)
        wait_until(lambda: len(self.written()) > last, "the camera has written down what arrived")
        written = self.written()
        return [(frame, written[frame["number"]]) for frame in frames]

    def ends(self) -> list[Line]:
        """The ends of the ring that the reader saw."""
        return [line for line in list(self._reader.all) if "end" in line]

    def wait_frames(self, count: int) -> None:
        """Wait until the reader has read so many frames in all."""
        wait_until(lambda: len(self.frames()) >= count, f"{count} frames arrive")

    def wait_end(self, count: int = 1) -> None:
        """Wait until the reader has seen so many ends of the ring."""
        wait_until(lambda: len(self.ends()) >= count, f"the ring ends {count} times")

    def imported(self) -> Line:
        """What the import said last."""
        return self._import.all[-1]

    def exported(self) -> Line:
        """What the export said last."""
        wait_until(lambda: bool(self._export.all), "the export tells its figures")
        return self._export.all[-1]

    def end_import(self) -> Line:
        """End the import, and return its last figures."""
        return self._import.end()[-1]

    def end_export(self) -> Line:
        """End the export, and return its last figures."""
        return self._export.end()[-1]

    def end(self) -> int:
        """End both, and return how many frames they say they have left out, as where the machine is busy."""
        ends = self.end_import()["streams"][0], self.end_export()["streams"][0]
        return sum(end["missed"] + sum(end["dropped"].values()) for end in ends)

    @property
    def export_pid(self) -> int:
        """The exporter's process."""
        return self._export.process.pid

    @property
    def import_process(self) -> "subprocess.Popen[str]":
        """The importer's process."""
        return self._import.process

    def kill_export(self) -> None:
        """Kill the exporter."""
        self._export.kill()


def holes(frames: list[Line]) -> int:
    """Return how many frames among these the reader never had. Fails if one comes twice, or a hole is not flagged."""
    count = 0
    for before, frame in pairwise(frames):
        left_out = frame["number"] - before["number"] - 1 - frame["missed"]
        assert left_out >= 0
        assert bool(frame["flags"] & Flag.DISCONTINUITY) == (left_out > 0) or frame["missed"], frame
        count += left_out
    return count


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    pytest.importorskip("zenoh", reason="eclipse-zenoh is not installed: pip install 'video-shm[relay]'")
    with ExitStack() as stack:
        near, far = stack.enter_context(two_machines(AHEAD_S))
        yield Relay(near, far, tmp_path, stack)
