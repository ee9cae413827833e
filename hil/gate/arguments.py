# SPDX-License-Identifier: Apache-2.0
"""The arguments of ``hil gate``, in a module of their own so that other verbs do not load its statistics."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

PROMISE_HELP = "exit codes: 0 all promises are kept, 1 some are broken, 3 none is broken, but some could not be asked"
MINUTES = 5.0
PARTS = ("permutations", "sessions", "defects", "delays")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.set_defaults(promises=None)
    chooser = parser.add_subparsers(title="one thing alone", metavar="WHAT")
    one = chooser.add_parser("promise", help="ask whether a library keeps what it promises", description=PROMISE_HELP)
    one.add_argument("promises", nargs="+", metavar="NAME", help="name of a promise, or all")
    one.add_argument("--library", required=True, metavar="REF|PATH.so", help="library to ask")
    one.add_argument("--beside", metavar="REF|PATH.so", help="another build, with which it shares rings")
    parser.add_argument("--baseline", metavar="REF|PATH.so", help="build to compare with")
    parser.add_argument("--candidate", metavar="REF|PATH.so", help="build to judge")
    parser.add_argument(
        "--minutes", type=_minutes, default=MINUTES, metavar="M", help="minutes at most (default: %(default)g)"
    )
    parser.add_argument("--board", metavar="NAME|FILE", help="board with thresholds (default: the machine's)")
    replay = "replay a recorded stream of vshm record --timing or vshm bundle"
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--replay", metavar="FILE[:RING]", help=replay)
    camera = "let camera-streamer write the paced blocks from this device: testsrc, vivid, /dev/videoN"
    what.add_argument("--camera", default="", metavar="DEVICE", help=camera)
    parser.add_argument("--thorough", action="store_true", help="go on when something is found to be worse")
    parser.add_argument(
        "--output", type=Path, default=Path("gate"), metavar="DIR", help="folder for gate.json, .xml, .md and .html"
    )
    parser.add_argument("--json", action="store_true", help="print gate.json instead of the table")
    group = parser.add_argument_group("the gate measures itself")
    group.add_argument(
        "--self-test", action="store_true", help="measure false alarms, planted defects and injected delays"
    )
    group.add_argument("--part", choices=PARTS, action="append", help="only this part; may be given several times")
    group.add_argument("--only", metavar="DEFECT", action="append", help="only this defect; may be given several times")
    group.add_argument(
        "--state",
        type=Path,
        default=Path("gate-self-test.jsonl"),
        metavar="FILE",
        help="keep the finished steps in FILE",
    )
    group.add_argument(
        "--until", type=_minutes, metavar="M", help="begin no step after M minutes, and go on at the next start"
    )


def _minutes(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 24 * 60:
        raise ArgumentTypeError(f"{text}: minutes, from 0.1 to a day")
    return value
