# SPDX-License-Identifier: Apache-2.0
"""The library in turn with a floor on this machine: shared memory, memcpy, one futex, nothing else.

python tests/bench/floor.py [--program FILE] [--blocks N] [--seconds S] [--board NAME|FILE] [--json] [--list] [CASE...]
exit 0: all within their limits; 1: a limit is exceeded, or a case failed; 2: usage; 3: the host was not fit to judge by

The program measures, block by block on new memory. The figure is the median of the blocks' ratios of the library to
the floor, with an interval of 95 %, of which the worse end is held against the limit. Beside it stands the floor
against its own twin: what this run can tell apart. All cases take about 42 minutes.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from floor_rows import Figures, Row, compared, record_of, told_row

from hil.figures.exit import exit_for
from hil.figures.verdict import Verdict, worst
from hil.host.board import BoardError, Thresholds, choose_board
from hil.host.fitness import stalled_share
from hil.host.watch import HostWatch, Seen
from vshm_ctypes import machine

PROGRAM = Path(__file__).resolve().parents[2] / "build" / "bench" / "video_shm_bench"
BLOCKS, BLOCKS_MAX = 40, 1000  # by default: what the tail of a latency needs


def measured(command: list[str]) -> Figures | None:
    """Return what the program prints, or None if it did not run to its end. No ring is left, however this ends."""
    figures: Figures = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as program:
        try:
            assert program.stdout is not None
            for line in program.stdout:
                one = json.loads(line)
                sides = figures.setdefault(one["figure"], {}).setdefault(one["block"], {})
                sides[one["side"]] = one["values"]
        except BaseException:
            program.send_signal(signal.SIGINT)
            raise
    return figures if program.returncode == 0 else None


@dataclass(slots=True)
class Result:
    """A case, and the host beside it. complete: the program ran to its end; rows: none where it did not."""

    name: str
    complete: bool
    host: dict[str, Any]
    rows: list[Row]

    @property
    def verdicts(self) -> list[Verdict]:
        """What is said of its rows."""
        return [row.verdict for row in self.rows if row.verdict] if self.complete else [Verdict.FAIL]

    def told(self) -> str:
        """Return the rows for people, and how fit the host was."""
        host = "; ".join(self.host["reasons"]) or "the host was fit"
        return "\n".join([*map(told_row, self.rows), f"{self.name}: {host if self.complete else 'did not end well'}"])

    def record(self) -> dict[str, Any]:
        """Return the rows as a JSON object."""
        rows = [record_of(row) for row in self.rows]
        return {"case": self.name, "complete": self.complete, "host": self.host, "rows": rows}


def host_of(seen: Seen, thresholds: Thresholds) -> dict[str, Any]:
    """Return how fit the host was, as it stands in a record."""
    reasons = seen.fitness(thresholds).reasons
    return {
        "fit": not reasons,
        "reasons": list(reasons),
        "longest_stall_ms": seen.stalls.longest_ns / 1e6,
        "stalled_share": stalled_share(seen.stalls),
        "stolen_share": seen.stalls.steal_share,
        "foreign_share": seen.others_share,
    }


def run_case(name: str, command: list[str], blocks: int, thresholds: Thresholds) -> Result:
    """Measure a case, with the host watched beside it, and judge its rows. Raises HiccupError, OSError."""
    with HostWatch() as watch:
        figures = measured([*command, name])
        seen = watch.take()
    host = host_of(seen, thresholds)
    rows = compared(name)(figures) if figures is not None else []
    for row in rows:
        row.judge(blocks, host["fit"])
    return Result(name, figures is not None, host, rows)


def answer(arguments: argparse.Namespace, names: Iterable[str], measure: Callable[[str], Result]) -> int:
    """Measure the cases that were asked for, tell of each, and return the exit code."""
    results = []
    for name in names:
        if not arguments.cases or name.startswith(tuple(arguments.cases)):
            results.append(measure(name))
            if not arguments.json:
                print(results[-1].told(), flush=True)
    if arguments.json:
        board = machine.read_machine()
        host = {"processor": board.model, "machine": board.architecture, "kernel": board.kernel}
        print(json.dumps(host | {"blocks": arguments.blocks, "cases": [one.record() for one in results]}, indent=1))
    return int(exit_for(worst([verdict for one in results for verdict in one.verdicts])))


def _blocks(text: str) -> int:
    if not 1 <= int(text) <= BLOCKS_MAX:
        raise argparse.ArgumentTypeError(f"{text}: from 1 to {BLOCKS_MAX}")
    return int(text)


def parser_for(text: str | None, blocks: int, of_what: str) -> argparse.ArgumentParser:
    """Return the parser of a benchmark's command line. text: its help. of_what: what --seconds are of."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="by its name, or how that begins (default: all)")
    parser.add_argument("--blocks", type=_blocks, default=blocks, metavar="N", help=f"(default: {blocks})")
    parser.add_argument("--seconds", type=float, metavar="S", help=f"of each {of_what} (default: what each case needs)")
    parser.add_argument("--board", metavar="NAME|FILE", help="thresholds of this board (default: the machine's)")
    parser.add_argument("--json", action="store_true", help="a record instead of a table")
    parser.add_argument("--list", action="store_true", help="the cases")
    return parser


def check_cases(parser: argparse.ArgumentParser, words: Iterable[str], names: Iterable[str]) -> None:
    """End with a usage error if a word is not how the name of a case begins."""
    if unknown := [word for word in words if not any(name.startswith(word) for name in names)]:
        parser.error(f"there is no case {', '.join(unknown)}; see --list")


def main() -> int:
    parser = parser_for(__doc__, BLOCKS, "case")
    parser.add_argument(
        "--program", type=Path, default=PROGRAM, metavar="FILE", help="video_shm_bench, as it was built"
    )
    arguments = parser.parse_args()
    try:
        listed = subprocess.run([arguments.program, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
        thresholds = choose_board(arguments.board).fitness.bearing_single_stalls()
    except (OSError, BoardError) as error:
        parser.error(str(error))
    if arguments.list:
        print(listed, end="")
        return 0
    known = [line.split()[0] for line in listed.splitlines()]
    check_cases(parser, arguments.cases, known)
    command = [str(arguments.program), "--blocks", str(arguments.blocks)]
    command += ["--seconds", str(arguments.seconds)] if arguments.seconds else []
    return answer(arguments, known, lambda name: run_case(name, command, arguments.blocks, thresholds))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
