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
    """A sample of a running process. at_ns: CLOCK_MONOTONIC. cpu_s: since its start."""

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

    code: its exit code, negative for a signal. meant: it ended normally after it was told to. stalls: how often it
    waited because its tape was full, so that the measurement disturbed it. library: the file that it had loaded.
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
    """A consumer's process. received: RECEIVED, in the order of arrival. events: EVENT.

    attach_number: the first frame that it could receive, or None if unknown. closing: its last words, or None if it was
    killed. saved: the stream that it saved, if only the writer's ledger can tell which frames those are; received is
    empty until they were found. printed: its output, if it prints each frame.
    """

    attach_number: int | None = None
    received: Records = field(default_factory=lambda: numpy.empty(0, RECEIVED))
    events: Records = field(default_factory=lambda: numpy.empty(0, EVENT))
    closing: dict[str, Any] | None = None
    saved: bytes | None = None
    printed: str = ""


@dataclass(slots=True)
class WriterLife(Life):
    """A writer's process.

    written: WRITTEN, in order. summary: the counters and costs that it printed, or None if killed.
    """

    written: Records = field(default_factory=lambda: numpy.empty(0, WRITTEN))
    summary: dict[str, Any] | None = None
