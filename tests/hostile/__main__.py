# SPDX-License-Identifier: Apache-2.0
"""Each program on each odd host, and cheap ones on each pair of hosts: works, or is refused with cause and remedy.

python -m hostile [--lanes N] [--only TEXT] [--singles] [-o FOLDER]
exit 0: nothing failed; 1: something did; 130: interrupted
"""

from __future__ import annotations

import argparse
import queue
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from hosts import own_shared_memory

from .bystanders import Bystanders
from .cells import Answer, Cell, Lane, paired_cells, single_cells
from .conversation import adopt_orphans
from .report import markdown, write_report

FIRST_NUMBER = 1000  # of the channels of a lane


class Run:
    """All cells, in some lanes at once, each a thread with a /dev/shm and bystanders of its own."""

    def __init__(self, cells: list[Cell], folder: Path) -> None:
        self.answers: list[Answer] = []
        self.harm: list[str] = []
        self._cells: queue.SimpleQueue[Cell] = queue.SimpleQueue()
        self._total, self._folder = len(cells), folder
        self._over = threading.Event()
        self._lanes: dict[int, Lane] = {}
        for cell in cells:
            self._cells.put(cell)

    def _tell(self, answer: Answer) -> None:
        self.answers.append(answer)
        count = len(self.answers)
        if answer.verdict == "FAILED":
            print(f"{answer.program} on {answer.host}: {answer.why}", file=sys.stderr, flush=True)
        if count % 50 == 0 or count == self._total:
            print(f"{count} of {self._total}", file=sys.stderr, flush=True)

    def _work(self, number: int) -> None:
        with own_shared_memory(), suppress(queue.Empty):
            while not self._over.is_set():
                folder = Path(tempfile.mkdtemp(dir=self._folder))
                folder.chmod(0o777)
                with Bystanders(folder) as bystanders:
                    harmed = self._work_beside(bystanders, Lane(folder, bystanders, FIRST_NUMBER), number)
                    if not harmed and not self._over.is_set():
                        self.harm += bystanders.wrong_books()
                if not harmed:
                    return

    def _work_beside(self, bystanders: Bystanders, lane: Lane, number: int) -> bool:
        """Whether the bystanders were harmed: others are needed."""
        self._lanes[number] = lane
        while not self._over.is_set():
            try:
                cell = self._cells.get_nowait()
            except queue.Empty:
                return False
            answer = lane.try_one(cell)
            if self._over.is_set():
                return False
            self._tell(answer)
            if bystanders.harm():
                return True
        return False

    def go(self, lanes: int) -> None:
        """Wait until all are done, or for Ctrl-C. Raises KeyboardInterrupt."""
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(lanes)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(1.0)  # not for ever: a signal that the kernel gave to another thread ends no wait
        except KeyboardInterrupt:
            self._over.set()
            for lane in self._lanes.values():
                lane.stop()
            for thread in threads:
                thread.join()
            raise


def wanted_cells(only: str, singles: bool) -> list[Cell]:
    cells = [*single_cells(), *([] if singles else paired_cells())]
    return [cell for cell in cells if only in f"{cell.program.name} on {cell.host.name}" and not cell.host.missing]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, default=4, metavar="N", help="programs at once (default: 4)")
    parser.add_argument("--only", default="", metavar="TEXT", help="cells that have this in PROGRAM on HOST")
    parser.add_argument("--singles", action="store_true", help="no pairs of hosts")
    parser.add_argument("-o", "--output", type=Path, default=Path("report/hosts"), metavar="FOLDER")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    adopt_orphans()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            cells = wanted_cells(arguments.only, arguments.singles)
            run = Run(cells, Path(folder))
            run.go(min(arguments.lanes, len(cells)))
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
    write_report(arguments.output, run.answers, run.harm, time.monotonic() - began)
    print(markdown(run.answers, run.harm, time.monotonic() - began))
    return 1 if run.harm or len(run.answers) < len(cells) or any(a.verdict == "FAILED" for a in run.answers) else 0


if __name__ == "__main__":
    raise SystemExit(main())
