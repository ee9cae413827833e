# SPDX-License-Identifier: Apache-2.0
"""Writes the log of a watch: one JSON line for each second and each event, in a file that is rotated.

Each line has the time by the wall clock, which may be set meanwhile, and by the monotonic clock. The first line of each
ring in a watch is marked. A thread of its own writes the log, so that the watch goes on while a memory card stalls.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import math
import queue
import shutil
import sys
import time
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ...commandline.locked_file import keep_others_out
from ...commandline.output import complain, plain
from ...machine import Machine, read_machine
from ..events import Event, board_events
from .second import Second

PART_BYTES = 4 * 1024 * 1024  # a day is about five of them
PARTS = 60
DIGITS = 4


class RotatedFile(RotatingFileHandler):
    """FILE, and its earlier parts as FILE.1.gz (the latest) and so on. A full disk is reported once."""

    def __init__(self, path: Path, part_bytes: int = PART_BYTES, parts: int = PARTS) -> None:
        super().__init__(path, maxBytes=part_bytes, backupCount=parts, encoding="utf-8")
        self._part_bytes = part_bytes
        self._told: str | None = None

    def _open(self) -> TextIOWrapper:
        """Open and lock the file. Raises OSError, also if another watch writes it."""
        file = super()._open()
        try:
            keep_others_out(file.fileno(), Path(self.baseFilename))
        except OSError:
            file.close()
            raise
        return file

    @property
    def _packed(self) -> Path:
        return Path(f"{self.baseFilename}.new")

    def rotation_filename(self, default_name: str) -> str:
        """Return the name of a full part."""
        return f"{default_name}.gz"

    def doRollover(self) -> None:  # noqa: N802 - the name is logging's
        """Compress the full part before the others are renamed, so that none is lost if there is no room for it."""
        try:
            with Path(self.baseFilename).open("rb") as full, gzip.open(self._packed, "wb") as packed:
                shutil.copyfileobj(full, packed)
        except OSError as error:
            self.maxBytes += self._part_bytes  # try again one part later
            with contextlib.suppress(OSError):
                self._packed.unlink()
            self._tell(error)
            return
        super().doRollover()
        self.maxBytes = self._part_bytes

    def rotate(self, source: str, dest: str) -> None:
        """Replace the full part by its compressed form."""
        self._packed.replace(dest)
        Path(source).unlink()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Report an error, but not the same one twice in a row."""
        self._tell(sys.exc_info()[1])

    def _tell(self, error: BaseException | None) -> None:
        if str(error) != self._told:
            self._told = str(error)
            complain(error)


def rounded(value: Any) -> Any:
    """Round floats to DIGITS significant digits, also within dictionaries."""
    if isinstance(value, float):
        return round(value, DIGITS - 1 - math.floor(math.log10(abs(value)))) if value else 0
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value


class WatchLog:
    """Writes the seconds of a watch; a context manager. Raises OSError if the file can't be opened."""

    def __init__(self, path: Path, handler: logging.Handler | None = None) -> None:
        lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        self._handler = handler or RotatedFile(path)
        self._listener = QueueListener(lines, self._handler)
        self._lines = QueueHandler(lines)
        self._machines: dict[str, Machine] = {}  # the board at each ring's previous second
        self._begun: set[str] = set()

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.stop()  # this writes all remaining lines
        with contextlib.suppress(OSError):  # a full disk was reported already
            self._handler.close()

    def _write(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, separators=(",", ":"))
        self._lines.handle(logging.makeLogRecord({"msg": "%s", "args": (text,)}))

    def write(self, second: Second) -> None:
        """Write a second with the state of the board, and its events as lines of their own."""
        machine = read_machine()
        before = self._machines.get(second.ring, machine)
        for event in (*second.events, *board_events(before, machine)):
            self.note(second.ring, event)
        told = rounded(plain(second))
        del told["events"]
        board = {"temperature_c": machine.temperature_c, "throttling": machine.throttling}
        told |= {name: value for name, value in board.items() if value is not None}
        self._machines[second.ring] = machine
        self._write_line(time.time(), time.monotonic(), second.ring, told)

    def note(self, ring: str, event: Event) -> None:
        """Log an event of a ring, which may have no more seconds."""
        self._write_line(event.time, event.monotonic, ring, self._told_of(event))

    def _write_line(self, wall: float, monotonic: float | None, ring: str, told: dict[str, Any]) -> None:
        times = {"time": round(wall, 3)} | ({} if monotonic is None else {"monotonic": round(monotonic, 3)})
        first = {} if ring in self._begun else {"first": True}
        self._begun.add(ring)
        self._write(times | first | {"ring": ring} | told)

    @staticmethod
    def _told_of(event: Event) -> dict[str, Any]:
        told: dict[str, Any] = {"event": event.event, "text": event.text}
        told |= {"count": event.count} if event.count else {}
        return told | ({"step_s": event.step_s} if event.step_s else {})
