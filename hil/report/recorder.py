# SPDX-License-Identifier: Apache-2.0
"""Records what each test measured in a part file of its own, so that several processes may record at once.

REPORT/parts/SESSION/ holds session.json, a cameras/*.json for each camera, a planned/*.json with the names of the tests
to come, a tests/*.json for each attempt at a test, and a streams/*.json for each process that watches a stream, with
its progress. hil.report.merge makes a run of them.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import math
import os
import shutil
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from vshm_ctypes.commandline.atomic_file import write_whole
from vshm_ctypes.commandline.output import plain
from vshm_ctypes.machine import read_machine

from ..figures.latency import LatencyHistogram
from ..figures.measurement import Measurement
from ..figures.verdict import FIT, Fitness, Verdict, worst
from ..host.board import Board
from ..host.hiccup import HostStalls
from ..host.machine_record import machine_record

PARTS = "parts"
TIMELINE_BINS = 240
STALLS_KEPT = 400
STREAM_TOLD_EVERY_S = 5.0

Outcome = Literal["passed", "failed", "skipped", "interrupted"]


def now_text() -> str:
    """Return the present time in the form of the records."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def write_json(path: Path, record: object) -> None:
    """Write a file atomically. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(record, allow_nan=False, ensure_ascii=False) + "\n")


class RecordedTest:
    """A test, or one attempt at it. It is written to disk by save(), and once when it starts."""

    def __init__(self, folder: Path, name: str, claim: str) -> None:
        stem = hashlib.sha256(name.encode()).hexdigest()[:16]
        self.attempt = 1 + sum(1 for _ in folder.glob(f"{stem}.*.json"))
        self._path = folder / f"{stem}.{self.attempt}.json"
        self._measurements: list[Measurement] = []
        self._fitness = FIT
        self._outcome: Outcome | None = None
        self._record: dict[str, Any] = {
            "name": name,
            "claim": claim,
            "begin_ns": time.monotonic_ns(),
            "message": "",
            "histograms": {},
            "frame_book": None,
            "faults": [],
            "timeline": [],
            "host": None,
        }
        self.save()

    def measure(self, *measurements: Measurement) -> None:
        """Add figures. They are judged later, when the host's fitness is known."""
        self._measurements += measurements

    def histogram(self, name: str, histogram: LatencyHistogram) -> None:
        """Add all latencies of one kind, such as those of one consumer."""
        self._record["histograms"][name] = histogram.encode()

    def frame_book(self, book: Mapping[str, Any]) -> None:
        """Set the frame book, from the camera to each consumer; its form is in SCHEMA.md."""
        self._record["frame_book"] = dict(book)

    def fault(self, at_ns: int, kind: str) -> None:
        """Add what was done to the system, and when (CLOCK_MONOTONIC)."""
        self._record["faults"].append({"at_ns": at_ns, "kind": kind})

    def latency_over_time(self, points: Iterable[tuple[int, int]]) -> None:
        """Set pairs of at_ns (CLOCK_MONOTONIC) and latency_ns of all consumers together; they are thinned out."""
        self._record["timeline"] = thinned(points)

    def host(self, seen: HostStalls, foreign_share: float, fitness: Fitness) -> None:
        """Set what the hiccup control saw, other programs' share of the processors, and the resulting fitness."""
        self._fitness = fitness
        longest = sorted(seen.stalls, key=lambda stall: stall.stall_ns, reverse=True)[:STALLS_KEPT]
        self._record["host"] = {
            "fit": fitness.fit,
            "reasons": list(fitness.reasons),
            "begin_ns": seen.begin_ns,
            "end_ns": seen.end_ns,
            "processors": seen.processors,
            "realtime": seen.realtime,
            "steal_share": seen.steal_share,
            "foreign_share": foreign_share,
            "stalls": sorted(map(list, longest)),
            "histogram": seen.histogram.encode(),
        }

    def outcome(self, outcome: Outcome, message: str = "") -> None:
        """Set how the test itself ended, and why. A failure counts whatever its figures are."""
        self._outcome = outcome
        self._record["message"] = message

    @property
    def measurements(self) -> list[tuple[Measurement, Verdict]]:
        """Each figure with its verdict."""
        return [(one, one.verdict(self._fitness)) for one in self._measurements]

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the test and all its figures, or None if it was skipped."""
        if self._outcome == "skipped":
            return None
        if self._outcome != "passed":
            return Verdict.FAIL
        return worst(verdict for _, verdict in self.measurements)

    @property
    def is_doubtful(self) -> bool:
        """Whether it is INVALID only because of its limits, on a host that was fit."""
        return self._fitness.fit and any(verdict is Verdict.INVALID for _, verdict in self.measurements)

    def save(self) -> None:
        """Write the part file. Raises OSError."""
        figures = [dataclasses.asdict(one) | {"verdict": verdict} for one, verdict in self.measurements]
        rest = {
            "attempt": self.attempt,
            "outcome": self._outcome or "interrupted",
            "verdict": self.verdict,
            "seconds": (time.monotonic_ns() - self._record["begin_ns"]) / 1e9,
            "measurements": figures,
        }
        write_json(self._path, self._record | rest)


class Recorder:
    """Records one session: all tests on one machine with one board and its cameras. folder: the report's."""

    def __init__(self, folder: Path, session: str) -> None:
        self.folder = folder / PARTS / session
        self._session = session
        self._test = ""
        self._told_s = math.inf  # of the stream: the first progress is written at once

    def clear(self) -> None:
        """Remove what an earlier run left. Raises OSError."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def test(self, name: str, claim: str) -> RecordedTest:
        """Start the record of a test. An earlier record of that name counts as an earlier attempt."""
        self._test = name
        return RecordedTest(self.folder / "tests", name, claim)

    def planned(self, names: Sequence[str]) -> None:
        """Record which tests are to come, for the progress display."""
        stem = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
        write_json(self.folder / "planned" / f"{stem}.json", list(names))

    def stream(self, passed_s: float, seconds: float) -> None:
        """Record how far the present test's stream is, for the progress display. Called often, but written rarely."""
        if 0 <= passed_s - self._told_s < STREAM_TOLD_EVERY_S:
            return
        self._told_s = passed_s
        far = {"test": self._test, "passed_s": passed_s, "seconds": seconds}
        write_json(self.folder / "streams" / f"{os.getpid()}.json", far)

    def camera(self, camera: Mapping[str, Any]) -> None:
        """Record a camera that is used: its name, and further properties."""
        write_json(self._camera_file(camera), dict(camera))

    def knows_camera(self, camera: Mapping[str, Any]) -> bool:
        """Return whether a camera of that name was recorded, by this process or another."""
        return self._camera_file(camera).exists()

    def _camera_file(self, camera: Mapping[str, Any]) -> Path:
        stem = hashlib.sha256(str(camera["name"]).encode()).hexdigest()[:16]
        return self.folder / "cameras" / f"{stem}.json"

    def begin(self, board: Board, arguments: Mapping[str, Any]) -> None:
        """Record that the session starts, or continues after an earlier part of it."""
        path = self.folder / "session.json"
        if path.exists():
            return
        machine = machine_record(read_machine())
        record = {
            "name": self._session,
            "started": now_text(),
            "begin_ns": time.monotonic_ns(),
            "arguments": plain(dict(arguments)),
            "board": board_record(board),
            "machine": {"before": machine, "after": machine},
        }
        write_json(path, record | {"seconds": 0.0})

    def end(self) -> None:
        """Record that the session, or this part of it, has ended."""
        path = self.folder / "session.json"
        record = json.loads(path.read_text(encoding="utf-8"))
        record["machine"]["after"] = machine_record(read_machine())
        record["seconds"] = (time.monotonic_ns() - record["begin_ns"]) / 1e9
        write_json(path, record)


def board_record(board: Board) -> dict[str, Any]:
    """Return what a reader of the report needs to know of a board."""
    record: dict[str, Any] = plain(board)
    return record | {"capabilities": sorted(board.capabilities)}


def thinned(points: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return a limited number of bins in time, each with its start, median and longest latency: [at_ns, ns, ns]."""
    ordered = sorted(points)
    if not ordered:
        return []
    begin_ns = ordered[0][0]
    width_ns = max((ordered[-1][0] - begin_ns) // TIMELINE_BINS + 1, 1)
    bins: dict[int, list[int]] = {}
    for at_ns, latency_ns in ordered:
        bins.setdefault((at_ns - begin_ns) // width_ns, []).append(latency_ns)
    return [
        [begin_ns + number * width_ns, int(statistics.median_low(latencies)), max(latencies)]
        for number, latencies in bins.items()
    ]
