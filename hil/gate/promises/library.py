# SPDX-License-Identifier: Apache-2.0
"""Promises about the library as a whole: its calls, its types, and that it leaves the process alone."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from .header import read_header
from .life import live
from .raw import PREFIX, STRUCTS, LogCallback
from .ring_object import RingObject
from .scene import FRAME, Scene, promise, until

INFO, WARNING = 0, 1
DEADLOCK_S = 15


@promise
def exports_every_call(scene: Scene) -> None:
    """The library exports every call of the header."""
    for call in read_header().calls:
        scene.expect(call, "there" if scene.library.has(call.removeprefix(PREFIX)) else "absent", "there")


@promise
def tells_its_version(scene: Scene) -> None:
    """video_shm_version returns MAJOR.MINOR.PATCH, always at the same address."""
    version = scene.library.function("version")
    version.restype = ctypes.c_void_p
    address = version()
    told = ctypes.string_at(address).decode()
    scene.expect(f"{told} is MAJOR.MINOR.PATCH", re.fullmatch(r"\d+\.\d+\.\d+", told) is not None, True)
    scene.expect("address of the next answer", version(), address)


@promise
def lays_its_types_out_as_declared(scene: Scene) -> None:
    """Types have the header's sizes and offsets; only structs with a struct_size may be larger."""

    def layout(name: str | None) -> int:
        return scene.library("layout", name.encode() if name is not None else None).result

    for name, struct in STRUCTS.items():
        size, grows = ctypes.sizeof(struct), "struct_size" in dict(struct._fields_)
        scene.expect_in(name, layout(name), size, size + 4096 if grows else size)
        for field, _ in struct._fields_:
            if field != "opaque":
                scene.expect(f"{name}.{field}", layout(f"{name}.{field}"), getattr(struct, field).offset)
    for unknown in ("video_shm_info_t.colour", "video_shm_info_t.", "video_shm_inf", "", "int", None):
        scene.expect(f"layout of {unknown}", layout(unknown), -1)


@promise
def prints_nothing(scene: Scene) -> None:
    """The library prints nothing on stdout or stderr, not even while it is loaded."""
    live(scene)
    words = os.fstat(1).st_size
    scene.expect("what is on stdout and stderr", os.pread(1, words, 0), b"")


@promise
def leaves_signals_alone(scene: Scene) -> None:
    """The library installs no signal handler, and neither ignores nor blocks a signal."""

    def signals() -> list[str]:
        return re.findall(r"^(?:SigBlk|SigIgn|SigCgt):.*$", Path("/proc/self/status").read_text(), re.MULTILINE)

    threading.Thread(target=signals).start()  # the C library catches a signal of its own once there is a thread
    before = signals()
    live(scene)
    writer = scene.writer()
    RingObject(scene.path(scene.channel_name)).set_header(active_readers=2)
    writer.write(FRAME)  # starts a thread that wakes version 1 readers
    scene.expect("blocked, ignored and caught signals", signals(), before)


# ---- its log ----


class _Log:
    """Keeps the lines that a library logs."""

    def __init__(self, scene: Scene, context: int = 4711) -> None:
        self.lines: list[tuple[int, str, int | None, int]] = []
        self.library = scene.library
        self._callback = LogCallback(self._keep)
        scene.library("set_log", ctypes.cast(self._callback, ctypes.c_void_p), context)

    def _keep(self, level: int, message: bytes, context: int | None) -> None:
        self.lines.append((level, message.decode(errors="replace"), context, threading.get_native_id()))


def _replace(scene: Scene) -> str:
    """Replace a dead writer's ring, which must be logged. Returns its name."""
    name = scene.new_name()
    scene.write_and_die(3, name, slots=4, slot_size=4096)
    scene.writer(name, slots=5, slot_size=4096).destroy()
    return name


@promise
def logs_what_is_worth_a_line(scene: Scene) -> None:
    """An event is logged with level, text and context, by the thread that made the call."""
    log = _Log(scene)
    name = _replace(scene)
    scene.need("lines about a ring that was replaced", len(log.lines), 1)
    level, message, context, thread = log.lines[0]
    scene.expect("its level", level, INFO)
    scene.expect("the ring is named in it", name in message, True)
    scene.expect("its context", context, 4711)
    scene.expect("it comes from the thread that made the call", thread == threading.get_native_id(), True)


@promise
def logs_a_name_that_is_gone_as_a_warning(scene: Scene) -> None:
    """A writer that makes its ring anew, because the name was removed, logs a warning."""
    name = scene.new_name()
    writer, log = scene.writer(name, slots=2, slot_size=4096), _Log(scene)
    scene.path(name).unlink()
    until(lambda: writer.write(FRAME).result != 0 or bool(log.lines))
    scene.expect("levels of the lines", [line[0] for line in log.lines], [WARNING])


@promise
def logs_nothing_per_frame(scene: Scene) -> None:
    """Writing, reading, missing and dropping frames logs nothing."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=4, slot_size=2000), scene.reader(name)
    log = _Log(scene)
    for _ in range(500):
        writer.write(FRAME)
        writer.write(b"x" * 2001)
    reader.numbers()
    scene.expect("lines for 500 frames", len(log.lines), 0)


@promise
def logs_no_more_once_told_so(scene: Scene) -> None:
    """video_shm_set_log with NULL removes the callback."""
    log = _Log(scene)
    scene.library("set_log", None, None)
    _replace(scene)
    scene.expect("lines after its removal", len(log.lines), 0)


@promise
def logs_to_whom_it_was_told_last(scene: Scene) -> None:
    """video_shm_set_log replaces the callback, and its context."""
    first, last = _Log(scene, 1), _Log(scene, 2)
    _replace(scene)
    scene.expect("contexts of the lines to the first and to the last one", _contexts(first, last), ([], [2]))
    once_more = _Log(scene, 1)
    _replace(scene)
    scene.expect("contexts, with the first one's context again", _contexts(last, once_more), ([2], [1]))


def _contexts(*logs: _Log) -> tuple[list[int | None], ...]:
    return tuple([context for _, _, context, _ in log.lines] for log in logs)


@promise
def logs_with_no_lock_held(scene: Scene) -> None:
    """The log callback may fork, call the library, and wait for threads that do."""
    done = list[str]()

    def work() -> None:
        writer = scene.writer(scene.new_name(), slots=2, slot_size=64)
        writer.write(b"x")
        writer.destroy()

    def told(level: int, message: bytes, context: int | None) -> None:
        if done:
            return
        done.append("begun")
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        work()
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(DEADLOCK_S / 2)
        done.append("waits for ever" if thread.is_alive() else "done")

    def play() -> Iterator[str]:
        callback = LogCallback(told)
        scene.library("set_log", ctypes.cast(callback, ctypes.c_void_p), None)
        signal.alarm(DEADLOCK_S)
        _replace(scene)
        yield " ".join(done)

    scene.expect("the callback", scene.ask(play), ["begun done"])
