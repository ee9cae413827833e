# SPDX-License-Identifier: Apache-2.0
"""What a promise works with: the library, rings of its own and other processes. It also has the table of promises."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...workers.shared_memory import SHARED_MEMORY
from ..stage import Actor, Stage
from .raw import Answer, Lacks, Library
from .sides import Reader, Writer

FRAME = b"\1" * 1000
PATIENCE_MS = 20_000  # for what should come at once, on any host
UNTIL_S = PATIENCE_MS / 1000


class Unasked(Exception):
    """This host can't ask the promise. The message says why."""


class Broken(Exception):
    """The rest of the promise can't be asked, since the library fails at what comes before."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise. play: asks it. measures: it depends on times, so it is asked alone and repeated if broken."""

    name: str
    play: Callable[[Scene], None]
    measures: bool
    own_house: bool

    @property
    def meaning(self) -> str:
        """The promise in a sentence."""
        return (self.play.__doc__ or "").strip()


PROMISES: dict[str, Promise] = {}
Calls = Mapping[str, Callable[[], Answer]]


def promise(play: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """Register a promise that is kept or broken whatever else runs on the host."""
    return _enter(play)


def measured(play: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """Register a promise with a limit on time or cost, which is broken only if it is broken in every take."""
    return _enter(play, measures=True)


def at_home(play: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """Register a promise that needs a /dev/shm of its own."""
    return _enter(play, own_house=True)


def _enter(play: Callable[[Scene], None], measures: bool = False, own_house: bool = False) -> Callable[[Scene], None]:
    if play.__name__ in PROMISES:
        raise ValueError(f"two promises have the name {play.__name__}")
    PROMISES[play.__name__] = Promise(play.__name__, play, measures, own_house)
    return play


class Scene(Stage):
    """The rings of one promise, and the processes on them. say: is called with a line for each thing that was broken.

    folder: for files of this promise, removed at its end.
    """

    folder = Path()

    def __init__(self, library: Library, say: Callable[[str], None]) -> None:
        super().__init__()
        self.library = library
        self._say = say
        self._rings = 0
        self.lacking: set[str] = set()  # calls that the promise needs, but the library lacks

    # ---- expectations ----

    def expect(self, what: str, seen: object, expected: object) -> bool:
        """Expect that both are the same, else say so. Returns whether they are."""
        if seen == expected:
            return True
        self._say(f"{what}: expected {_told(expected)}, seen {_told(seen)}")
        return False

    def expect_in(self, what: str, seen: Any, least: Any, most: Any) -> bool:
        """Expect that a value lies between two others, else say so. Returns whether it does."""
        if least <= seen <= most:
            return True
        self._say(f"{what}: expected {_told(least)} to {_told(most)}, seen {_told(seen)}")
        return False

    def expect_each(self, what: str, calls: Calls, expected: str) -> None:
        """Expect the same answer of each call. Calls that an older library lacks are left out, which is noted."""
        for name, call in calls.items():
            try:
                answer = call()
            except Lacks as lack:
                self.lacking.add(str(lack))
            else:
                self.expect(f"{name} {what}", str(answer), expected)

    def need(self, what: str, seen: object, expected: object) -> None:
        """Expect that both are the same, since nothing else can be asked otherwise. Raises Broken."""
        if not self.expect(what, seen, expected):
            raise Broken

    # ---- rings ----

    def new_name(self) -> str:
        """Return the name of a new ring that has no semaphores."""
        self._rings += 1
        return f"/gate{self._rings}_ch{self.channel}"

    @property
    def channel_name(self) -> str:
        """The name of the ring of this promise's channel."""
        return f"/video_stream_ch{self.channel}"

    def path(self, name: str) -> Path:
        """Return the path of a ring's object."""
        return SHARED_MEMORY / name.removeprefix("/")

    def writer(self, name: str | None = None, **options: int) -> Writer:
        """Return an open writer, by default of the promise's channel. Raises Broken."""
        writer = Writer(self.library)
        plain = name is None and not options
        opened = writer.init_channel(self.channel) if plain else writer.open(name or self.channel_name, **options)
        self.need("a writer is let in", str(opened), "0")
        return writer

    def reader(self, name: str | None = None, **options: int) -> Reader:
        """Return an open reader, by default of the promise's channel. Raises Broken."""
        reader = Reader(self.library)
        plain = name is None and not options
        opened = reader.init_channel(self.channel) if plain else reader.open(name or self.channel_name, **options)
        self.need("a reader is let in", str(opened), "0")
        return reader

    # ---- other processes ----

    def start(self, play: Callable[[], Iterator[str]]) -> Actor:
        """Fork an actor. If it calls what the library lacks, hear() raises Lacks."""
        actor = _Asking(play)
        self._actors.append(actor)
        return actor

    def ask(self, play: Callable[[], Iterator[str]]) -> list[str]:
        """Return all lines that another process says until its end."""
        actor = self.start(play)
        lines = list(iter(actor.hear, ""))
        actor.kill()
        return lines

    def write_and_die(self, frames: int = 1, name: str | None = None, **options: int) -> None:
        """Run a writer that is killed after so many frames."""
        actor = self.start_writer(frames, name, **options)
        actor.kill()

    def start_writer(self, frames: int, name: str | None = None, **options: int) -> Actor:
        """Start another process with a writer, which writes so many frames and then waits to be killed."""

        def play() -> Iterator[str]:
            writer = self.writer(name, **options)
            for _ in range(frames):
                writer.write(FRAME, is_keyframe=1)
            yield "written"
            time.sleep(UNTIL_S)

        actor = self.start(play)
        self.need("another process writes", actor.hear(), "written")
        return actor


class _Asking(Actor):
    """An actor that calls the library."""

    def hear(self) -> str:
        """Return the next line, or an empty one if it has ended. Raises Lacks."""
        line = super().hear()
        kind, _, call = line.partition(": ")
        if kind == Lacks.__name__:
            raise Lacks(call)
        return line


def until(condition: Callable[[], bool], seconds: float = UNTIL_S) -> bool:
    """Wait for a condition. Returns whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def asleep(pid: int) -> bool:
    """Return whether a process sleeps in the kernel."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def until_asleep(pid: int) -> None:
    """Wait until a process sleeps, as a reader does in its wait. It is no failure if it does not."""
    until(lambda: asleep(pid), 1.0)


def mappings_of(inode: int) -> list[tuple[int, int, str]]:
    """Return this process's mappings of an object, by whatever name: (begin, end, permissions)."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, permissions, _, _, number = line.split()[:5]
        if int(number) == inode:
            begin, end = (int(side, 16) for side in place.split("-"))
            found.append((begin, end, permissions))
    return found


def descriptors() -> set[str]:
    """Return the paths of this process's open descriptors."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{entry.name} {entry.readlink()}")
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
    return found


def _told(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) < 200 else f"{text[:200]}..."
