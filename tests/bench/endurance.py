# SPDX-License-Identifier: Apache-2.0
"""Readers of mixed kinds at a camera's rate for long: memory, descriptors, mappings, threads and latency stay flat.

python tests/bench/endurance.py [--seconds 3480] [--fps 30] [--json FILE]
exit 1: something grew, or a frame is not accounted for; 3: the host itself changed too much to judge latency

Growth: from the first quarter's median to the last one's. Latency: median and 99th percentile of each minute, by kind
of reader, divided by what bare pipes, as many and as often, took in that minute; the last quarter of these minutes
against the first. Ctrl-C ends it with what it has.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from hil.fleet import Consumer, Fleet, FleetError, FleetResult
from hil.workers.life import Life
from hil.workers.writers import RingWriter

KINDS = "c c c c keyframes newest v1 v1 for for for borrow borrow borrow asyncio asyncio"
SAMPLE_EVERY_S = 5.0
SETTLED_S = 120.0  # and at most a tenth of the time: what is allocated once has been by then
# A leak of 8 bytes with each frame is 600 kB in an hour at 30 fps, from the middle of its first quarter to that of its
# last. PSS also moves with what other programs on the machine share.
LIMITS = {"rss_bytes": 512_000, "pss_bytes": 2_000_000, "descriptors": 0, "threads": 0, "mappings": 0}
LATENCY_LIMITS = {50: 1.5, 99: 2.0}  # times, relative to the control
UNFIT = 3.0  # times that the control may be slower, or faster, at the end

Pings = NDArray[numpy.int64]  # (awake_ns, latency_ns) of each


@dataclass(slots=True)
class Report:
    """growth: process -> field -> by how much. drift, minutes: percentile -> kind of reader, or control ->
    figures in us.
    """

    seconds: float = 0.0
    frames: int = 0
    growth: dict[str, dict[str, float]] = field(default_factory=dict)
    least_and_most: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    drift: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    minutes: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    readers: dict[str, dict[str, Any]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    unfit: list[str] = field(default_factory=list)


def quarters(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the first and the last quarter."""
    quarter = max(len(values) // 4, 1)
    return values[:quarter], values[-quarter:]


def growth(life: Life, name: str, settled_s: float) -> float:
    """Return the growth from the first quarter's median to the last one's."""
    begin_ns = life.samples[0].at_ns + settled_s * 1e9
    values = numpy.array([getattr(sample, name) for sample in life.samples if sample.at_ns >= begin_ns])
    first, last = quarters(values)
    return float(numpy.median(last) - numpy.median(first))


def by_minute(pings: Pings, percent: float, edges_ns: NDArray[Any]) -> NDArray[Any]:
    """Return the percentile of each minute, in us, and not-a-number for a minute without values."""
    ordered = pings[numpy.argsort(pings[:, 0], kind="stable")]
    parts = numpy.split(ordered[:, 1], numpy.searchsorted(ordered[:, 0], edges_ns))[1:-1]
    return numpy.array([numpy.percentile(part, percent) / 1000 if len(part) else numpy.nan for part in parts])


def drift(values: NDArray[Any]) -> dict[str, float]:
    """Return the medians of the first and of the last quarter's minutes, and the ratio of the two."""
    first, last = (float(numpy.nanmedian(part)) for part in quarters(values))
    return {"first": first, "last": last, "times": last / first}


def judge_growth(report: Report, name: str, life: Life, settled_s: float) -> None:
    report.growth[name] = {kind: growth(life, kind, settled_s) for kind in LIMITS}
    for kind, limit in LIMITS.items():
        values = [float(getattr(sample, kind)) for sample in life.samples]
        report.least_and_most.setdefault(name, {})[kind] = (min(values), max(values))
        if report.growth[name][kind] > limit:
            report.wrong.append(f"{name}: {kind} grew by {report.growth[name][kind]:g}; at most {limit:g} is flat")


def judge_latency(report: Report, readers: dict[str, Pings], control: Pings, edges_ns: NDArray[Any]) -> None:
    for percent, limit in LATENCY_LIMITS.items():
        own = by_minute(control, percent, edges_ns)
        all_minutes, all_drifts = {"control": own.tolist()}, {"control": drift(own)}
        for name, pings in readers.items():
            values = by_minute(pings, percent, edges_ns)
            all_minutes[name] = values.tolist()
            all_drifts[name] = drift(values) | {"relative": drift(values / own)["times"]}
        report.minutes[f"p{percent}"], report.drift[f"p{percent}"] = all_minutes, all_drifts
        if not 1 / UNFIT <= all_drifts["control"]["times"] <= UNFIT:
            report.unfit.append(
                f"p{percent} of the control itself is {all_drifts['control']['times']:.2f} times what it was"
            )
            continue
        report.wrong += [
            f"{name}: p{percent} of latency is {figures['relative']:.2f} times what it was, relative to the control; "
            f"at most {limit:g} is flat"
            for name, figures in all_drifts.items()
            if figures.get("relative", 0) > limit
        ]


def minutes(begin_ns: int, end_ns: int) -> NDArray[Any]:
    """Return the edges of the minutes; a short run has at least eight parts."""
    return numpy.linspace(begin_ns, end_ns, max(int((end_ns - begin_ns) / 60e9), 8) + 1)


def judge(result: FleetResult, control: Pings) -> Report:
    """Return the verdict on a run, with all its figures."""
    report = Report(result.seconds, len(result.writer.written))
    settled_s = min(SETTLED_S, result.seconds / 10)
    pooled: dict[str, list[Pings]] = {}
    judge_growth(report, "writer", result.writer.lives[0], settled_s)
    for (name, account), consumer in zip(result.accounts(), result.consumers, strict=True):
        judge_growth(report, name, consumer.lives[0], settled_s)
        report.readers[name] = {
            "received": account.received,
            "missed": account.missed,
            "skipped": account.skipped,
            "findings": len(account.findings),
        }
        report.wrong += [f"{name}: frame {found.number} {found.kind}: {found.text}" for found in account.findings]
        pooled.setdefault(consumer.consumer.kind, []).append(numpy.column_stack(result.arrivals(consumer)))
    report.wrong += [f"left in shared memory: {name}" for name in result.names_left]
    report.wrong += result.frame_book().imbalances()
    readers = {kind: numpy.concatenate(parts) for kind, parts in pooled.items()}
    judge_latency(report, readers, control, minutes(result.begin_ns, result.end_ns))
    return report


class Progress:
    """A line each minute, from what was sampled last."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self._next_s = fleet, 0.0

    def __call__(self, passed_s: float) -> None:
        lives = [worker for worker in self._fleet.crew.workers() if worker.samples]
        if passed_s < self._next_s or not lives:
            return
        self._next_s = passed_s + 60
        last = [worker.samples[-1] for worker in lives]
        sums = {name: sum(getattr(sample, name) for sample in last) for name in LIMITS}
        print(
            f"{time.strftime('%H:%M:%S')} {passed_s:6.0f} s: {len(last)} processes, "
            f"RSS {sums['rss_bytes'] / 1e6:.1f} MB, PSS {sums['pss_bytes'] / 1e6:.1f} MB, "
            f"{sums['descriptors']} descriptors, {sums['threads']} threads, {sums['mappings']} mappings",
            file=sys.stderr,
            flush=True,
        )


@contextlib.contextmanager
def pinged(readers: int, fps: float, file: Path) -> Iterator[None]:
    """Run bare pipes beside what is measured; afterwards the file has what each ping took."""
    command = [sys.executable, str(Path(__file__).with_name("ping.py")), str(readers), str(fps), str(file)]
    # A session of its own: Ctrl-C is for this process.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the control ended with {process.returncode}")


def measure(seconds: float, fps: int) -> Report:
    """Run it. Raises FleetError, RuntimeError."""
    consumers = [Consumer.parse(kind) for kind in KINDS.split()]
    with tempfile.TemporaryDirectory(prefix="endurance-") as folder:
        pings = Path(folder) / "pings.npy"
        with Fleet(RingWriter(fps=fps), consumers, seconds, sample_every_s=SAMPLE_EVERY_S) as fleet:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: fleet.end_early())
            with pinged(len(consumers), fps, pings):
                result = fleet.run(Progress(fleet))
        return judge(result, numpy.load(pings))


def told(report: Report) -> None:
    """Print the figures for people."""
    print(f"{report.seconds:.0f} s, {report.frames} frames, {len(report.readers)} readers")
    for name, figures in report.growth.items():
        memory = f"RSS {figures['rss_bytes'] / 1000:+.0f} kB, PSS {figures['pss_bytes'] / 1000:+.0f} kB"
        others = ", ".join(f"{figures[kind]:+g} {kind}" for kind in ("descriptors", "threads", "mappings"))
        print(f"{name:14}{memory}, {others}")
    for percentile, kinds in report.drift.items():
        for kind, figures in kinds.items():
            relative = f", relative to the control {figures['relative']:.2f}" if "relative" in figures else ""
            times = f"{figures['first']:.0f} -> {figures['last']:.0f} us, {figures['times']:.2f} times"
            print(f"{kind:14}{percentile} {times}{relative}")
    for line in [*report.wrong, *(f"latency was not judged: {why}" for why in report.unfit)]:
        print(line)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3480.0)
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    try:
        report = measure(arguments.seconds, arguments.fps)
    except (FleetError, RuntimeError) as error:
        print(f"endurance: {error}", file=sys.stderr)
        return 1
    told(report)
    if arguments.json is not None:
        figures = {name: getattr(report, name) for name in Report.__slots__}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="ascii")
    return 1 if report.wrong else 3 if report.unfit else 0


if __name__ == "__main__":
    sys.exit(main())
