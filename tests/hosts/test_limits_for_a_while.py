# SPDX-License-Identifier: Apache-2.0
"""Descriptors run out while a program runs, as when another one leaks them: it says so, and goes on afterwards."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import no_descriptor_left
from relay_link import Relay, relay  # noqa: F401
from vshm import TIMEOUT_S, Camera
from writers import wait_until

from vshm_ctypes.cli.list import unreadable
from vshm_ctypes.cli.watch import all_rings
from vshm_ctypes.cli.watch.all_rings import Overview

TOLD = "too many files open"

# What looks at all rings publishes its counters with each of them, as one of its readers.
pytestmark = pytest.mark.usefixtures("alone")


@contextmanager
def started(folder: Path, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Start vshm, with its output in the folder's files out and err."""
    command = [sys.executable, "-m", "vshm_ctypes", *words]
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
    with process:
        try:
            yield process
        finally:
            process.kill()


def end(process: "subprocess.Popen[bytes]") -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(TIMEOUT_S)


def test_a_watch_of_all_rings_goes_on(ring: str, tmp_path: Path) -> None:
    out, err, other = tmp_path / "out", tmp_path / "err", f"{ring}_other"
    with Camera(ring, slots=1000, slot_size=2000), started(tmp_path, "watch", "--json") as process:
        wait_until(lambda: ring in out.read_text(), "it watches")
        with no_descriptor_left(process.pid):
            wait_until(lambda: TOLD in err.read_text(), "it says why it does not look for others")
            seen = len(out.read_text().splitlines())
            wait_until(lambda: len(out.read_text().splitlines()) > seen + 1, "what it watches goes on")
        with Camera(other, slots=1000, slot_size=2000):
            wait_until(lambda: other in out.read_text(), "it sees others again")
            assert end(process) in (0, 1)  # as their summaries say
    assert all(json.loads(line) for line in out.read_text().splitlines())
    assert "Traceback" not in err.read_text()


def test_a_watch_may_meet_the_limit_in_the_middle_of_a_look(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable_then() -> list[str]:
        with no_descriptor_left(os.getpid()):
            return unreadable()

    with Camera(ring):
        overview = Overview()
        overview.look()
        monkeypatch.setattr(all_rings, "unreadable", unreadable_then)
        overview.look()
        told = overview.notes()
        overview.end()
    assert len(told) == 1
    assert TOLD in told[0]


def test_a_relay_goes_on_with_a_ring_that_it_can_not_look_at(relay: Relay) -> None:  # noqa: F811
    relay.start_camera()
    relay.start_import()
    with no_descriptor_left(relay.export_pid):
        relay.wait_frames(len(relay.frames()) + 30)
    assert not relay.ends()


def test_an_export_goes_on(ring: str, tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    out, err = tmp_path / "out", tmp_path / "err"
    with Camera(ring), started(tmp_path, "export", "--port", "0") as process:
        wait_until(lambda: out.read_text().endswith("/metrics\n"), "it exports")
        with no_descriptor_left(process.pid):
            wait_until(lambda: TOLD in err.read_text(), "it says why it does not look")
        url = out.read_text().strip()
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            assert ring in answer.read().decode()
        assert end(process) == 0
    assert "Traceback" not in err.read_text()


def test_an_export_into_a_file_has_no_old_values_meanwhile(ring: str, tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    file, err = tmp_path / "vshm.prom", tmp_path / "err"
    with Camera(ring), started(tmp_path, "export", "-o", os.fspath(file), "--every", "0.2") as process:
        wait_until(file.exists, "it exports")
        with no_descriptor_left(process.pid):
            wait_until(lambda: TOLD in err.read_text() and not file.exists(), "it says why it does not look")
        wait_until(file.exists, "it exports again")
        assert end(process) == 0
    assert "Traceback" not in err.read_text()
