# SPDX-License-Identifier: Apache-2.0
"""Asks promises, each in a process of its own: most of them in parallel, those that measure one after the other."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ...blocks.channel import remove_all_of
from ...processes.parent import die_with_parent
from ...processes.process_group import end_group
from ...processes.readable import readable
from . import house
from .pair import Pair
from .raw import Lacks, Library
from .scene import PROMISES, Broken, Promise, Scene, Unasked

LIMIT_S = 100.0  # for one promise; far more than any takes, even on a busy host
MOST_HANGS = 4  # after that the rest is not asked, since each would take as long to hang
TAKES = 2
MOST_LINES = 10
LACKS = "the library has no "


@dataclass(slots=True)
class Told:
    """The result of a promise. broken: what was expected and seen, a line each. unasked: why it could not be asked.

    met: whether a ring had a second writer, a reader or an inspection.
    """

    name: str
    broken: list[str] = field(default_factory=list)
    unasked: str = ""
    seconds: float = 0.0
    hung: bool = False
    met: bool = False


class Troupe:
    """Asks two libraries as a Pair, or a single one if both are the same. limit_s: for one promise."""

    def __init__(self, first: Path, other: Path, limit_s: float = LIMIT_S) -> None:
        self._libraries, self._limit_s, self._hangs = (first, other), limit_s, 0

    def perform(self, names: Sequence[str], tell: Callable[[Told], None]) -> None:
        """Ask all promises, and report each result as it is known. No process is left, however this ends."""
        chosen = [PROMISES[name] for name in names]
        together = [promise for promise in chosen if not promise.measures]
        hands = len(os.sched_getaffinity(0))
        for told in self._all_of(together, 3 * hands):  # most of them wait most of the time
            tell(told)
        for promise in chosen:
            if promise.measures:
                tell(self._in_takes(promise))

    def _in_takes(self, promise: Promise) -> Told:
        seconds = 0.0
        for _ in range(TAKES):
            (told,) = self._all_of([promise], 1)
            seconds += told.seconds
            if not told.broken or told.hung:
                break
        told.seconds = seconds
        return told

    def _all_of(self, promises: Sequence[Promise], most: int) -> Iterator[Told]:
        waiting, playing = list(promises), list[_Play]()
        try:
            while waiting or playing:
                while waiting and self._hangs >= MOST_HANGS:
                    yield Told(waiting.pop().name, unasked=f"{self._hangs} others never came to an end")
                while waiting and len(playing) < most:
                    playing.append(_Play(waiting.pop(0), self._libraries, self._limit_s))
                ready = readable([play.ear for play in playing], 1.0)
                for play in list(playing):
                    if play.ear in ready:
                        play.hear()
                    if play.is_over():
                        playing.remove(play)
                        told = play.told()
                        self._hangs += told.hung
                        yield told
        finally:
            for play in playing:
                play.put_away()


class _Play:
    """A promise that is being asked."""

    def __init__(self, promise: Promise, libraries: tuple[Path, Path], limit_s: float) -> None:
        self._promise, self._limit_s, self._begin = promise, limit_s, time.monotonic()
        self._said, self._ended = b"", False
        self.ear, mouth = os.pipe()
        sys.stdout.flush()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self.ear)
            _play(promise, libraries, mouth, parent)
        os.close(mouth)

    def hear(self) -> None:
        """Read what there is to read. Nothing comes once all processes that could write have ended."""
        words = os.read(self.ear, 65536)
        self._said += words
        self._ended = not words

    def is_over(self) -> bool:
        """Return whether it has ended, or is considered hung."""
        return self._ended or time.monotonic() - self._begin > self._limit_s

    def told(self) -> Told:
        """Return the result, after ending the promise."""
        told = Told(self._promise.name, seconds=time.monotonic() - self._begin)
        status = self.put_away()
        for line in self._said.decode(errors="replace").splitlines():
            kind, _, text = line.partition(" ")
            if kind == "unasked":
                told.unasked = text
            elif kind == "met":
                told.met = True
            elif len(told.broken) < MOST_LINES:
                told.broken.append(text)
        if not self._ended:
            told.hung = True
            told.broken.append(f"no end after {self._limit_s:g} s")
        elif os.WIFSIGNALED(status):
            told.broken.append(f"crashed by signal {os.WTERMSIG(status)}")
        return told

    def put_away(self) -> int:
        """End it with all that it started, and remove what that left. Returns its exit status."""
        status = os.waitpid(self._pid, 0)[1] if self._ended else 0
        end_group(self._pid)
        if not self._ended:
            with suppress(ChildProcessError):
                status = os.waitpid(self._pid, 0)[1]
        os.close(self.ear)
        remove_all_of(self._pid)
        return status


def _play(promise: Promise, libraries: tuple[Path, Path], mouth: int, parent: int) -> None:
    """Run in the process of a promise."""

    def say(kind: str, text: str) -> None:
        os.write(mouth, f"{kind} {' '.join(text.split())}\n".encode())

    lacking = set[str]()
    try:
        os.setpgid(0, 0)
        die_with_parent(parent)
        _catch_words()
        _move_in(promise)
        first, other = map(Library, libraries)
        pair = Pair(first, first if libraries[0] == libraries[1] else other)
        with Scene(pair, lambda text: say("broken", text)) as scene:
            lacking = scene.lacking
            promise.play(scene)
        if pair.met:
            say("met", "")
    except Unasked as reason:
        say("unasked", str(reason))
    except Lacks as call:
        lacking.add(str(call))
    except Broken:
        pass
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        say("broken", f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})")
    finally:
        if lacking:
            say("unasked", LACKS + ", ".join(sorted(lacking)))
        os._exit(0)


def _catch_words() -> None:
    """Redirect what a library prints, even while it is loaded, to where prints_nothing finds it."""
    words = os.memfd_create("words")
    for standard in (1, 2):
        os.dup2(words, standard)


def _move_in(promise: Promise) -> None:
    try:
        house.move_in()
    except OSError as error:
        if promise.own_house:
            raise Unasked(f"a /dev/shm of its own is not permitted here: {error.strerror}") from None


def main(limit_s: float, first: Path, other: Path, names: Sequence[str]) -> None:
    """Ask promises, and print each result as a line of JSON."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="promises-") as folder:
        Path(folder).chmod(0o755)  # a promise may start a program in it as another user
        Scene.folder = Path(folder)
        Troupe(first, other, limit_s).perform(names, lambda told: print(json.dumps(asdict(told)), flush=True))
