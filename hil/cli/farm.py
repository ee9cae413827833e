# SPDX-License-Identifier: Apache-2.0
"""hil farm runs hil run on all boards of a farm at once, and writes one page of them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from vshm_ctypes.commandline.output import print_json
from vshm_ctypes.commandline.table import print_table
from vshm_ctypes.commandline.verb import positive
from vshm_ctypes.printable import printable

WAIT_S = 3600.0


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--env", type=Path, required=True, metavar="FILE", help="labgrid's configuration file of the farm"
    )
    wheel = "wheel of video-shm, as pip wheel --no-deps . makes it; once for each kind of processor"
    parser.add_argument("--wheel", type=Path, action="append", required=True, metavar="FILE", help=wheel)
    parser.add_argument(
        "--wait",
        type=positive,
        default=WAIT_S,
        metavar="S",
        help="wait up to S seconds for a board that others use (default: 3600)",
    )
    parser.add_argument(
        "--report", type=Path, default=Path("report"), metavar="DIR", help="write the report into DIR (default: report)"
    )
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead of text for people")
    parser.add_argument("words", nargs="*", metavar="WORD", help="arguments for hil run on the boards, behind --")


def run(arguments: Namespace) -> int:
    """Return the exit code of the worst board.

    Raises ValueError if the farm's file can't be used or a wheel is missing.
    """
    from ..farm.farm import Order, exit_code, run_boards
    from ..farm.page import rows, write_farm_page
    from ..farm.places import read_farm

    for wheel in arguments.wheel:
        if not (wheel.is_file() and wheel.suffix == ".whl"):
            raise ValueError(f"--wheel {wheel}: there is no such wheel; make one with pip wheel --no-deps .")
    order = Order(arguments.wheel, arguments.words, arguments.wait, arguments.report.resolve())
    results = run_boards(read_farm(arguments.env), order, _say)
    page, table = write_farm_page(results, order.report), rows(results)
    if arguments.json:
        print_json(table)
    else:
        lines = [[row["target"], row["verdict"] or "nothing ran", row["problem"] or row["told"]] for row in table]
        print_table(("BOARD", "VERDICT", "TESTS"), lines)
        print(f"\n{printable(page)}")
    return exit_code(results)


def _say(line: str) -> None:
    print(f"hil: {printable(line)}", file=sys.stderr, flush=True)
