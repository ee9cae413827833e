# SPDX-License-Identifier: Apache-2.0
"""What is in a bundle: each member by its name, and what it is. Nothing else is ever taken."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from ..inspect import list_rings
from ..machine import look as look_at_machine
from ..processes import find_users
from . import bundle_host
from .bundle_streams import FRAME_FIELDS, Captured, summary
from .ending import interrupt
from .output import plain
from .verb import Exit

MANIFEST = "manifest.json"
VERSION = 1

# Where RING is a ring's name, without its slash; ENDING the kind of its payload.
KINDS = {
    MANIFEST: "what was taken, and when",
    "check.txt": "vshm check",
    "check.json": "vshm check --json",
    "list.txt": "vshm list: rings, writers, readers",
    "list.json": "vshm list --json",
    "show/RING.txt": "vshm show: one ring, slot by slot",
    "show/RING.json": "vshm show --json",
    "streams/RING.json": "one stream for some seconds: frames, missed, latency histogram",
    "frames/RING.json": "when each of its frames was captured, published and received, and its size",
    "pictures/RING.ENDING": "those frames themselves: pictures or sound, encoded",
    "kernel.txt": "lines of the kernel's log about video, memory, power and heat",
    "board.json": "model, clocks, temperature, throttling, memory",
    "versions.json": "of vshm, Python, the kernel, the system and packages",
    "limits.txt": "the kernel's limits, this user's, and those of writers and readers",
    "mounts.txt": "what is mounted as memory, and how",
    "logind.txt": "whether shared memory is removed at logout",
    "processes.txt": "writers and readers under their parents; no command lines",
}


def pattern(kind: str) -> re.Pattern[str]:
    """Of the member names that are of this kind."""
    escaped = re.escape(kind).replace("RING", r"[^/]{1,200}").replace("ENDING", r"(?:h264|h265|mjpeg|obu|bin)")
    return re.compile(escaped)


def kind_of(name: str) -> str | None:
    """The kind of a member; None: no bundle has such a member."""
    return next((kind for kind in KINDS if pattern(kind).fullmatch(name)), None)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the bundle."""

    name: str
    content: bytes | IO[bytes]


def _json(value: object) -> bytes:
    return json.dumps(plain(value), indent=1).encode() + b"\n"


def verb_output(*words: str) -> bytes:
    """What vshm prints for these words, on both streams. Raises KeyboardInterrupt: it was told to end meanwhile."""
    from .main import main

    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        code = main(words)
    if code == Exit.INTERRUPTED:  # and what it printed is no more than a part
        interrupt()
    return written.getvalue().encode()


def _of_verbs(rings: list[str], seconds: float) -> Iterator[Member]:
    for ending, words in (("txt", ()), ("json", ("--json",))):
        common = ("--seconds", str(seconds), *words)
        yield Member(f"check.{ending}", verb_output("check", *common))
        yield Member(f"list.{ending}", verb_output("list", *common))
        for ring in rings:
            yield Member(f"show/{ring[1:]}.{ending}", verb_output("show", ring, *common))


def _of_host(pids: list[int]) -> Iterator[Member]:
    yield Member("kernel.txt", bundle_host.kernel_lines().encode())
    yield Member("board.json", _json(look_at_machine()))
    yield Member("versions.json", _json(bundle_host.versions()))
    yield Member("limits.txt", bundle_host.limits(pids).encode())
    yield Member("mounts.txt", bundle_host.mounts().encode())
    yield Member("logind.txt", bundle_host.logind().encode())
    yield Member("processes.txt", bundle_host.process_tree(pids).encode())


def _of_stream(captured: Captured) -> Iterator[Member]:
    name = captured.ring[1:]
    yield Member(f"streams/{name}.json", _json(summary(captured)))
    yield Member(f"frames/{name}.json", _json({"fields": FRAME_FIELDS, "frames": captured.frames}))
    if captured.picture is not None and captured.frames:
        yield Member(f"pictures/{name}.{captured.ending}", captured.picture)


def contents(streams: list[Captured], seconds: float) -> Iterator[Member]:
    """All members but the manifest. seconds: how long the verbs measure rates."""
    rings = list_rings()
    users = find_users()
    pids = {info.writer_pid for info in rings.values() if info.writer_pid}
    pids |= {process.pid for info in rings.values() for process in users.of(info.inode)}
    yield from _of_verbs(list(rings), seconds)
    yield from _of_host(sorted(pids))
    for captured in streams:
        yield from _of_stream(captured)
