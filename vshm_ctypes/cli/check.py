# SPDX-License-Identifier: Apache-2.0
"""vshm check: a doctor for rings and the machine around them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from ..errors import VideoShmError
from ..info import RingInfo
from ..inspect import inspect, list_rings
from ..machine import look as look_at_machine
from ..processes import find_users
from ..published import list_published
from ..rings import DIRECTORY, ring_name
from .check_host import check_access, check_board, check_removal, check_space
from .check_payload import check_payload
from .check_rings import check_readers, check_ring
from .findings import Finding
from .leftovers import find_leftovers, remove
from .list import named_as_rings
from .output import complain, counted, print_json, printable, shows_colours
from .survey import survey
from .verb import Exit, Verb, add_ring_argument, add_seconds_argument


def add_arguments(parser: ArgumentParser) -> None:
    add_ring_argument(parser, default="all of them")
    add_seconds_argument(parser)
    parser.add_argument("--clean", action="store_true", help="remove what dead programs left, and just that")


def _unreadable(chosen: str | None) -> Iterator[Finding]:
    for path in named_as_rings():
        name = f"/{path.name}"
        if chosen in (None, name) and path.is_file() and not path.is_symlink():
            yield from check_access(name, path)


NO_RING = Finding(
    "no-ring",
    DIRECTORY,
    "there is no ring on this machine",
    "no producer runs, or it runs in a container with a /dev/shm of its own",
    "start a producer, such as camera-streamer; containers share it with --ipc=host or a mount of /dev/shm",
)


def examine(ring: str | None, seconds: float) -> list[Finding]:
    """All findings, of one ring and the machine, or of everything. Raises ProducerNotRunning, IncompatibleRing."""
    rings = list_rings()
    found = list(_unreadable(ring))
    if ring is not None:
        rings = {} if found else {ring: inspect(ring)}
    published = list_published()
    for look in survey(list(rings), seconds):
        found += check_ring(look)
        found += check_payload(look)
        found += check_readers(look, published)
    if not rings and not found:
        found.append(NO_RING)
    machine = look_at_machine()
    found += check_space(machine, rings)
    found += check_board(machine)
    found += check_removal(rings)
    return found + find_leftovers(rings, ring)


def clean(ring: str | None) -> list[Finding]:
    """Remove what dead programs left; what was removed. What can't be is complained of. Raises as examine()."""
    if ring is not None:
        inspect(ring)
    removed: list[Finding] = []
    tried: set[str] = set()
    while left := [leftover for leftover in find_leftovers(_rings(ring), ring) if leftover.subject not in tried]:
        for leftover in left:  # with a ring gone, its semaphores are left over too
            tried.add(leftover.subject)
            try:
                if remove(leftover, find_users()):
                    removed.append(leftover)
            except (OSError, VideoShmError) as error:
                complain(f"{leftover.subject}: not removed: {error.strerror or error}")
    return removed


def _rings(ring: str | None) -> dict[str, RingInfo]:
    return {name: info for name, info in list_rings().items() if ring in (None, name)}


def _summary(findings: list[Finding], ring: str | None) -> str:
    """The last line, in colour where the terminal has some."""
    rings, users = _rings(ring), find_users()
    readers = sum(len(users.of(info.inode, but=info.writer_pid)) for info in rings.values())
    what = f"{counted(len(rings), 'ring')}, {counted(readers, 'reader')}"
    told, colour = (f"OK: {what}", 32) if not findings else (f"{counted(len(findings), 'finding')}: {what}", 33)
    return f"\x1b[{colour}m{told}\x1b[0m" if shows_colours() else told


def run(arguments: Namespace) -> int:
    """Exit 0; 1: there is a finding, after cleaning where that was asked for; 3: there is no such ring."""
    ring = ring_name(arguments.ring) if arguments.ring is not None else None
    unseen = find_users().unseen if arguments.clean else ""
    removed = clean(ring) if arguments.clean else []
    findings = [] if ring is not None and removed else examine(ring, arguments.seconds)
    if removed:  # then there being none is as it should be
        findings = [finding for finding in findings if finding is not NO_RING]
    if arguments.json:
        print_json({"findings": findings, "removed": removed, "unseen": unseen or None})
        return Exit.FINDING if findings else Exit.HEALTHY
    if unseen:
        complain(f"what somebody out of sight may use was left: {unseen}")
    for finding in removed:
        print(f"removed {printable(finding.subject)}: {printable(finding.what)}")
    for finding in findings:
        print(f"{printable(finding.subject)}: {printable(finding.what)}  [{finding.code}]")
        print(f"  why:  {printable(finding.why)}")
        print(f"  do:   {printable(finding.todo)}")
    print(_summary(findings, ring))
    return Exit.FINDING if findings else Exit.HEALTHY


VERB = Verb("check", "a doctor: rings, writers, readers, leftovers, machine", add_arguments, run)
