# SPDX-License-Identifier: Apache-2.0
"""What a promise is asked with: the library, rings of its own, and other processes; and the table of all promises."""

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
PATIENCE_MS = 20_000  # for what comes at once, on any host
UNTIL_S = PATIENCE_MS / 1000


class Unasked(Exception):
    """This host can't show it; says why."""


class Broken(Exception):
    """The rest of the promise can't be asked, since the library does not do what comes before."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One of them. play: asks it. measures: times, which others at work would disturb, so it is alone and has takes."""

    name: str
    play: Callable[[Scene], None]
    measures: bool
    own_house: bool

    @property
    def meaning(self) -> str:
        """In a sentence."""
        return (self.play.__doc__ or "").strip()


PROMISES: dict[str, Promise] = {}
Calls = Mapping[str, Callable[[], Answer]]


def promise(play: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """Enter one that is kept or broken, whatever else runs on the host."""
    return _enter(play)


def measured(play: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """Enter one with a limit on time or cost: broken only if it is broken in every take."""
    return _enter(play, measures=True)


def at_home(play: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """Enter one that needs a /dev/shm of its own."""
    return _enter(play, own_house=True)


def _enter(play: Callable[[Scene], None], measures: bool = False, own_house: bool = False) -> Callable[[Scene], None]:
    if play.__name__ in PROMISES:
        raise ValueError(f"two promises have the name {play.__name__}")
    PROMISES[play.__name__] = Promise(play.__name__, play, measures, own_house)
    return play


class Scene(Stage):
    """Rings of one promise, and who is at them. say: is told what was broken, a line each.

    folder: for files of this asking, gone at its end.
    """

    folder = Path()

    def __init__(self, library: Library, say: Callable[[str], None]) -> None:
        super().__init__()
        self.library = library
        self._say = say
        self._rings = 0
        self.lacking: set[str] = set()  # calls that were to be made, and which the library has not

    # ---- what was seen ----

    def expect(self, what: str, seen: object, expected: object) -> bool:
        """Both are the same, or it is told. Returns whether they are."""
        if seen == expected:
            return True
        self._say(f"{what}: expected {_told(expected)}, seen {_told(seen)}")
        return False

    def expect_in(self, what: str, seen: Any, least: Any, most: Any) -> bool:
        """Seen lies between both, or it is told. Returns whether it does."""
        if least <= seen <= most:
            return True
        self._say(f"{what}: expected {_told(least)} to {_told(most)}, seen {_told(seen)}")
        return False

    def expect_each(self, what: str, calls: Calls, expected: str) -> None:
        """Each call answers so. Those that an older library has not are left out, which is told beside the rest."""
        for name, call in calls.items():
            try:
                answer = call()
            except Lacks as lack:
                self.lacking.add(str(lack))
            else:
                self.expect(f"{name} {what}", str(answer), expected)

    def need(self, what: str, seen: object, expected: object) -> None:
        """As expect, where nothing else could be asked. Raises Broken."""
        if not self.expect(what, seen, expected):
            raise Broken

    # ---- rings ----

    def new_name(self) -> str:
        """Of a ring that has no semaphores."""
        self._rings += 1
        return f"/gate{self._rings}_ch{self.channel}"

    @property
    def channel_name(self) -> str:
        """Of the ring that a channel of this promise's own has."""
        return f"/video_stream_ch{self.channel}"

    def path(self, name: str) -> Path:
        """Of a ring's object."""
        return SHARED_MEMORY / name.removeprefix("/")

    def writer(self, name: str | None = None, **options: int) -> Writer:
        """An open one, of the promise's channel where no name is told. Raises Broken."""
        writer = Writer(self.library)
        plain = name is None and not options
        opened = writer.init_channel(self.channel) if plain else writer.open(name or self.channel_name, **options)
        self.need("a writer is let in", str(opened), "0")
        return writer

    def reader(self, name: str | None = None, **options: int) -> Reader:
        """Likewise."""
        reader = Reader(self.library)
        plain = name is None and not options
        opened = reader.init_channel(self.channel) if plain else reader.open(name or self.channel_name, **options)
        self.need("a reader is let in", str(opened), "0")
        return reader

    # ---- others ----

    def start(self, play: Callable[[], Iterator[str]]) -> Actor:
        """Fork an actor. Where the library has not what it calls, that is heard as Lacks."""
        actor = _Asking(play)
        self._actors.append(actor)
        return actor

    def ask(self, play: Callable[[], Iterator[str]]) -> list[str]:
        """What another process says, until its end."""
        actor = self.start(play)
        lines = list(iter(actor.hear, ""))
        actor.kill()
        return lines

    def write_and_die(self, frames: int = 1, name: str | None = None, **options: int) -> None:
        """A writer that is killed behind so many frames."""
        actor = self.start_writer(frames, name, **options)
        actor.kill()

    def start_writer(self, frames: int, name: str | None = None, **options: int) -> Actor:
        """Another process with a writer, which has written so many frames, and waits to be killed."""

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
    """An actor who calls the library."""

    def hear(self) -> str:
        """The next line; empty: it has ended. Raises Lacks."""
        line = super().hear()
        kind, _, call = line.partition(": ")
        if kind == Lacks.__name__:
            raise Lacks(call)
        return line


def until(condition: Callable[[], bool], seconds: float = UNTIL_S) -> bool:
    """Wait for something that comes of itself. Whether it came."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def asleep(pid: int) -> bool:
    """Whether a process sleeps in the kernel."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def until_asleep(pid: int) -> None:
    """Until it sleeps, as a reader in its wait does; nothing fails if it does not."""
    until(lambda: asleep(pid), 1.0)


def mappings_of(inode: int) -> list[tuple[int, int, str]]:
    """This process's mappings of an object, whatever its name: begin, end, permissions."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, permissions, _, _, number = line.split()[:5]
        if int(number) == inode:
            begin, end = (int(side, 16) for side in place.split("-"))
            found.append((begin, end, permissions))
    return found


def descriptors() -> set[str]:
    """What this process has open."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{entry.name} {entry.readlink()}")
        except FileNotFoundError:  # of the look itself
            continue
    return found


def _told(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) < 200 else f"{text[:200]}..."
