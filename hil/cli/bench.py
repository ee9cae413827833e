# SPDX-License-Identifier: Apache-2.0
"""hil bench compares this library with other ways of passing frames between processes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from vshm_ctypes.commandline.verb import positive


def add_arguments(parser: ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--peers", action="store_true", help="measure all peers")
    which.add_argument(
        "--peer", action="append", metavar="NAME", help="measure only this peer; may be given several times"
    )
    seconds = "seconds per row, a fifth of it at full rate (default: %(default)g, about five minutes in all)"
    parser.add_argument("--seconds", type=positive, default=6.0, metavar="S", help=seconds)
    parser.add_argument("--board", metavar="NAME|FILE", help="board whose thresholds apply (default: this machine)")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("bench"),
        metavar="DIR",
        help="folder for peers.json and peers.md (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print peers.json instead of the tables")


def run(arguments: Namespace) -> int:
    """Run the verb.

    Returns 0 if measured, 1 if a peer fails or loses count of frames, 3 if the host was not fit for timing.
    """
    from ..bench.main import run as measure  # its statistics are slow to import

    return measure(arguments)
