# SPDX-License-Identifier: Apache-2.0
"""The members of a bundle, and what each contains. Nothing else is ever collected."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from ...bundles.members import FRAME_FIELDS
from ...commandline.ending import interrupt
from ...commandline.output import plain
from ...commandline.verb import Exit
from ...inspect import list_rings
from ...machine import read_machine
from ...processes import find_users, is_at_its_pid
from . import host
from .streams import Captured, summary


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the bundle."""

    name: str
    content: bytes | IO[bytes]


def _json(value: object) -> bytes:
    return json.dumps(plain(value), indent=1).encode() + b"\n"


def verb_output(*words: str) -> bytes:
    """Return what vshm prints for these arguments on both streams. Raises KeyboardInterrupt if it is interrupted."""
    from ..main import main

    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        code = main(words)
    if code == Exit.INTERRUPTED:  # its output is incomplete
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
    yield Member("kernel.txt", host.kernel_lines().encode())
    yield Member("board.json", _json(read_machine()))
    yield Member("versions.json", _json(host.versions()))
    yield Member("limits.txt", host.limits(pids).encode())
    yield Member("mounts.txt", host.mounts().encode())
    yield Member("logind.txt", host.logind().encode())
    yield Member("processes.txt", host.process_tree(pids).encode())


def _of_stream(captured: Captured) -> Iterator[Member]:
    name = captured.ring[1:]
    yield Member(f"streams/{name}.json", _json(summary(captured)))
    yield Member(f"frames/{name}.json", _json({"fields": FRAME_FIELDS, "frames": captured.frames}))
    if captured.picture is not None and captured.frames:
        yield Member(f"pictures/{name}.{captured.ending}", captured.picture)


def contents(streams: list[Captured], seconds: float) -> Iterator[Member]:
    """Yield all members but the manifest. seconds is how long the verbs measure rates."""
    rings = list_rings()
    users = find_users()
    pids = {info.writer_pid for info in rings.values() if is_at_its_pid(info)}
    pids |= {process.pid for info in rings.values() for process in users.of(info.identity)}
    yield from _of_verbs(list(rings), seconds)
    yield from _of_host(sorted(pids))
    for captured in streams:
        yield from _of_stream(captured)
