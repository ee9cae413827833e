# SPDX-License-Identifier: Apache-2.0
"""Finds faults of the machine around the rings."""

from __future__ import annotations

import configparser
import pwd
from collections.abc import Iterator
from pathlib import Path

from ...containers import is_in_memory
from ...info import RingInfo
from ...inodes import INODES_ADVICE, has_no_inodes
from ...machine import Machine, Throttling
from ...rings import DIRECTORY
from .. import units
from .findings import Finding

RING_BYTES = 16 * 1024 * 1024  # one ring of 30 slots of 512 KiB, and its semaphores
FIRST_LOGIN_UID = 1000
LOGIND = ("usr/lib/systemd", "usr/local/lib/systemd", "etc/systemd", "run/systemd")


def check_space(machine: Machine, rings: dict[str, RingInfo]) -> Iterator[Finding]:
    """Check that /dev/shm has room for one more ring as large as the largest."""
    space = machine.shared_memory
    if space is None:
        return
    need = max([RING_BYTES, *(info.object_bytes for info in rings.values())])
    if space.free >= need:
        return
    small = space.total <= 4 * RING_BYTES
    boxed = "docker run --shm-size=256m, a larger tmpfs volume, or an emptyDir of medium Memory"
    enlarge = boxed if small else "mount -o remount,size=50%"
    yield Finding(
        "shm-full",
        "/dev/shm",
        f"{units.size(space.free)} of {units.size(space.total)} are free; one more ring takes {units.size(need)}",
        "the next writer fails with RingFull, and a ring whose name was removed can't be made anew",
        f"enlarge it ({enlarge}), free it with vshm check --clean, or use fewer or smaller slots",
    )


def check_inodes(folder: str = DIRECTORY) -> Iterator[Finding]:
    """Check that /dev/shm has an inode for one more ring: in a container there may be few of them."""
    if has_no_inodes(folder):
        yield Finding(
            "shm-full",
            folder,
            "it has room, but no inode left for another file",
            "the next writer fails with RingFull, a ring whose name was removed can't be made anew, and no reader "
            "publishes its counters",
            f"{INODES_ADVICE} (mount -o remount,nr_inodes=10k)",
        )


def check_storage(folder: str = DIRECTORY) -> Iterator[Finding]:
    """Check that rings lie in memory: a volume of a container that is mounted at /dev/shm may lie on a disk."""
    if is_in_memory(folder) is False:
        yield Finding(
            "shm-on-disk",
            folder,
            "it is no tmpfs: rings lie on a disk",
            "every frame is written to that disk, which wears flash out, and a slow disk holds the writer up",
            "mount a tmpfs there: a volume of that type, an emptyDir of medium Memory, or the host's /dev/shm",
        )


def check_board(machine: Machine) -> Iterator[Finding]:
    """Check the power supply and the temperature of the board."""
    throttling = machine.throttling or Throttling(0)
    if machine.under_voltage or throttling & Throttling.UNDER_VOLTAGE_OCCURRED:
        yield Finding(
            "under-voltage",
            machine.model or "board",
            f"the supply voltage {'is' if machine.under_voltage else 'was'} too low",
            "the board slows down, and cameras on USB drop out",
            "use the board's own power supply, and a shorter or thicker cable",
        )
    if throttling & (Throttling.THROTTLED | Throttling.SOFT_TEMPERATURE_LIMIT | Throttling.FREQUENCY_CAPPED):
        hot = f" at {machine.temperature_c:.0f} degrees" if machine.temperature_c is not None else ""
        yield Finding(
            "throttled",
            machine.model or "board",
            f"the board runs slower than it could{hot}",
            "frames come late or are dropped",
            "cool it, or encode less",
        )


def removes_ipc(root: Path = Path("/")) -> tuple[bool, str]:
    """Return whether logind removes a user's shared memory at logout, and the file that says so."""
    if not (root / "run/systemd/seats").is_dir():
        return False, "no logind"
    files: dict[str, Path] = {}
    for folder in LOGIND:  # a file of the same name in a later folder replaces it; the order is that of the names
        for path in sorted((root / folder / "logind.conf.d").glob("*.conf")):
            files[path.name] = path
    main = [path for path in (root / folder / "logind.conf" for folder in LOGIND) if path.exists()]
    answer, where = True, "logind's default"
    for path in (*main[-1:], *(files[name] for name in sorted(files))):
        parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
        try:
            parser.read_string(path.read_text(errors="replace"))
            answer, where = parser.getboolean("Login", "RemoveIPC"), str(path)
        except (OSError, ValueError, AttributeError, configparser.Error):
            continue
    return answer, where


def check_removal(rings: dict[str, RingInfo], root: Path = Path("/")) -> Iterator[Finding]:
    """Check for rings that logind removes when their writer's user logs out."""
    removes, where = removes_ipc(root)
    if not removes:
        return
    for name, info in rings.items():
        if info.uid < FIRST_LOGIN_UID:
            continue
        try:
            user = pwd.getpwuid(info.uid).pw_name
        except KeyError:
            user = str(info.uid)
        if (root / "var/lib/systemd/linger" / user).exists():
            continue
        yield Finding(
            "remove-ipc",
            name,
            f"it belongs to the login user {user}, and RemoveIPC is on ({where})",
            "when that user logs out, logind removes the ring under its readers",
            f"run the writer as a system user, or set RemoveIPC=no in logind.conf, or loginctl enable-linger {user}",
        )
