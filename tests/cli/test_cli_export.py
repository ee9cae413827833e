# SPDX-License-Identifier: Apache-2.0
"""vshm export: the numbers are those of the rings, readers and board."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as classic_families
from vshm import TIMEOUT_S, Camera, payload, vshm
from writers import Channel, wait_until

from vshm_ctypes import Consumer, FrameTooLarge, Producer, inspect
from vshm_ctypes.cli.export.metrics import LATENCY, METRICS, THROTTLED, THROTTLED_EVER, machine_samples, ring_samples
from vshm_ctypes.cli.export.server import ExportServer
from vshm_ctypes.cli.export.watched_rings import LatencyReader, Rings
from vshm_ctypes.machine import Throttling, read_machine

COMMAND = [sys.executable, "-m", "vshm_ctypes", "export"]
OPENMETRICS = {"Accept": "application/openmetrics-text"}


class Exported:
    """What one look at an exporter's page told."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
        self._samples = [sample for family in families for sample in family.samples]

    def all(self, name: str, **labels: str) -> list[float]:
        return [s.value for s in self._samples if s.name == name and labels.items() <= s.labels.items()]

    def one(self, name: str, **labels: str) -> float:
        (value,) = self.all(name, **labels)
        return value


@contextmanager
def exporting(*words: str) -> Iterator[str]:
    """Yield the page's address."""
    with subprocess.Popen([*COMMAND, "--port", "0", *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT_S) == 0
        finally:
            process.kill()


def page(url: str) -> str:
    request = urllib.request.Request(url, headers=OPENMETRICS)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        text: str = answer.read().decode()
        return text


def get(url: str) -> Exported:
    return Exported(page(url))


def test_the_numbers_are_the_rings_own(alone: None, ring: str) -> None:
    with Camera(ring, fps=50) as camera, Consumer(ring, publish=True) as slow, exporting() as url:
        wait_until(lambda: camera.written > 50, "the ring laps a reader that does not read")
        slow.receive(TIMEOUT_S)
        with pytest.raises(FrameTooLarge):
            camera.producer.write(bytes(600_000))
        wait_until(lambda: sum(get(url).all(f"{LATENCY}_count", ring=ring)) > 10, "latencies are measured")
        before, told, after = inspect(ring), get(url), inspect(ring)
    assert before.frames <= told.one("vshm_frames_total", ring=ring) <= after.frames
    assert before.bytes <= told.one("vshm_payload_bytes_total", ring=ring) <= after.bytes
    assert before.keyframes <= told.one("vshm_keyframes_total", ring=ring) <= after.keyframes
    assert told.one("vshm_dropped_frames_total", ring=ring, cause="too_large") == 1
    assert told.one("vshm_dropped_frames_total", ring=ring, cause="busy") == 0
    assert told.one("vshm_writer_up", ring=ring) == 1
    assert told.all("vshm_stream_info", codec="h264", width="640", height="360") == [1]
    assert told.one("vshm_consumer_missed_frames_total", ring=ring) > 0
    assert abs(told.one("vshm_last_frame_timestamp_seconds", ring=ring) - time.time()) < TIMEOUT_S
    assert told.one(f"{LATENCY}_bucket", ring=ring, le="+Inf") == told.one(f"{LATENCY}_count", ring=ring)


def test_a_latency_lies_within_what_our_own_clocks_say(ring: str) -> None:
    seen: list[tuple[float, float]] = []
    with Producer(ring) as producer:
        reader = LatencyReader(ring, lambda name, seconds: seen.append((seconds, time.monotonic())))
        wait_until(lambda: producer.write(payload(0)) and len(seen) > 0, "the reader is there")
        seen.clear()
        time.sleep(0.05)
        before = time.monotonic()
        producer.write(payload(1))
        wait_until(lambda: len(seen) > 0, "the frame is seen")
        reader.close()
    assert 0 < seen[-1][0] <= seen[-1][1] - before


def test_restarts_are_counted_whether_the_ring_was_taken_over_or_made_anew(channel: Channel) -> None:
    name = f"/{channel.ring_path.name}"
    rings = Rings(lambda name, seconds: None)

    def start() -> None:
        pid = channel.start_writer().pid
        wait_until(lambda: name in (seen := rings.look()) and seen[name].writer_pid == pid, "the writer has the ring")

    def stop() -> int:
        return channel._writers[-1].finish()

    start()
    assert rings.restarts[name] == 0
    channel._writers[-1].kill()
    start()
    assert rings.restarts[name] == 1
    stop()
    start()
    assert rings.restarts[name] == 2
    stop()
    rings.close()


def test_restarts_count_from_zero_where_nobody_watched_before(ring: str) -> None:
    rings, later = Rings(lambda name, seconds: None), Rings(lambda name, seconds: None)
    for _ in range(2):
        with Producer(ring) as producer:
            producer.write(payload(0))
            rings.look()
    with Producer(ring) as producer:
        producer.write(payload(0))
        assert (rings.look() and rings.restarts[ring], later.look() and later.restarts[ring]) == (2, 0)
        rings.close()
        later.close()
    outcome = vshm("export", "--json")
    assert not [sample for sample in outcome.json["samples"] if sample["name"] == "vshm_writer_restarts_total"]


def counters(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every counter of a page, by name and labels."""
    families = text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
    told = [s for family in families if family.type == "counter" for s in family.samples if s.name.endswith("_total")]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in told}


def json_counters() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the same counters from a new process, which has no earlier values."""
    told = vshm("export", "--json").json["samples"]
    return {(s["name"], frozenset(s["labels"].items())): s["value"] for s in told if s["name"].endswith("_total")}


def test_no_counter_falls_when_one_of_a_process_readers_leaves(alone: None, ring: str) -> None:
    with (
        Producer(ring) as producer,
        Consumer(ring, publish=True) as stays,
        Consumer(ring, publish=True) as leaves,
        exporting() as url,
    ):
        for number in range(20):
            producer.write(payload(number))
            leaves.receive(TIMEOUT_S)
        producer.write(payload(20))
        wait_until(lambda: leaves.receive(TIMEOUT_S / 100) is None, "its counters are published")
        stays.receive(TIMEOUT_S)
        before, alone_before = counters(page(url)), json_counters()
        leaves.close()
        after, alone_after = counters(page(url)), json_counters()
    received = [key for key in before if key[0] == "vshm_consumer_received_frames_total"]
    assert len(received) == 2
    for then, now in ((before, after), (alone_before, alone_after)):
        assert [key for key in then.keys() & now.keys() if now[key] < then[key]] == []
        assert len(then.keys() - now.keys()) == 3  # those of the one that left


def test_a_foreign_file_does_not_stop_the_page(alone: None, ring: str) -> None:
    with Camera(ring), Consumer(ring, publish=True) as stream, exporting() as url:
        stream.receive(TIMEOUT_S)
        assert stream._publication is not None
        foreign = Path(os.fsdecode(b"/dev/shm/vshm_consumer_1_\xff\n"))
        os.link(stream._publication.path, foreign)
        try:
            assert get(url).one("vshm_consumer_received_frames_total", ring=ring) >= 0
        finally:
            foreign.unlink()


def test_the_page_is_as_prometheus_wants_it(alone: None, ring: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    with Camera(ring), Consumer(ring, publish=True) as stream, exporting() as url:
        stream.receive(TIMEOUT_S)
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # the classic form, which promtool reads
            told = answer.read()
    checked = subprocess.run([promtool, "check", "metrics"], input=told, capture_output=True, timeout=60, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_a_dead_writer_is_not_up(alone: None, channel: Channel) -> None:
    writer = channel.start_writer()
    name = f"/{channel.ring_path.name}"
    wait_until(lambda: channel.ring_path.exists() and inspect(name).frames > 0, "the writer writes")
    writer.kill()
    with exporting() as url:
        assert get(url).one("vshm_writer_up", ring=name) == 0


def test_a_version_1_writer_tells_no_cause_and_no_life(ring: str) -> None:
    with Producer(ring) as producer:
        producer.write(payload(0))
        plain = inspect(ring)._replace(extended=False, dropped=7)
    told = [(sample.metric.name, sample.labels, sample.value) for sample in ring_samples(ring, plain, 0)]
    assert ("vshm_dropped_frames", (ring, "unknown"), 7) in told
    assert not [name for name, *_ in told if name == "vshm_writer_up"]


def test_throttling_is_told_now_and_since_boot() -> None:
    flags = Throttling.UNDER_VOLTAGE | Throttling.THROTTLED_OCCURRED
    told = {(s.metric, s.labels): s.value for s in machine_samples(replace(read_machine(), throttling=flags))}
    assert told[THROTTLED, ("under_voltage",)] == 1
    assert told[THROTTLED, ("throttled",)] == 0
    assert told[THROTTLED_EVER, ("throttled",)] == 1
    assert told[THROTTLED_EVER, ("under_voltage",)] == 0


def test_nobody_else_than_this_machine_is_served_unless_told(alone: None) -> None:
    with exporting() as url:
        port = int(url.rpartition(":")[2].split("/")[0])
        socket.create_connection(("127.0.0.1", port), TIMEOUT_S).close()
        with pytest.raises(ConnectionRefusedError):  # an address that only a listener on all addresses has
            socket.create_connection(("127.0.0.2", port), TIMEOUT_S)


def test_a_port_that_is_taken_is_told(alone: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = vshm("export", "--port", str(taken.getsockname()[1]))
    assert outcome.code == 1
    assert "listens there already" in outcome.err


def test_a_text_file_is_whole_at_every_look_and_gone_at_the_end(alone: None, ring: str, tmp_path: Path) -> None:
    path = tmp_path / "vshm.prom"
    with Camera(ring), subprocess.Popen([*COMMAND, "-o", path, "--every", "0.05"]) as process:
        wait_until(path.exists, "the file is written")
        frames: set[float] = set()
        while len(frames) < 5:
            families = {family.name: family for family in classic_families(path.read_text())}
            assert families.keys() >= {metric.name for metric in METRICS}
            frames |= {sample.value for sample in families["vshm_frames"].samples}
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_text_file_that_node_exporter_would_not_read_is_refused(tmp_path: Path) -> None:
    outcome = vshm("export", "-o", str(tmp_path / "vshm.txt"))
    assert (outcome.code, ".prom" in outcome.err) == (2, True)


def test_json_tells_the_same_once(alone: None, ring: str) -> None:
    with Camera(ring):
        told = vshm("export", "--json").json["samples"]
    assert [sample["value"] > 0 for sample in told if sample["name"] == "vshm_frames_total"] == [True]


def test_a_monitor_that_asks_for_the_head_alone_is_answered(alone: None) -> None:
    with exporting() as url:
        request = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            assert (answer.status, answer.read()) == (200, b"")


def test_an_address_that_is_unique_on_a_link_only_can_be_listened_on() -> None:
    """fe80::1%eth0: it is one of that interface, whose number the system wants to know."""
    table = Path("/proc/net/if_inet6")
    links = [line.split() for line in table.read_text().splitlines()] if table.exists() else []
    own = next((link for link in links if link[0].startswith("fe80")), None)
    if own is None:
        pytest.skip("this machine has no link-local address")
    address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(own[0]))
    with ExportServer(f"{address}%{own[5]}", 0, lambda *_: []) as server:
        assert server.server_address[0] == address
