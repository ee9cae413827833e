# SPDX-License-Identifier: Apache-2.0
"""The binding in turn with a floor in Python, and with iceoryx2: paced at 30 frames/s, and as fast as it goes.

python tests/bench/in_python.py [--blocks N] [--seconds S] [--board NAME|FILE] [--json] [--list] [CASE...]
exit 0: all within their limits; 1: a limit is exceeded, or a case failed; 2: usage; 3: the host was not fit to judge by

The floor is one memcpy, one futex and one foreign call a frame on either side. Each block has new processes. The figure
is the median of the blocks' ratios, with an interval of 95 %, of which the worse end is held against the limit. Beside
it stands the floor against its own twin: what this run can tell apart. The bare calls are this library's, by ctypes and
with no step of Python that could be spared: a binding can't do with less. All cases take about 40 minutes.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from floor import Result, answer, check_cases, host_of, parser_for
from floor_rows import Row, judged_row

from hil.bench.block import run_block
from hil.bench.comparison import Case, title
from hil.blocks.block import Block, BlockError
from hil.figures.statistic import percentile_us
from hil.host.board import BoardError, Thresholds, choose_board
from hil.host.watch import HostWatch

BLOCKS = 20
PACED_FPS = 30
SIZES, RECEIVERS = (64 * 1024, 512 * 1024), (1, 4)
RECEIVE, BORROW, FLOOR, TWIN, ICEORYX = "video-shm", "video-shm borrow", "futex floor", "floor's twin", "iceoryx2"
PACED, RATE, NEWEST = "paced", "rate", "newest"  # how the names of cases begin
SECONDS = {PACED: 1.5, RATE: 0.5, NEWEST: 0.5}  # of a block
BARE = {RECEIVE: "bare calls, receive", BORROW: "bare calls, borrow"}
COLUMNS = {PACED: (RECEIVE, BORROW, FLOOR, TWIN, ICEORYX, *BARE.values())}  # of the others there is no twin
PAIR = (RECEIVE, BORROW, ICEORYX, FLOOR)

Blocks = dict[str, list[Block]]  # by the name of a side
Figure = Callable[[Block], float]


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of a case: a figure of one side over that of another. twin: a second run of the latter, or None."""

    name: str
    unit: str
    figure: Figure
    ours: str
    floor: str
    twin: str | None = None
    at_most: float | None = None
    at_least: float | None = None

    def row(self, blocks: Blocks) -> Row:
        """Compare block by block."""
        ours, floor, *twin = (
            [self.figure(block) for block in blocks[side]] for side in (self.ours, self.floor, self.twin) if side
        )
        return judged_row(self.name, self.unit, ours, floor, twin[0] if twin else None, self.at_most, self.at_least)


def _latency_us(percent: float) -> Figure:
    return lambda block: percentile_us(block.latency_ns, percent) or float("nan")


def _sent_per_s(block: Block) -> float:
    return (block.counted_frames - 1) / (block.elapsed_ns / 1e9)


def compared(kind: str, size: int) -> tuple[Compared, ...]:
    """Return the rows of a case."""
    p50, p99 = _latency_us(50), _latency_us(99)
    if kind == PACED:
        limits = {RECEIVE: 1.15 if size == SIZES[0] else 1.25, BORROW: 1.05, ICEORYX: None}
        limits |= dict.fromkeys(BARE.values())
        over_floor = (
            Compared(f"{side}, p{percent} over the floor's", "us", figure, side, FLOOR, TWIN, limit)
            for side, at_most in limits.items()
            for percent, figure, limit in ((50, p50, at_most), (99, p99, at_most and 1.3))
        )
        over_bare = (
            Compared(f"{side}, p50 over the bare calls'", "us", p50, side, bare) for side, bare in BARE.items()
        )
        return (*over_floor, *over_bare)
    if kind == RATE:
        return tuple(
            Compared(f"{side}, frames written over iceoryx2's", "1/s", _sent_per_s, side, ICEORYX, at_least=at_least)
            for side, at_least in ((RECEIVE, 1.0), (BORROW, 1.0), (FLOOR, None))
        )
    return tuple(
        Compared(f"{side}, the newest only, p50 over iceoryx2's", "us", p50, side, ICEORYX, at_most=at_most)
        for side, at_most in ((RECEIVE, 1.2), (BORROW, 1.2), (FLOOR, None))
    )


CASES = {
    f"{kind}-{size // 1024}-{receivers}": (
        kind,
        Case(size, receivers, PACED_FPS if kind == PACED else 0, newest=kind == NEWEST),
    )
    for kind in (PACED, RATE, NEWEST)
    for size in SIZES
    for receivers in RECEIVERS
}


def run_case(name: str, count: int, seconds: float | None, thresholds: Thresholds) -> Result:
    """Measure a case, with the host watched beside it, and judge its rows. Raises HiccupError, OSError."""
    kind, case = CASES[name]
    sides = COLUMNS.get(kind, PAIR)
    blocks: Blocks = {side: [] for side in sides}
    error = None
    with HostWatch() as watch:
        try:
            for number in range(count):
                for side in sides if number % 2 == 0 else reversed(sides):
                    peer = FLOOR if side == TWIN else side
                    blocks[side].append(run_block(peer, case, seconds or SECONDS[kind]))
        except BlockError as failed:
            error = failed
        host = host_of(watch.take(), thresholds)
    if error is not None:
        print(f"{name}: {error}", file=sys.stderr)
        return Result(name, False, host, [])
    rows = [one.row(blocks) for one in compared(kind, case.size)]
    for row in rows:
        row.judge(count, host["fit"])
    return Result(name, True, host, rows)


def main() -> int:
    parser = parser_for(__doc__, BLOCKS, "block")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{name:14} {title(case)}" for name, (_, case) in CASES.items()))
        return 0
    check_cases(parser, arguments.cases, CASES)
    try:
        thresholds = choose_board(arguments.board).fitness.bearing_single_stalls()
    except (OSError, BoardError) as error:
        parser.error(str(error))
    return answer(arguments, CASES, lambda name: run_case(name, arguments.blocks, arguments.seconds, thresholds))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
