# SPDX-License-Identifier: Apache-2.0
"""vshm check: diagnoses rings and the machine around them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ...commandline.output import complain, counted, painted, print_json
from ...commandline.verb import Exit, add_ring_argument, add_seconds_argument
from ...errors import VideoShmError
from ...explained import tell_names
from ...info import RingInfo
from ...inspect import inspect, list_rings
from ...machine import read_machine
from ...printable import printable
from ...processes import find_users
from ...published import list_published
from ...rings import DIRECTORY, ring_name
from ..list import named_as_rings, perhaps_rings
from ..survey import survey
from .access import check_access
from .findings import Finding, alike
from .host import check_board, check_inodes, check_removal, check_space, check_storage
from .leftovers import find_leftovers, remove
from .payload import check_payload
from .ring_findings import check_readers, check_ring


def add_arguments(parser: ArgumentParser) -> None:
    add_ring_argument(parser, default="all of them")
    add_seconds_argument(parser)
    parser.add_argument("--clean", action="store_true", help="remove what dead programs left, and nothing else")


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
    "start a producer, such as camera-streamer; let containers have one folder or volume at /dev/shm, or one --ipc",
)


def _no_ring() -> Finding:
    if not (closed := perhaps_rings()):
        return NO_RING
    return replace(
        NO_RING,
        what="this user may read no ring on this machine",
        why=f"no producer runs, or its ring is one of what this user may not read: {tell_names(closed)}",
        todo=f"join the group of the ring (ls -l {DIRECTORY} shows it), or run as its producer's user",
    )


@dataclass(frozen=True, slots=True)
class Examined:
    """The result of a check: the findings, and the numbers of rings and of visible readers."""

    findings: list[Finding] = field(default_factory=list)
    rings: int = 0
    readers: int = 0


def examine(ring: str | None, seconds: float) -> Examined:
    """Check one ring, or all if it is None, and the machine. Raises ProducerNotRunning, IncompatibleRing."""
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
        found.append(_no_ring())
    machine = read_machine()
    found += check_space(machine, rings)
    found += check_inodes()
    found += check_storage()
    found += check_board(machine)
    found += check_removal(rings)
    users = find_users()
    found += find_leftovers(rings, users, ring)
    readers = sum(len(users.readers_of(info)) for info in rings.values())
    return Examined(found, len(rings), readers)


def clean(ring: str | None) -> list[Finding]:
    """Remove what dead programs left, and return what was removed; print what can't be. Raises as examine()."""
    if ring is not None:
        inspect(ring)
    removed: list[Finding] = []
    tried: set[str] = set()
    while left := [one for one in find_leftovers(_rings(ring), find_users(), ring) if one.subject not in tried]:
        for leftover in left:  # once a ring is removed, its semaphores are leftovers too
            tried.add(leftover.subject)
            try:
                if remove(leftover, find_users()):
                    removed.append(leftover)
            except FileNotFoundError:
                continue  # it has gone by itself
            except (OSError, VideoShmError) as error:
                complain(f"{leftover.subject}: not removed: {error.strerror or error}")
    return removed


def _rings(ring: str | None) -> dict[str, RingInfo]:
    return {name: info for name, info in list_rings().items() if ring in (None, name)}


def _summary(examined: Examined) -> str:
    """Return the last line of the report."""
    what = f"{counted(examined.rings, 'ring')}, {counted(examined.readers, 'reader')}"
    if not examined.findings:
        return painted(f"OK: {what}", "green")
    return painted(f"{counted(len(examined.findings), 'finding')}: {what}", "yellow")


def _tell(findings: list[Finding]) -> None:
    """Print findings that are alike, of one subject or of several."""
    finding, *others = findings
    subject = f"{len(findings)} times" if others else printable(finding.subject)
    print(f"{subject}: {printable(finding.what)}  {painted(f'[{finding.code}]', 'yellow')}")
    print(f"  why:  {printable(finding.why)}")
    print(f"  do:   {printable(finding.todo)}")
    for one in findings if others else []:
        print(f"  of:   {printable(one.subject)}")


def run(arguments: Namespace) -> int:
    """Return exit code 0, 1 if there is a finding (with --clean: still), or 3 if there is no such ring."""
    ring = ring_name(arguments.ring) if arguments.ring is not None else None
    unseen = find_users().unseen if arguments.clean else ""
    removed = clean(ring) if arguments.clean else []
    examined = Examined() if ring is not None and removed else examine(ring, arguments.seconds)
    if removed:  # after cleaning, having no ring is no fault
        examined = replace(examined, findings=[one for one in examined.findings if one.code != NO_RING.code])
    code = Exit.FINDING if examined.findings else Exit.HEALTHY
    if arguments.json:
        print_json({"findings": examined.findings, "removed": removed, "unseen": unseen or None})
        return code
    if unseen:
        complain(f"objects that an unseen process may use were kept: {unseen}")
    for finding in removed:
        print(f"removed {printable(finding.subject)}: {printable(finding.what)}")
    for findings in alike(examined.findings):
        _tell(findings)
    print(_summary(examined))
    return code
