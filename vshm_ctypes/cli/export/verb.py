# SPDX-License-Identifier: Apache-2.0
"""vshm export: exports metrics for monitoring, as OpenMetrics over HTTP or as a text file for node-exporter."""

from __future__ import annotations

import importlib.resources
import itertools
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...bridges.published import list_bridges
from ...commandline.atomic_file import write_whole
from ...commandline.ending import End, heeding
from ...commandline.output import complain, print_json, tell
from ...commandline.place import check_place
from ...commandline.rate_limited_log import Seldom, in_a_line
from ...commandline.verb import Exit, port, positive
from ...inspect import list_rings
from ...limits import explain
from ...machine import read_machine
from ...printable import utf8
from ...published import list_published
from ...serving.listen_address import listening
from .metrics import LATENCY, LATENCY_BUCKETS_S, LATENCY_HELP, METRICS, Sample, samples
from .server import ExportServer
from .watched_rings import Rings

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric as Family

DEFAULT_PORT = 9765
LOOK_EVERY_S = 2.0  # for rings that are new
DASHBOARD = "dashboard.json"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    parser.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help=f"port to listen on (default: {DEFAULT_PORT}); 0: any free one"
    )
    textfile = "instead of HTTP, keep FILE (NAME.prom) up to date for node-exporter's textfile collector"
    parser.add_argument("-o", "--textfile", type=Path, metavar="FILE", help=textfile)
    parser.add_argument(
        "--every", type=positive, default=15.0, metavar="S", help="write FILE every S seconds (default: 15)"
    )
    parser.add_argument("--dashboard", action="store_true", help="print a Grafana dashboard for these metrics")


class Exporter:
    """A collector for a registry of prometheus_client, which also measures latencies between two collections."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Histogram

        self.registry: CollectorRegistry = CollectorRegistry()
        latency = Histogram(LATENCY, LATENCY_HELP, ["ring"], buckets=LATENCY_BUCKETS_S, registry=self.registry)
        self.rings = Rings(lambda ring, seconds: latency.labels(utf8(ring)).observe(seconds))
        self.registry.register(self)

    def describe(self) -> Iterator[Family]:
        """Yield the families without samples, so that registering does not collect."""
        yield from _families([])

    def collect(self) -> Iterator[Family]:
        """Yield all families as they are now."""
        rings = self.rings.look()
        yield from _families(
            list(samples(rings, self.rings.restarts, list_published(), list_bridges(), read_machine()))
        )


def _families(found: list[Sample]) -> Iterator[Family]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    for metric in METRICS:
        kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = kind(metric.name, metric.help, labels=metric.labels)
        for sample in found:
            if sample.metric == metric:
                family.add_metric(tuple(map(utf8, sample.labels)), float(sample.value))
        yield family


def _serve(exporter: Exporter, host: str, port: int, end: End) -> None:
    from prometheus_client import make_wsgi_app

    with listening(host, port, "--host and --port"):
        opened = ExportServer(host, port, make_wsgi_app(exporter.registry))
    with opened as server:
        threading.Thread(target=server.serve_forever, name="export", daemon=True).start()
        try:
            shown = f"[{host}]" if ":" in host else host
            exporter.rings.look()
            tell(f"http://{shown}:{server.server_port}/metrics", flush=True)
            while not end.wait(LOOK_EVERY_S):
                try:
                    exporter.rings.look()
                except (OSError, RuntimeError) as error:  # perhaps no descriptor or thread is left, for a while
                    server.say(f"the rings could not be looked at: {in_a_line(error)}")
        finally:
            server.shutdown()


def _write(exporter: Exporter, path: Path, every_s: float, end: End) -> None:
    from prometheus_client import generate_latest

    begin, say = time.monotonic(), Seldom(complain)
    try:
        exporter.rings.look()
        for turn in itertools.count(1):
            if end.wait(begin + turn * every_s - time.monotonic()):
                return
            try:
                write_whole(path, generate_latest(exporter.registry))
            except (OSError, RuntimeError) as error:
                if explain(error) is None:
                    raise
                path.unlink(missing_ok=True)
                say(f"{path} could not be written: {in_a_line(error)}")
    finally:
        path.unlink(missing_ok=True)  # or node-exporter would go on exporting old values


def _print_once() -> None:
    found = samples(list_rings(), {}, list_published(), list_bridges(), read_machine())
    told = [
        {
            "name": sample.metric.sample_name,
            "labels": dict(zip(sample.metric.labels, sample.labels, strict=True)),
            "value": float(sample.value),
        }
        for sample in found
    ]
    print_json({"samples": told})


def run(arguments: Namespace) -> int:
    """Return exit code 0 after Ctrl-C or SIGTERM.

    Returns 1 if the address is in use, FILE can't be written, or prometheus_client is not installed.
    """
    if arguments.dashboard:
        print(importlib.resources.files(__package__).joinpath(DASHBOARD).read_text(), end="")
        return Exit.HEALTHY
    if arguments.json:
        _print_once()
        return Exit.HEALTHY
    if arguments.textfile is not None and arguments.textfile.suffix != ".prom":
        raise ValueError(f"{arguments.textfile}: node-exporter reads only names that end in .prom")
    if arguments.textfile is not None:
        check_place(arguments.textfile)
    try:
        exporter = Exporter()
    except ModuleNotFoundError:
        complain("export needs prometheus_client: pip install 'video-shm[cli]'")
        return Exit.FINDING
    end = End()
    try:
        with heeding(end.set):
            if arguments.textfile is not None:
                _write(exporter, arguments.textfile, arguments.every, end)
            else:
                _serve(exporter, arguments.host, arguments.port, end)
    finally:
        exporter.rings.close()
    return Exit.HEALTHY
