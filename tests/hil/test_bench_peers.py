# SPDX-License-Identifier: Apache-2.0
"""hil bench: each peer really hands frames on, its books are exact, and nothing is left of it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from writers import SHARED_MEMORY, wait_until

from hil.bench import block
from hil.bench.block import run_block
from hil.bench.in_c import NAMES_IN_C, InC
from hil.bench.outcome import BlockError
from hil.bench.peers import PEERS, missing_package, peer_class

SIZE = 64 * 1024
LOSES_NONE = ("pipe", "websocket")


def left_by(pid: int) -> list[str]:
    """What a bench of that process has left: rings, sockets, files."""
    return [str(path) for folder in (SHARED_MEMORY, Path(tempfile.gettempdir())) for path in folder.glob(f"*-{pid}-*")]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    assert left_by(os.getpid()) == []
    assert workers(os.getpid()) == []


@pytest.fixture(params=sorted(PEERS))
def peer(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if package := missing_package(name):
        pytest.skip(f"{name}: {package} is not installed: pip install 'video-shm[bench]'")
    return name


def test_every_frame_at_a_rate_that_all_can_keep_is_received_or_missed(peer: str) -> None:
    outcome = run_block(peer, SIZE, receivers=2, fps=100, seconds=0.4)
    assert outcome.faults == {}
    assert outcome.sent == 40
    assert [got + lost for got, lost in zip(outcome.received, outcome.missed, strict=True)] == [40, 40]
    assert min(outcome.received) > 0
    assert len(outcome.latency_ns) >= sum(outcome.received) - 10 and min(outcome.latency_ns) > 0
    assert outcome.sender_cpu_us > 0 and outcome.receiver_cpu_us is not None and outcome.receiver_cpu_us > 0
    if peer in LOSES_NONE:
        assert outcome.received == [40, 40]


def test_the_books_are_exact_as_fast_as_it_goes(peer: str) -> None:
    outcome = run_block(peer, 512 * 1024, receivers=1, fps=0, seconds=0.2)
    assert outcome.faults == {}
    assert outcome.sent >= 10
    assert outcome.received[0] + outcome.missed[0] == outcome.sent
    if peer in LOSES_NONE:
        assert outcome.missed == [0]


@pytest.mark.parametrize("name", NAMES_IN_C)
@pytest.mark.parametrize("fps", [100, 0])
def test_in_c_too(name: str, fps: int, tmp_path: Path) -> None:
    outcome = InC(tmp_path).run_block(name, SIZE, 2, fps, 0.4 if fps else 0.01)
    assert outcome.faults == {}
    assert [got + lost for got, lost in zip(outcome.received, outcome.missed, strict=True)] == [outcome.sent] * 2
    if fps:
        assert outcome.sent == 40 and sum(outcome.received) > 0 and outcome.latency_ns


def test_a_peer_that_does_not_work_is_named_with_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSHM_LIBRARY", "/absent.so")
    with pytest.raises(BlockError, match=r"video-shm: (.|\n)*absent\.so"):
        run_block("video-shm", SIZE, 1, 100, 0.2)


def test_a_peer_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block, "PATIENCE_S", -8.5)
    with pytest.raises(BlockError, match=r"video-shm: no end after 1\.5 s"):
        run_block("video-shm", SIZE, 2, 100, 10)


def workers(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children()
    return [child for child in children if "hil.bench.worker" in child.cmdline()]


@contextmanager
def bench_of(name: str, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """hil bench, once both processes of a block are at work."""
    command = [sys.executable, "-m", "hil", "bench", "--peer", name, "--seconds", "60", "--output", str(tmp_path)]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            wait_until(lambda: len(workers(process.pid)) == 2, "a block's processes run")
            wait_until(lambda: len(left_by(process.pid)) == 2, "its ring is there")
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_of_a_bench_that_is_ended(end: signal.Signals, tmp_path: Path) -> None:
    with bench_of("video-shm", tmp_path) as process:
        started = workers(process.pid)
        process.send_signal(end)
        out, err = process.communicate(timeout=60)
    assert process.returncode == (-end if end == signal.SIGKILL else 130)
    assert (out, "Traceback" in err) == ("", False)
    wait_until(lambda: not any(one.is_running() for one in started), "its processes end")
    wait_until(lambda: left_by(process.pid) == [], "its ring and its folder are gone")
    assert list(tmp_path.rglob("*")) == []


def test_every_peer_tells_what_the_table_needs() -> None:
    for name in PEERS:
        kind = peer_class(name)
        assert kind.name == name
        assert kind.copies == len(kind.how.split(","))
