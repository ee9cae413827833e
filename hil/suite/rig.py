# SPDX-License-Identifier: Apache-2.0
"""The rig of the suite's tests: runs fleets on the present camera, and records their results."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy

from hil.figures.latency import LatencyHistogram
from hil.figures.measurement import Measurement
from hil.fleet import Consumer, ConsumerResult, Fault, Fleet, FleetResult
from hil.fleet.witness import FindingKind
from hil.host.board import Board
from hil.host.load import Load, LoadKind
from hil.host.priority import Priority
from hil.report.recorder import RecordedTest, Recorder
from hil.workers.writers import CameraStreamer, Writer

from .cameras import Camera
from .usb_story import Deed, Plan

POINTS = 50_000  # in time, per consumer: hours of them have millions
FIRST_SECONDS = 5.0  # how long a stream is watched by default


@dataclass(frozen=True, slots=True)
class Rig:
    """A camera, its board, and what was asked for. It also reports the progress of a stream.

    most: the largest number of consumers, or 0 for no limit.
    """

    camera: Camera
    board: Board
    seconds: float | None
    most: int
    library: Path | None
    recorder: Recorder

    def time_s(self, least: float = FIRST_SECONDS) -> float:
        """Return how long to watch, in seconds: what was asked for, but at least what the test needs."""
        return max(self.seconds or 0, least)

    def run(
        self,
        consumers: str | Sequence[Consumer],
        seconds: float | None = None,
        *,
        writer: Writer | None = None,
        faults: Sequence[Fault] = (),
        load: LoadKind = "none",
        priority: Priority = "normal",
        deeds: Sequence[Deed] = (),
        **options: Any,
    ) -> FleetResult:
        """Run a fleet of these consumers, in the form of Consumer.parse, on the camera or on another writer.

        The load starts when all are attached. deeds: what is done to the camera, one after the other; it then runs for
        that many seconds more.
        """
        if isinstance(consumers, str):
            consumers = [Consumer.parse(word) for word in consumers.split()]
        writer = writer or self.camera.writer(self.board)
        seconds = seconds or self.time_s()
        plan = Plan(deeds, rest_s=seconds)
        with ExitStack() as stack:
            fleet = Fleet(
                writer,
                consumers[: self.most or None],
                seconds + plan.most_s,
                library=self.library,
                faults=faults,
                priority=priority,
                **options,
            )
            stack.enter_context(fleet)
            loads: list[Load] = []

            def progress(passed_s: float) -> None:
                self.recorder.stream(passed_s, fleet.seconds)
                if deeds and plan.go_on():
                    fleet.end_early()
                if not loads:
                    loads.append(stack.enter_context(Load(load)))
                loads[0].check()

            result = fleet.run(progress)
        result.faults = sorted([*result.faults, *plan.done], key=lambda fault: fault.at_ns)
        if self.camera.usb is not None and isinstance(writer, CameraStreamer):
            result.sent = self.camera.usb.books().pictures
        return result


def put_on_record(record: RecordedTest, result: FleetResult, *, integrity: bool = True) -> list[str]:
    """Record all that a report shows of a run. Returns the findings as text.

    integrity: record what the witness and the frame book found as figures. Every finding is a failure on any host.
    """
    for fault in result.faults:
        record.fault(fault.at_ns, fault.kind)
    book = result.frame_book()
    record.frame_book(book.to_json())
    points: list[tuple[int, int]] = []
    for consumer in result.consumers:
        awake_ns, latency_ns = result.arrivals(consumer)
        if len(latency_ns):
            record.histogram(consumer.name, histogram_of(latency_ns))
            step = len(latency_ns) // POINTS + 1
            points += zip(awake_ns[::step].tolist(), latency_ns[::step].tolist(), strict=True)
    record.latency_over_time(points)
    if not integrity:
        return []
    findings = [(name, finding) for name, account in result.accounts() for finding in account.findings]
    for kind in get_args(FindingKind):
        count = sum(1 for _, finding in findings if finding.kind == kind)
        record.measure(Measurement(f"frames or readers {kind}", "findings", count, exactly=0))
    imbalances = book.imbalances()
    record.measure(Measurement("pages of the frame book that do not balance", "pages", len(imbalances), exactly=0))
    return [*(f"{name}: frame {found.number} {found.kind}: {found.text}" for name, found in findings), *imbalances]


def histogram_of(latency_ns: Any) -> LatencyHistogram:
    """Return the histogram of an array. Of very many values, evenly spaced ones and the longest are taken."""
    histogram = LatencyHistogram()
    step = max(len(latency_ns) // 50_000, 1)
    for value in latency_ns[::step].tolist():
        histogram.record(max(value, 0))  # a negative one is one of the witness's findings
    if step > 1:
        histogram.record(max(int(latency_ns.max()), 0))
    return histogram


def steady_rate(times_ns: Any, numbers: Any = None) -> tuple[float, float]:
    """Return (pictures per second, the largest relative deviation of any third of the time).

    numbers: of the pictures at these times, if there are others in between, or None if these are all.
    """
    numbers = numpy.arange(len(times_ns)) if numbers is None else numbers
    edges = numpy.linspace(0, len(times_ns) - 1, 4).astype(int)
    steps, spans_s = numpy.diff(numbers[edges]), numpy.diff(times_ns[edges]) / 1e9
    mean = float(steps.sum() / spans_s.sum())
    return mean, float(numpy.abs(steps / spans_s / mean - 1).max())


def cpu_us_per_frame(consumer: ConsumerResult) -> float:
    """Return the CPU time per frame of a consumer, in us, without what only the harness does."""
    closings = [life.closing for life in consumer.lives if life.closing is not None]
    cpu_s, frames = (sum(float(each[name]) for each in closings) for name in ("cpu_s", "received"))
    return cpu_s * 1e6 / max(frames, 1)
