# SPDX-License-Identifier: Apache-2.0
"""What every verb of vshm is made of: its arguments, its run, and what its exit code means."""

from __future__ import annotations

import enum
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass


class Exit(enum.IntEnum):
    """Exit codes, the same for all verbs."""

    HEALTHY = 0
    FINDING = 1
    USAGE = 2
    NO_RING = 3
    INTERRUPTED = 130  # as a shell has it for Ctrl-C


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. run gets the parsed arguments (json among them) and returns an exit code."""

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


def add_ring_argument(parser: ArgumentParser) -> None:
    """The optional RING that most verbs take."""
    parser.add_argument(
        "ring", nargs="?", metavar="RING", help="channel number, NAME or /NAME (default: /video_stream)"
    )


def positive(text: str) -> float:
    """Seconds on the command line: a number above zero."""
    value = float(text)
    if not 0 < value < 1e9:
        raise ArgumentTypeError(f"{text}: a number above zero")
    return value


def add_seconds_argument(parser: ArgumentParser) -> None:
    """How long rates are measured."""
    parser.add_argument(
        "-s", "--seconds", type=positive, default=1.0, metavar="S", help="measure rates for so long (default: 1)"
    )
