# SPDX-License-Identifier: Apache-2.0
"""hil calibrate writes a board file from several runs on the board, which it can make itself."""

from __future__ import annotations

import contextlib
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from vshm_ctypes.commandline.atomic_file import write_whole
from vshm_ctypes.commandline.output import print_json
from vshm_ctypes.commandline.verb import Parser, positive
from vshm_ctypes.printable import printable

from ..figures.exit import Exit
from ..host.board import choose_board, read_board
from ..host.calibration import ROOM, RUNS_MIN, board_text, measured
from ..report.merge import load
from . import run as suite


def add_arguments(parser: ArgumentParser) -> None:
    given = "reports of hil run; with --runs: arguments for hil run, behind --"
    parser.add_argument("given", nargs="*", metavar="DIR", help=given)
    runs = "first run the suite N times, with the reports in a folder beside FILE"
    parser.add_argument("--runs", type=int, default=0, metavar="N", help=runs)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="board file to write")
    parser.add_argument("--board", metavar="NAME|FILE", help="board file to start from (default: this machine's)")
    parser.add_argument("--title", help="name of the board for people (default: its model, else the old title)")
    parser.add_argument(
        "--room", type=positive, default=ROOM, help=f"factor between the worst figure and its budget (default: {ROOM})"
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(arguments: Namespace) -> int:
    """Run the verb. Returns 0 if written, 3 if no run could be used, 4 without a camera.

    Raises ValueError if neither runs nor DIR are given.
    """
    board = choose_board(arguments.board)
    if arguments.runs < 0 or not (arguments.runs or arguments.given):
        raise ValueError("nothing to calibrate from: name reports of hil run, or give --runs 3")
    paths = [Path(path) for path in arguments.given]
    if arguments.runs:
        folder = arguments.output.with_name(f"{arguments.output.stem}-runs")
        paths = [folder / str(number) for number in range(1, arguments.runs + 1)]
        for path in paths:
            if (code := _run_suite(arguments, path)) in (Exit.NO_CAMERA, Exit.INTERRUPTED):
                return code
    runs = [load(path) for path in paths]
    found = measured(runs, board.name)
    if not found.worst:
        there = sorted({each["board"]["name"] for run in runs for each in run["sessions"]})
        print(
            f"hil: no valid figure for board {board.name}; the reports are of: {', '.join(there) or 'none'}",
            file=sys.stderr,
        )
        return Exit.INVALID
    sessions = [each for run in runs for each in run["sessions"] if each["board"]["name"] == board.name]
    models = {each["machine"]["before"]["model"] for each in sessions}
    title = arguments.title or next(filter(None, models), board.title)
    write_whole(arguments.output, board_text(board, title, found, arguments.room))
    new = read_board(arguments.output)
    told = {
        "file": arguments.output,
        "runs": found.runs,
        "measured": len(found.worst),
        "invalid_figures": found.skipped,
        "proven": new.proven,
    }
    if arguments.json:
        print_json(told)
        return Exit.PASS
    print(f"{printable(arguments.output)}: {len(found.worst)} of {len(new.budgets)} budgets from {found.runs} runs")
    if not new.proven:
        print(f"not marked as proven: that takes {RUNS_MIN} runs, and a valid figure for each budget")
    return Exit.PASS


def _run_suite(arguments: Namespace, report: Path) -> int:
    """Run the suite once. Figures beyond the old budgets, or invalid ones, do not stop the calibration."""
    parser = Parser("hil run")
    suite.add_arguments(parser)
    words = ["--report", str(report), *(["--board", arguments.board] if arguments.board else [])]
    with contextlib.redirect_stdout(sys.stderr):  # only the results go to stdout
        return suite.run(parser.parse_args([*arguments.given, *words]))
