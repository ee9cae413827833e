# SPDX-License-Identifier: Apache-2.0
"""hil bench compares this library with other ways of passing frames between processes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from vshm_ctypes.commandline.verb import positive


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--peers", action="store_true", help="measure all peers, with encoded frames")
    parser.add_argument("--raw", action="store_true", help="measure all peers, with raw pictures of 1080p in NV12")
    parser.add_argument(
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
        help="folder for peers.json and peers.md, with --raw pictures.json and pictures.md (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the JSON instead of the tables")


def run(arguments: Namespace) -> int:
    """Run the verb.

    Returns 0 if measured, 1 if a peer fails or loses count of frames, 3 if the host was not fit for timing.
    """
    if not (arguments.peers or arguments.raw or arguments.peer):
        raise ValueError("say what to measure: --peers, --raw, or --peer NAME")
    from ..bench.main import run as measure  # its statistics are slow to import

    return measure(arguments)
