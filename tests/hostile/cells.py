# SPDX-License-Identifier: Apache-2.0
"""Which programs are tried on which hosts, and the trying of one, beside bystanders to whom nothing may happen."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from hosts import ALL_HOSTS, NO_PROC, PLAIN, TIME_NAMESPACE, Host
from hosts.host import ROOT
from hosts.preloads import BUILD

from .bystanders import Bystanders
from .conversation import ANSWER_S, Conversation
from .far_sides import free_port, there
from .judge import refuses, verdict
from .programs import CAMERA, LOG, PROGRAMS, Place, Program

# By how much a time namespace shifts its clocks is told in /proc alone.
NOT_TOGETHER = [{NO_PROC.name, TIME_NAMESPACE.name}]


@dataclass(frozen=True)
class Cell:
    """One program on one host."""

    program: Program
    host: Host


@dataclass(frozen=True)
class Answer:
    """verdict: "ok", "refused" (why: its words) or "FAILED" (why: what is wrong; said: all that it said)."""

    program: str
    host: str
    verdict: str
    why: str
    code: int | None
    seconds: float
    said: str


def single_cells(programs: Sequence[Program] = PROGRAMS) -> Iterator[Cell]:
    """Yield each program on each host, and first on a plain one, where it has to work."""
    cells = (Cell(program, host) for host in (PLAIN, *ALL_HOSTS) for program in programs)
    return (cell for cell in cells if not cell.program.not_on & cell.host.parts)


def paired_cells() -> Iterator[Cell]:
    """Yield cheap programs on two hosts at once, where there can be such a host."""
    for one, other in itertools.combinations(ALL_HOSTS, 2):
        if one.goes_with(other) and {one.name, other.name} not in NOT_TOGETHER:
            both = one | other
            yield from (Cell(program, both) for program in PROGRAMS if program.cheap)


def ask(said: str) -> list[str]:
    """Return what is wrong with the answer from the first HTTP address in the text."""
    (address, *_) = re.findall(r"http://\S+", said)
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_S) as answer:
            return [] if answer.read() else [f"{address}: an empty answer"]
    except (OSError, HTTPException) as error:
        return [f"{address}: {error}"]


class Lane:
    """Tries cells one after the other, in the /dev/shm of the thread that makes it. folder: for files.

    stop() ends what is running, from any thread.
    """

    def __init__(self, folder: Path, bystanders: Bystanders, number: int) -> None:
        self._folder, self._bystanders, self._next = folder, bystanders, number
        self._running: Conversation | None = None

    def stop(self) -> None:
        running = self._running
        if running is not None:
            running.stop()

    def _place(self) -> Place:
        place = Place(self._folder / str(self._next), self._next, free_port())
        self._next += 1
        for folder in (place.folder, place.folder / "tmp"):
            folder.mkdir()
            folder.chmod(0o777)
        (place.folder / LOG).write_text(self._bystanders.log)
        return place

    def try_one(self, cell: Cell) -> Answer:
        """Run it, and look what has become of everything else."""
        place = self._place()
        own = {"TMPDIR": str(place.folder / "tmp"), "HOME": str(self._folder), "PYTHONPATH": str(ROOT)}
        # The C programs' own way to the library begins with $ORIGIN, which glibc does not know without /proc.
        library = {"VSHM_LIBRARY": str(BUILD / "libvideo_shm.so"), "LD_LIBRARY_PATH": str(BUILD)}
        environment = os.environ | library | own
        program, host = cell.program, cell.host
        far = program.far(place.folder / program.makes, CAMERA, place.ring, place.port) if program.far else []
        blind = bool({1, 2} & host.closed) and not program.makes
        unanswered: list[str] = []

        seen = False

        def works(said: str) -> bool:
            nonlocal seen
            seen = program.works(place, said)
            if seen and program.answers:
                unanswered.extend(ask(said))
            return seen or (bool(said) and refuses(program, host, said))  # a bridge says why, and goes on waiting

        with there(far, environment, place.folder):
            command = host.command(*program.words(place))
            self._running = Conversation(command, host.terminal, environment, place.folder)
            talk = self._running.until_end(works if program.lasts else None, blind)
            self._running = None
        judged, why = verdict(program, host, talk, place, seen or blind)
        if judged == "ok" and unanswered:
            judged, why = "refused" if refuses(program, host, talk.said) else "FAILED", unanswered[0]
        harm = [*self._bystanders.harm(), *_left_files(program, place), *(f"it left {name}" for name in talk.left)]
        if harm:
            judged, why = "FAILED", "; ".join(harm)
        shutil.rmtree(place.folder)
        return Answer(program.name, host.name, judged, why, talk.code, round(talk.seconds, 2), talk.said[-4000:])


def _left_files(program: Program, place: Place) -> list[str]:
    there = {path.relative_to(place.folder) for path in place.folder.rglob("*")}
    return [f"{path} was left behind" for path in sorted(there - {Path(LOG), Path("tmp"), Path(program.makes)})]
