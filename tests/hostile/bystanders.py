# SPDX-License-Identifier: Apache-2.0
"""Programs that have nothing to do with what is tried beside them: a camera, its readers, and the same of version 1.

Nothing may happen to them: they go on, their rings stay as they are, and their books are exact.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hosts.preloads import BUILD
from writers import SHARED_MEMORY, wait_until

from hil.streamer.ledger import read_ledger
from vshm_ctypes import VideoShmError, inspect
from vshm_ctypes.published import PREFIX

from .programs import CAMERA, OLD_CHANNEL

READER = """
import json, signal, sys, zlib
from vshm_ctypes import Consumer, Interrupted
with Consumer("/video_stream", publish=True) as stream:
    signal.signal(signal.SIGTERM, lambda *_: stream.interrupt())
    seen = {}
    print("ready", flush=True)
    try:
        for frame in stream:
            seen[frame.number] = zlib.crc32(frame.data)
    except Interrupted:
        pass
    info = stream.info()
    told = {name: getattr(info, name) for name in ("received", "missed", "skipped", "span", "reattached")}
    print(json.dumps(told | {"seen": seen}))
"""
# Of a ring's first bytes, those that no frame changes: of the header, and of the extension behind it.
STILL_HEADER = ((0, 8), (28, 64))
STILL_EXTENSION = ((0, 76), (80, 96), (104, 120), (192, 256))
RINGS = (CAMERA, f"{CAMERA}_ch{OLD_CHANNEL}")
END_S = 30


def still_bytes(path: Path) -> bytes:
    """Return the bytes of a ring that stay the same as long as its writer lives."""
    with path.open("rb") as file:
        content = file.read(4096)
    extension = int.from_bytes(content[28:32], "little") * 64
    spans = [*STILL_HEADER, *((extension + a, extension + b) for a, b in STILL_EXTENSION if extension)]
    return b"".join(content[begin:end] for begin, end in spans)


class Bystanders:
    """In the /dev/shm of the thread that makes them. folder: for their files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        camera = ["--device", "testsrc:160x96@20", "--channel", f"{CAMERA}:,encoder=libx264,gop=10,slots=64,slot=64k"]
        old = BUILD / "tests" / "v1"
        self._start("camera", [sys.executable, "-m", "hil.streamer", *camera, "--stats", "--ledger", self._ledger])
        self._start("writer of version 1", [str(old / "v1_writer"), "-c", str(OLD_CHANNEL), "-f", "20"])
        for ring in RINGS:
            wait_until(lambda ring=ring: self._frames(ring) > 12, f"{ring} has frames")  # type: ignore[misc]
        for path in SHARED_MEMORY.iterdir():  # so that other users see them, and may do harm if that is possible
            path.chmod(0o666 if "sem" in path.name or path.name.endswith(f"_ch{OLD_CHANNEL}") else 0o664)
        self._start("reader", [sys.executable, "-c", READER]).stdout.readline()  # type: ignore[union-attr]
        self._start("reader of version 1", [str(old / "v1_reader"), "-c", str(OLD_CHANNEL)])
        wait_until(lambda: bool(list(SHARED_MEMORY.glob(f"{PREFIX}*"))), "the reader's counters")
        self._objects = {path: path.stat().st_ino for path in SHARED_MEMORY.iterdir()}
        self._still = {ring: still_bytes(SHARED_MEMORY / ring[1:]) for ring in RINGS}
        return self

    @cached_property
    def log(self) -> str:
        """What vshm watch --log writes of the camera."""
        path = self._folder / "log"
        words = [sys.executable, "-m", "vshm_ctypes", "watch", "-t", "2", "--log", str(path)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        return path.read_text()

    @property
    def _ledger(self) -> str:
        return str(self._folder / "ledger")

    def _start(self, name: str, words: Sequence[str]) -> subprocess.Popen[str]:
        with (self._folder / f"{name}.err").open("w") as err:
            self._started[name] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True, start_new_session=True
            )
        return self._started[name]

    @staticmethod
    def _frames(ring: str) -> int:
        try:
            return inspect(ring).frames
        except VideoShmError:
            return -1

    def harm(self) -> list[str]:
        """Return what has happened to them, and what else is in /dev/shm, which is removed."""
        found = [f"{name} has ended" for name, process in self._started.items() if process.poll() is not None]
        there = {path: path.lstat().st_ino for path in SHARED_MEMORY.iterdir()}
        found += [f"{path} was removed" for path in self._objects if path not in there]
        found += [f"{path} is another one" for path, inode in self._objects.items() if there.get(path, inode) != inode]
        for path in there.keys() - self._objects.keys():
            found.append(f"{path} was left behind")
            path.unlink()
        if found:
            return found
        for ring in RINGS:
            if still_bytes(SHARED_MEMORY / ring[1:]) != self._still[ring]:
                found.append(f"the header of {ring} was written")
                continue
            before = self._frames(ring)
            try:
                wait_until(lambda ring=ring, before=before: self._frames(ring) > before, "a frame")  # type: ignore[misc]
            except AssertionError:
                found.append(f"{ring} stands still")
        return found

    def _end(self, name: str) -> Any:
        process = self._started[name]
        process.send_signal(signal.SIGTERM)
        return json.loads(process.communicate(timeout=END_S)[0])

    def wrong_books(self) -> list[str]:
        """End them, readers first. Returns what is impossible in their books."""
        old, reader = self._end("reader of version 1"), self._end("reader")
        old_writer, camera = self._end("writer of version 1"), self._end("camera")["channels"][CAMERA]
        written = {record.number: record.crc32 for record in read_ledger(Path(self._ledger))}
        found = [f"the camera's books: {camera['imbalance']}"] if camera["imbalance"] else []
        if reader["received"] + reader["missed"] + reader["skipped"] != reader["span"] or reader["reattached"]:
            found.append(f"the reader's books: { {name: reader[name] for name in reader if name != 'seen'} }")
        if any(written.get(int(number)) != crc for number, crc in reader["seen"].items()):
            found.append("the reader saw what the camera has not written")
        if old["altered"] or old["repeated"] or not old["received"]:
            found.append(f"the books of the reader of version 1: {old}")
        if old_writer["dropped"] > old_writer["written"] / 10:
            found.append(f"the books of the writer of version 1: {old_writer}")
        return found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._started.values():
            if process.poll() is None:
                process.kill()
            process.wait(END_S)
            if process.stdout is not None:
                process.stdout.close()
