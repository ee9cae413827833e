# SPDX-License-Identifier: Apache-2.0
"""What is known of a worker once it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

from .records import EVENT, RECEIVED, WRITTEN, Records


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at a running process. at_ns: CLOCK_MONOTONIC. cpu_s: since its start."""

    at_ns: int
    cpu_s: float
    voluntary_switches: int
    involuntary_switches: int
    pss_bytes: int
    rss_bytes: int
    descriptors: int
    threads: int
    mappings: int


@dataclass(slots=True)
class Life:
    """One process, from its start to its end.

    code: how it ended, negative for a signal. meant: it ended as it was told to, by its own doing. stalls: times that
    it waited for room to write down what it saw, and so was disturbed by us. library: the file that it had loaded.
    """

    started_ns: int
    ended_ns: int
    code: int
    meant: bool
    complaints: str
    samples: list[Sample]
    library: Path | None = None
    stalls: int = 0


@dataclass(slots=True)
class ConsumerLife(Life):
    """attach_number: the first frame that it could get; None: not known. received: RECEIVED, in the order they came.

    events: EVENT. closing: what it said of itself at its end; None: it was killed. saved: the stream that it saved,
    where only the writer's ledger can tell which frames those are; received is empty until that was done. printed: its
    words, if it prints each frame.
    """

    attach_number: int | None = None
    received: Records = field(default_factory=lambda: numpy.empty(0, RECEIVED))
    events: Records = field(default_factory=lambda: numpy.empty(0, EVENT))
    closing: dict[str, Any] | None = None
    saved: bytes | None = None
    printed: str = ""


@dataclass(slots=True)
class WriterLife(Life):
    """written: WRITTEN, in order. summary: books and cost as it printed them at its end; None: it was killed."""

    written: Records = field(default_factory=lambda: numpy.empty(0, WRITTEN))
    summary: dict[str, Any] | None = None
