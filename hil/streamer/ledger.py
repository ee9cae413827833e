# SPDX-License-Identifier: Apache-2.0
"""The writer's ledger: a file with one line per access unit, written by another thread than the stream's."""

from __future__ import annotations

import json
import queue
import threading
import zlib
from collections.abc import Iterable, Iterator
from io import BufferedWriter, TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from vshm_ctypes.commandline.locked_file import open_alone

Result = Literal["written", "refused", "ring_dropped"]


class Record(NamedTuple):
    """An access unit in the ledger.

    channel: the ring's name. v4l2_sequence: the driver's sequence number, or -1 if the source has none. capture_ns,
    entry_ns: CLOCK_MONOTONIC, entry_ns when the write was entered. number: frame number in the ring, or -1 if it was
    not written.
    """

    channel: str
    v4l2_sequence: int
    capture_ns: int
    entry_ns: int
    number: int
    size: int
    crc32: int
    result: Result


class Ledger:
    """Takes records from any thread, and writes them in a thread of its own.

    It is a context manager. Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self._file = TextIOWrapper(BufferedWriter(open_alone(path, force=True)), encoding="ascii")
        self._queue: queue.SimpleQueue[tuple[Record, bytes | None] | None] = queue.SimpleQueue()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="ledger")
        self._thread.start()

    def add(self, record: Record, data: bytes | None) -> None:
        """Add a record. Its crc32 is computed from data, if any, in the ledger's thread."""
        self._queue.put((record, data))

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            record, data = entry
            record = record if data is None else record._replace(crc32=zlib.crc32(data))
            line = json.dumps(record._asdict())
            try:
                print(line, file=self._file, flush=True)  # a killed process leaves what it had written
            except OSError as error:  # the disk may be full: the stream goes on, and close() raises the error
                self._failure = self._failure or OSError(error.errno, error.strerror, self._file.name)

    def close(self) -> None:
        """Write the remaining records. Raises OSError if a record could not be written."""
        self._queue.put(None)
        self._thread.join()
        try:
            self._file.close()
        except OSError as error:
            self._failure = self._failure or error
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_ledger(path: Path) -> Iterator[Record]:
    """Yield the records of a file in order, without an incomplete last line.

    Raises ValueError if it is not a ledger.
    """
    with path.open(encoding="ascii") as file:
        yield from records_in(path, file)


def records_in(path: Path, lines: Iterable[str], first: int = 1) -> Iterator[Record]:
    """Yield the records of a ledger's lines, up to an incomplete one. first: the first line's number in the file.

    Raises ValueError if they are no ledger's.
    """
    for number, line in enumerate(lines, first):
        if not line.endswith("\n"):
            return
        try:
            yield Record(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}:{number}: no ledger: {error}") from None
