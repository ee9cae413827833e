# SPDX-License-Identifier: Apache-2.0
"""hil bench: each peer really hands frames on, its books are exact, and nothing is left of it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path

import psutil
import pytest
from writers import SHARED_MEMORY, wait_until

from hil.bench import block
from hil.bench.block import run_block
from hil.bench.comparison import Case
from hil.bench.in_c import NAMES_IN_C, InC
from hil.bench.payload import Payload, number_of
from hil.bench.peer import Link, Peer
from hil.bench.peers import OF_PICTURES, PEERS, peer_class
from hil.bench.sides import SETTLING
from hil.blocks.block import Block, BlockError

SIZE = 64 * 1024
PICTURE = 1920 * 1080 * 3 // 2
LONGER = 2  # times
MANY = 20  # frames, far more than a link keeps
LOSES_NONE = ("pipe", "websocket")


def left_by(pid: int) -> list[str]:
    """Return what a bench of that process has left: rings, sockets, files."""
    return [str(path) for folder in (SHARED_MEMORY, Path(tempfile.gettempdir())) for path in folder.glob(f"*-{pid}-*")]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    assert left_by(os.getpid()) == []
    assert workers(os.getpid()) == []


@pytest.fixture(params=sorted(PEERS))
def peer(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if obstacle := peer_class(name).obstacle():
        pytest.skip(f"{name}: {obstacle}")
    return name


def long_enough(peer: str, case: Case, seconds: float) -> Block:
    """Run a block, and a longer one where a busy machine let a reader have nothing in so short a time."""
    seen = run_block(peer, case, seconds)
    for _ in range(LONGER):
        if "silent" not in seen.faults():
            break
        seconds *= 10
        seen = run_block(peer, case, seconds)
    return seen


def test_of_pictures_as_fast_as_it_goes_each_is_received_whole_or_passed_over(peer: str) -> None:
    if peer not in OF_PICTURES:
        pytest.skip("it is not measured with pictures, since it has no way to pass over those that are not the newest")
    seen = long_enough(peer, Case(PICTURE, 2, 0, slots=4, newest=True), 0.1)
    assert seen.faults() == {}
    assert [reader.received + reader.missed for reader in seen.readers] == [seen.written] * 2


def _send_many(kind: type[Peer], link: Link, ready: Event, joined: Event, done: Event, over: Event) -> None:
    sender, payload = kind(link), Payload(link.size)
    sender.open_to_send()
    ready.set()
    joined.wait()
    for number in range(MANY):
        sender.send(payload.numbered(number))
        time.sleep(0.02)
    done.set()
    over.wait()
    sender.close()


def test_who_wants_the_newest_only_gets_no_older_one(peer: str, tmp_path: Path) -> None:
    """A receiver that was away for many frames goes on with the last, or with one that was on its way before."""
    if peer not in ("video-shm", "video-shm borrow", "futex floor", "shared_memory"):
        pytest.skip("it is its own code that keeps the newest")
    context = multiprocessing.get_context("fork")
    events = [context.Event() for _ in range(4)]
    ready, joined, done, over = events
    link = Link(tmp_path, f"vshm-bench-{os.getpid()}-newest", SIZE, 1, slots=4, newest=True)
    sending = context.Process(target=_send_many, args=(peer_class(peer), link, *events), daemon=True)
    sending.start()
    try:
        assert ready.wait(60)
        receiver = peer_class(peer)(replace(link, receiver=0))
        receiver.open_to_receive()
        joined.set()
        assert done.wait(60)
        assert (number_of(receiver.receive(), SIZE) or 0) >= MANY - 3
        receiver.release()
        receiver.close()
    finally:
        over.set()
        sending.join()
        peer_class(peer).sweep(link)


def test_every_frame_at_a_rate_that_all_can_keep_is_received_or_missed(peer: str) -> None:
    seen = run_block(peer, Case(SIZE, receivers=2, fps=100), seconds=0.4)
    assert seen.faults() == {}
    assert seen.written == 40
    assert [reader.received + reader.missed for reader in seen.readers] == [40, 40]
    assert min(reader.received for reader in seen.readers) > 0
    assert len(seen.latency_ns) >= sum(reader.received for reader in seen.readers) - 2 * SETTLING
    assert min(seen.latency_ns) > 0 and min(seen.write_ns) > 0
    assert len(seen.write_ns) == seen.writer.frames == 40 - SETTLING
    assert seen.elapsed_ns > 0.2e9
    for tally in (seen.writer, *seen.readers):
        assert tally.cpu_ns is not None and tally.cpu_ns > 0 and tally.frames > 0
    if peer in LOSES_NONE:
        assert [reader.received for reader in seen.readers] == [40, 40]


def test_the_books_are_exact_as_fast_as_it_goes(peer: str) -> None:
    seen = long_enough(peer, Case(512 * 1024, receivers=1, fps=0), 0.2)
    assert seen.faults() == {}
    assert seen.written > SETTLING
    assert seen.readers[0].received + seen.readers[0].missed == seen.written
    if peer in LOSES_NONE:
        assert seen.readers[0].missed == 0


@pytest.mark.parametrize("name", NAMES_IN_C)
@pytest.mark.parametrize("fps", [100, 0])
def test_in_c_too(name: str, fps: int, tmp_path: Path) -> None:
    seen = InC(tmp_path).run_block(name, Case(SIZE, 2, fps), 0.4 if fps else 0.01)
    assert seen.faults() == {}
    assert [reader.received + reader.missed for reader in seen.readers] == [seen.written] * 2
    if fps:
        assert seen.written == 40 and sum(reader.received for reader in seen.readers) > 0 and seen.latency_ns


def worker_command(peer: str, folder: str) -> list[str]:
    """Return the command of a block's worker with one receiver, which reads its schedule."""
    command = [sys.executable, "-m", "hil.bench.worker", "--peer", peer, "--folder", folder]
    return [*command, "--parent", str(os.getpid()), "-p", "0", "1"]


def test_frames_of_two_sizes_are_refused() -> None:
    schedule = "".join(f"0 {64 + number % 2} 1\n" for number in range(30))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        done = subprocess.run(
            worker_command("pipe", folder), input=schedule, capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "all of one size" in done.stderr


@pytest.mark.parametrize("which", [0, 1])
def test_a_process_that_dies_ends_the_block(which: int) -> None:
    schedule = "".join(f"{number * 1_000_000} 64 1\n" for number in range(300))
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        subprocess.Popen(
            worker_command("pipe", folder), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as worker,
    ):
        try:
            assert worker.stdin is not None
            worker.stdin.write(schedule)
            worker.stdin.close()
            wait_until(lambda: len(psutil.Process(worker.pid).children()) == 2, "its processes run")
            psutil.Process(worker.pid).children()[which].kill()
            assert worker.wait(60) == 1
            assert worker.stderr is not None and "a process ended with -9" in worker.stderr.read()
        finally:
            worker.terminate()
        assert not Path(folder).exists()


def test_a_peer_that_does_not_work_is_named_with_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSHM_LIBRARY", "/absent.so")
    with pytest.raises(BlockError, match=r"video-shm: (.|\n)*absent\.so"):
        run_block("video-shm", Case(SIZE, 1, 100), 0.2)


def test_a_peer_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block, "PATIENCE_S", -8.5)
    with pytest.raises(BlockError, match=r"video-shm: no end after 1\.5 s"):
        run_block("video-shm", Case(SIZE, 2, 100), 10)


def workers(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if "hil.bench.worker" in child.cmdline()]


@contextmanager
def bench_of(name: str, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Yield hil bench once a block's worker and both its processes are at work."""
    command = [sys.executable, "-m", "hil", "bench", "--peer", name, "--seconds", "60", "--output", str(tmp_path)]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            wait_until(lambda: len(workers(process.pid)) == 3, "a block's processes run")
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
