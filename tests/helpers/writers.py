# SPDX-License-Identifier: Apache-2.0
"""Runs writers as child processes, each on a channel that nobody else uses, and cleans up after them."""

import itertools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VIDEO_SHM_BUILD", ROOT / "build")).resolve()
SHARED_MEMORY = Path("/dev/shm")
WATCHDOG_S = 180.0

_numbers = itertools.count()
_own_channels: set[str] = set()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds. The time limit is a watchdog, not a limit on speed."""
    deadline = time.monotonic() + WATCHDOG_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WATCHDOG_S} s in vain: {what}"
        time.sleep(0.005)


def wait_until_stopped(pid: int) -> None:
    def is_stopped() -> bool:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("T")

    wait_until(is_stopped, f"process {pid} stops")


@contextmanager
def meanwhile(write: Callable[[], object], interval_s: float) -> Iterator[None]:
    """Write frames in a thread, as a camera does, as long as the block lasts."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(interval_s):
            write()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Writer:
    """A program with the original's loop that writes to a channel; every byte of a frame is its number modulo 256."""

    PROGRAM = BUILD / "tests" / "seed" / "seed_producer"

    def __init__(self, channel: int, size: int, fps: int) -> None:
        self.size = size
        self.process = subprocess.Popen(
            [self.PROGRAM, "-c", str(channel), "-s", str(size), "-f", str(fps)], stdin=subprocess.DEVNULL
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        wait_until_stopped(self.pid)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def finish(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.resume()
        return self.process.wait(WATCHDOG_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WATCHDOG_S)


class Channel:
    """A channel for one test, and the names that belong to it."""

    def __init__(self) -> None:
        self.number = 100_000 + os.getpid() % 10_000_000 * 100 + next(_numbers)
        _own_channels.add(str(self.number))
        self.ring_path = SHARED_MEMORY / f"video_stream_ch{self.number}"
        self._writers: list[Writer] = []

    @property
    def paths(self) -> list[Path]:
        return sorted(SHARED_MEMORY.glob(f"*_ch{self.number}"))

    def start_writer(self, size: int = 2000, fps: int = 200) -> Writer:
        writer = Writer(self.number, size, fps)
        self._writers.append(writer)
        return writer

    def clean_up(self) -> None:
        for writer in self._writers:
            if writer.process.poll() is None:
                writer.kill()
        for path in self.paths:
            path.unlink()


def published_of(is_one: Callable[[str], bool], *, left: bool = False) -> list[Path]:
    """Return what readers of such rings have published. left: only what no living process has published.

    A reader that lives may be another test's, such as a watch of all rings.
    """
    if next(SHARED_MEMORY.glob("vshm_consumer_*"), None) is None:
        return []
    from vshm_ctypes.published import list_published  # no library is to be loaded before it is chosen

    return [one.path for one in list_published() if is_one(one.ring) and not (left and one.alive)]


def own_objects() -> set[Path]:
    """Return this process's rings in shared memory, their semaphores, and what their readers published."""
    if not SHARED_MEMORY.exists():
        return set()

    def is_own(name: str) -> bool:
        of_process = name.removeprefix("/").startswith(f"vshm_pytest_{os.getpid()}_")
        return of_process or name.rpartition("_ch")[2] in _own_channels

    own = {path for path in SHARED_MEMORY.iterdir() if is_own(path.name)}
    return own.union(published_of(is_own, left=True))
