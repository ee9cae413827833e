# SPDX-License-Identifier: Apache-2.0
"""The result of a fleet's run: what was written, what each consumer received, and what was done to them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from hil.fleet.camera_page import SentPictures, camera_page
from hil.fleet.frame_book import FrameBook, ReaderPage, camera_gaps, writer_page
from hil.fleet.witness import Account, Finding, all_written, examine_life
from hil.usb.books import Picture
from hil.workers.consumers import Consumer
from hil.workers.life import ConsumerLife, WriterLife
from hil.workers.records import RESULTS, WRITTEN, Records, accepted, save
from vshm_ctypes import RingInfo

from .faults import FaultResult

Times = NDArray[numpy.int64]


@dataclass(slots=True)
class WriterResult:
    """What a writer did. lives: its processes, one after the other."""

    ring: str
    lives: list[WriterLife]

    @property
    def written(self) -> Records:
        """WRITTEN of all its processes in order, including what did not get into the ring."""
        return numpy.concatenate([life.written for life in self.lives] or [numpy.empty(0, WRITTEN)])

    @property
    def books(self) -> list[dict[str, Any] | None]:
        """The counters that each process printed, or None for one that was killed."""
        return [life.summary["channels"][self.ring] if life.summary else None for life in self.lives]


@dataclass(slots=True)
class ConsumerResult:
    """What a consumer did. lives: its processes, one after the other."""

    name: str
    consumer: Consumer
    lives: list[ConsumerLife]

    @property
    def received(self) -> Records:
        """RECEIVED of all its processes, in the order of arrival."""
        return numpy.concatenate([life.received for life in self.lives])


@dataclass(slots=True)
class FleetResult:
    """The result of a run.

    begin_ns, end_ns: CLOCK_MONOTONIC, from when all were attached until the writer was told to end.
    seed: of the random times. ring: its state when all were attached. names_left: what was left in shared memory when
    the last writer had ended. sent: what the camera's own books have, or None if it keeps none.
    """

    begin_ns: int
    end_ns: int
    seed: int
    ring: RingInfo
    writer: WriterResult
    consumers: list[ConsumerResult]
    faults: list[FaultResult]
    names_left: list[str]
    sent: Sequence[Picture] | None = None

    @property
    def seconds(self) -> float:
        """How long it ran, in seconds."""
        return (self.end_ns - self.begin_ns) / 1e9

    def arrivals(self, consumer: ConsumerResult) -> tuple[Times, Times]:
        """Return (awake_ns, latency_ns) of each frame that the consumer received; empty if it records no times.

        Latency is from the entry of the write to the reader's return from its wait. Only frames that were written after
        all were attached are counted.
        """
        written = accepted(self.writer.written)
        received = consumer.received
        received = received[received["awake_ns"] >= self.begin_ns]
        # A clean restart repeats numbers: the last write before the wake-up is the one that was read.
        written = written[numpy.lexsort((written["entry_ns"], written["number"]))]
        keys = written[["number", "entry_ns"]]
        wanted = numpy.zeros(len(received), keys.dtype)
        wanted["number"], wanted["entry_ns"] = received["number"], received["awake_ns"]
        at = numpy.searchsorted(keys, wanted, side="right") - 1
        found = at >= 0
        found[found] = written["number"][at[found]] == received["number"][found]
        entry_ns, awake_ns = written["entry_ns"][at[found]], received["awake_ns"][found]
        within = entry_ns >= self.begin_ns
        return awake_ns[within], (awake_ns - entry_ns)[within]

    def latencies_ns(self, consumer: ConsumerResult) -> Times:
        """Return the latencies of arrivals()."""
        return self.arrivals(consumer)[1]

    def accounts(self) -> list[tuple[str, Account]]:
        """Return (the consumer's name, the witness's account) for each process of each consumer."""
        written = all_written(self.writer.lives, [consumer.received for consumer in self.consumers])
        after = written[written["entry_ns"] >= self.begin_ns]
        first = int(after["number"][0]) if len(after) else None
        found = []
        for consumer in self.consumers:
            for at, life in enumerate(consumer.lives):
                begins_there = at == 0 and consumer.consumer.behaviour.begins and consumer.consumer.kind == "example"
                to_the_end = at == len(consumer.lives) - 1 and consumer.consumer.kind != "v1"
                account = examine_life(
                    written, life, first=first if begins_there else None, to_the_end=to_the_end and life.meant
                )
                if not life.meant and not consumer.consumer.behaviour.dies:
                    text = f"did not end as it was told to, but with {life.code}: {life.complaints}"
                    account.findings.append(Finding("ended", -1, text))
                found.append((consumer.name, account))
        return found

    def frame_book(self) -> FrameBook:
        """Return the frame book, from the camera to each consumer."""
        book = FrameBook()
        if self.sent is not None:
            for life, next_life in itertools.zip_longest(self.writer.lives, self.writer.lives[1:]):
                until_ns = next_life.started_ns if next_life else math.inf
                due = [one for one in self.sent if life.started_ns <= one.due_ns < until_ns]
                book.cameras.append(camera_page(due, life.written, life.summary))
        for life, books in zip(self.writer.lives, self.writer.books, strict=True):
            witnessed = {name: int((life.written["result"] == at).sum()) for at, name in enumerate(RESULTS)}
            book.writers.append(writer_page(books, witnessed))
        for name, account in self.accounts():
            complete = account.missed is not None and account.skipped is not None
            counts = (account.missed or 0, account.skipped or 0)
            book.readers.append(ReaderPage(name, account.written, account.received, *counts, complete))
        totals = book.totals()
        sequences = accepted(self.writer.written)["v4l2_sequence"].tolist()
        book.camera_gaps = camera_gaps(sequences, totals.encoder_dropped, totals.source_error)
        return book

    def shown(self) -> dict[int, int | None]:
        """Return what the bar code of each frame must show, by its number, if the camera keeps books; else nothing."""
        return {} if self.sent is None else SentPictures(self.sent).shown(accepted(self.writer.written))

    def save(self, folder: Path) -> None:
        """Save the consumers' ledgers in a folder, as evidence."""
        folder.mkdir(parents=True, exist_ok=True)
        for consumer in self.consumers:
            for at, life in enumerate(consumer.lives):
                save(life.received, life.closing, folder / f"{consumer.name}-{at}.jsonl")
