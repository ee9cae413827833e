# SPDX-License-Identifier: Apache-2.0
"""Finds out through /proc which processes map a shared memory object, with no help from those processes."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .identity import Identity
from .mounts import Mounts
from .rings import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .info import RingInfo

PROC = Path("/proc")
LONGEST_NAME = 60
_FIRST_NAMESPACE = 0xEFFFFFFC  # inode of the initial pid namespace, which has all processes


@dataclass(frozen=True, slots=True, order=True)
class Process:
    """A process that maps an object.

    Attributes:
        pid: its pid in this pid namespace.
        name: its comm, up to 15 characters that the process chose itself.
        writes: whether its mapping is writable, as those of writers and of version 1 readers are.
    """

    pid: int
    name: str
    writes: bool = False


@dataclass(slots=True)
class Users:
    """The processes that map each object. One that can't be seen must not be taken for one that is gone.

    Attributes:
        by_object: the processes that map each object, in order of their pids.
        hidden: number of processes that could not be examined.
        sees_all: whether every process of this pid namespace could be examined.
        complete: whether, in addition, no process is outside of this pid namespace.
        unseen: what could not be examined, and what to do about it; empty if nothing.
    """

    by_object: dict[Identity, list[Process]] = field(default_factory=dict)
    hidden: int = 0
    sees_all: bool = False
    complete: bool = False
    unseen: str = ""

    def of(self, identity: Identity) -> list[Process]:
        """Return the processes that map the object."""
        return self.by_object.get(identity, [])

    def readers_of(self, info: RingInfo) -> list[Process]:
        """Return the processes that map the ring, except its writer."""
        return [process for process in self.of(info.identity) if not _is_writer(process, info)]

    def writer_of(self, info: RingInfo) -> Process | None:
        """Return the ring's writer, or None if it is out of sight."""
        return next((process for process in self.of(info.identity) if _is_writer(process, info)), None)


def process_name(pid: int) -> str | None:
    """Return the process's comm, or None if there is no such process here."""
    try:
        return (PROC / str(pid) / "comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return None


def program(pid: int) -> str | None:
    """Return what a person would call the process, or None if there is no such process here.

    For Python, that is the script or module that it runs. The name is the process's own choice, so control characters
    are removed.
    """
    name = process_name(pid)
    if name is None:
        return None
    if name.startswith("python"):
        try:
            words = (PROC / str(pid) / "cmdline").read_text(errors="replace").split("\0")[1:]
        except OSError:
            words = []
        if "-m" in words[:-1]:
            name = words[words.index("-m") + 1]
        else:
            script = next((word for word in words if word and not word.startswith("-")), "")
            name = script.rpartition("/")[2] if script and "-c" not in words else name
    return "".join(letter for letter in name if letter.isprintable())[:LONGEST_NAME]


def tell_program(pid: int) -> str:
    """Return the pid and the program, for messages."""
    name = program(pid)
    return f"{pid} ({name})" if name else f"{pid} (out of sight here)"


def pid_namespace() -> int:
    """Return the inode of this process's pid namespace, or 0 if it is not known."""
    try:
        return (PROC / "self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _own_shift() -> int:
    """Return by how many clock ticks our time namespace shifts start times. Raises OSError, ValueError."""
    try:
        own = (PROC / "self/ns/time").stat().st_ino
    except FileNotFoundError:  # a kernel without time namespaces
        return 0
    if own != (PROC / "self/ns/time_for_children").stat().st_ino:
        raise ValueError("what is told is the children's shift")
    for line in (PROC / "self/timens_offsets").read_text().splitlines():
        if line.startswith("boottime"):
            return int(line.split()[1]) * os.sysconf("SC_CLK_TCK")
    raise ValueError("no shift is told")


def start_time(pid: int) -> int | None:
    """Return when the process started, in clock ticks since boot in the initial time namespace.

    Returns None if there is no such process in /proc, or if the time can't be told.
    """
    try:
        if (PROC / "self").readlink() != Path(str(os.getpid())):  # /proc of another pid namespace
            return None
        # The first thread's file says the same; emulators answer for /proc/PID/stat themselves, and wrongly.
        fields = (PROC / f"{pid}/task/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()
        return int(fields[19]) - _own_shift()
    except (OSError, ValueError, IndexError):
        return None


def _own_pid(pid: int) -> int:
    """Return the pid by which a process knows itself, in whatever pid namespace it is."""
    with suppress(OSError, ValueError, IndexError):
        for line in (PROC / str(pid) / "status").read_text(errors="replace").splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return pid


def _is_writer(process: Process, info: RingInfo) -> bool:
    """Return whether the process is the ring's writer, whose pid is told as in its own pid namespace.

    Where several containers have a process of that pid, it is the one that started when the writer did.
    """
    if not process.writes or _own_pid(process.pid) != info.writer_pid:
        return False
    return process.pid == info.writer_pid or start_time(process.pid) == info.writer_start


def is_at_its_pid(info: RingInfo) -> bool:
    """Return whether the ring's writer is the process that has its pid here: a container has other pids."""
    return bool(info.writer_start) and start_time(info.writer_pid) == info.writer_start


def is_outside(info: RingInfo) -> bool:
    """Return whether the ring's writer, if it lives, is certainly none of this pid namespace's own processes."""
    return is_gone(info.writer_pid, info.writer_start, pid_namespace())


def writer_here(info: RingInfo) -> int | None:
    """Return the pid that the ring's live writer has in this pid namespace, or None if it has none or is out of sight.

    All processes are examined only for a writer of another pid namespace.
    """
    if is_at_its_pid(info):
        return info.writer_pid
    writer = find_users().writer_of(info) if is_outside(info) else None
    return writer.pid if writer is not None else None


def is_gone(pid: int, start: int, namespace: int) -> bool:
    """Return whether the process is certainly gone.

    start is what start_time() returned for it, 0 if not known; namespace is the inode of its pid namespace. A process
    that can't be compared, since it is in another namespace or hidden by hidepid, does not count as gone.
    """
    if not namespace or namespace != pid_namespace():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    now = start_time(pid)
    return bool(start) and now is not None and now != start


def _maps(process: Path) -> str:
    """Return a process's memory map. Raises OSError."""
    lines = (process / "maps").read_text(errors="replace")
    if not lines:  # the first thread may have ended while others live on
        for thread in (process / "task").iterdir():
            lines += (thread / "maps").read_text(errors="replace")
    return lines


def _mapped(process: Path, devices: dict[str, set[int]]) -> dict[Identity, bool]:
    """Return {object on one of these devices: whether the mapping is writable}. Raises OSError."""
    found: dict[Identity, bool] = {}
    lines = _maps(process)
    if not any(f" {device} " in lines for device in devices):  # as of most processes
        return found
    for line in lines.splitlines():
        words = line.split(maxsplit=5)  # address permissions offset device inode path
        if len(words) >= 5 and words[3] in devices and words[4] != "0":
            for device in devices[words[3]]:
                identity = Identity(device, int(words[4]))
                found[identity] = found.get(identity, False) or "w" in words[1]
    return found


def _look_at(folder: Path, devices: dict[str, set[int]], found: defaultdict[Identity, list[Process]]) -> bool:
    """Add what the process maps to found, by object. Returns False if the process may not be examined."""
    try:
        mapped = _mapped(folder, devices)
    except (FileNotFoundError, ProcessLookupError):  # it is gone
        return True
    except OSError:
        return False
    for identity, writes in mapped.items():
        found[identity].append(Process(int(folder.name), process_name(int(folder.name)) or "?", writes))
    return True


def _devices() -> dict[str, set[int]]:
    """Return {a device as maps tell it: what stat() tells for it}.

    They are those of /dev/shm itself, which may be a link, and of what is mounted on single names in it.
    """
    found: defaultdict[str, set[int]] = defaultdict(set)
    mounts, known = Mounts(), set()
    folder = Path(DIRECTORY).resolve()
    for path in (folder, *folder.iterdir()):
        with suppress(OSError):  # gone meanwhile
            device = path.lstat().st_dev
            if device not in known:
                mapped = mounts.mapped_device_at(path)
                known.add(device)
                found[f"{os.major(mapped):02x}:{os.minor(mapped):02x}"].add(device)
    return found


def find_users() -> Users:
    """Examine every process once. Processes that start or end meanwhile may be missed."""
    users = Users()
    if not (PROC / "self").exists():
        users.unseen = "/proc is not mounted here, so no process could be examined: mount it"
        return users
    found: defaultdict[Identity, list[Process]] = defaultdict(list)
    devices = _devices()
    sees_machine, sees_others = pid_namespace() == _FIRST_NAMESPACE, (PROC / "1").exists()
    folders = [folder for folder in PROC.iterdir() if folder.name.isdecimal()]
    refused = [folder for folder in folders if not _look_at(folder, devices, found)]
    if sees_machine:  # the machine's init reads no rings
        refused = [folder for folder in refused if folder.name != "1"]
    # A process that was just forked may not be examined until it runs a program of its own: look again.
    users.hidden = sum(not _look_at(folder, devices, found) for folder in refused)
    users.sees_all = users.hidden == 0 and sees_others
    users.complete = sees_machine and users.sees_all
    if not sees_others:  # /proc is mounted with hidepid
        users.unseen = "/proc hides other users' processes here: run as root"
    elif users.hidden:
        those = "1 process" if users.hidden == 1 else f"{users.hidden} processes"
        users.unseen = f"{those} could not be examined: run as root"
    elif not sees_machine:
        users.unseen = "processes outside of this container are out of sight: run on the host"
    users.by_object = {identity: sorted(processes) for identity, processes in found.items()}
    return users
