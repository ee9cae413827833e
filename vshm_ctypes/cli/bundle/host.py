# SPDX-License-Identifier: Apache-2.0
"""What vshm bundle collects about the machine: no environment variables, no command lines, no files of users."""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import os
import platform
import pwd
import re
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path

from ... import __version__, get_library
from ...printable import printable
from ...processes import PROC
from ..check.host import LOGIND, removes_ipc

KERNEL_LINES = 2000
OF_INTEREST = re.compile(
    r"video|uvc|v4l|vivid|camera|csi|unicam|bcm2835|rpi|codec|usb|isp|shm|tmpfs|memory|oom|kill|hugepage"
    r"|voltage|thrott|thermal|temperature|segfault|I/O error|mmc",
    re.IGNORECASE,
)
KMSG_BYTES = 8192  # the largest record
LIMITS = (
    "kernel/shmmax",
    "kernel/shmall",
    "kernel/pid_max",
    "kernel/threads-max",
    "fs/file-max",
    "fs/nr_open",
    "vm/overcommit_memory",
    "vm/max_map_count",
    "vm/swappiness",
)
PACKAGES = ("video-shm", "av", "numpy", "rich", "prometheus_client", "aiohttp", "v4l2py")
PROCESS_FIELDS = ("PPid", "State", "Uid", "Threads", "VmRSS", "RssShmem", "voluntary_ctxt_switches")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        return f"({error.strerror})\n"


def kernel_records() -> Iterator[str]:
    """Yield the lines of the kernel's log: seconds since boot, and the text. Raises OSError."""
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while True:
            try:
                record = os.read(log, KMSG_BYTES).decode(errors="replace")
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.EPIPE:  # overwritten while it was read: go on with the next record
                    continue
                raise
            head, _, text = record.partition(";")
            words = head.split(",")
            if len(words) >= 3 and words[2].isdecimal():
                yield f"[{int(words[2]) / 1e6:12.6f}] {text.splitlines()[0] if text else ''}"
    finally:
        os.close(log)


def kernel_lines(records: Iterable[str] | None = None) -> str:
    """Return the latest lines of the kernel's log about video, memory, power or heat."""
    try:
        found = [record for record in (kernel_records() if records is None else records) if OF_INTEREST.search(record)]
    except OSError as error:
        return f"the kernel's log can't be read: {error.strerror}; run it as root\n"
    return "".join(f"{line}\n" for line in found[-KERNEL_LINES:])


def versions() -> dict[str, str | None]:
    """Return the versions of the software involved; None for a package that is not installed."""
    release = re.search(r'^PRETTY_NAME="?([^"\n]*)', _text(Path("/etc/os-release")), re.MULTILINE)
    found: dict[str, str | None] = {
        "libvideo_shm": __version__,
        "library": str(get_library()),
        "python": platform.python_version(),
        "kernel": f"{platform.release()} {platform.version()}",
        "system": release[1] if release else None,
        "libc": " ".join(platform.libc_ver()),
        "machine": platform.machine(),
    }
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def limits(pids: Iterable[int]) -> str:
    """Return the limits of the kernel, of this user, and of the writers and readers."""
    lines = [f"{name.replace('/', '.')} = {_text(Path('/proc/sys') / name).strip()}" for name in LIMITS]
    for name in ("RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_RTPRIO", "RLIMIT_AS"):
        lines.append(f"{name} = {resource.getrlimit(getattr(resource, name))}")
    for pid in pids:
        lines += ["", f"process {pid}:", _text(PROC / str(pid) / "limits").rstrip()]
    return "\n".join(lines) + "\n"


def mounts(table: str | None = None) -> str:
    """Return the mounts in memory and the type of the root; no others, whose options may contain a password."""
    found = []
    for line in (table if table is not None else _text(Path("/proc/self/mounts"))).splitlines():
        words = line.split()
        if len(words) < 4:
            continue
        if words[2] in ("tmpfs", "ramfs", "devtmpfs"):
            found.append(" ".join(words[1:4]))
        elif words[1] == "/":
            found.append(f"/ {words[2]} {words[3].partition(',')[0]}")
    return "".join(f"{line}\n" for line in found)


def logind(root: Path = Path("/")) -> str:
    """Return whether shared memory is removed at logout, and all settings of logind."""
    removes, where = removes_ipc(root)
    lines = [f"RemoveIPC is {'on' if removes else 'off'} ({where})"]
    for folder in LOGIND:
        for path in (root / folder / "logind.conf", *sorted((root / folder / "logind.conf.d").glob("*.conf"))):
            if path.exists():
                settings = [line for line in _text(path).splitlines() if line and not line.startswith(("#", ";"))]
                lines += ["", f"{path}:", *settings]
    return "\n".join(lines) + "\n"


def _status(pid: int) -> dict[str, str]:
    pairs = (line.partition(":") for line in _text(PROC / str(pid) / "status").splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _described(pid: int, status: dict[str, str]) -> str:
    words = [f"{pid} {status.get('Name', '?')}"]
    uid = status.get("Uid", "?").split()[0]
    with contextlib.suppress(KeyError, ValueError):
        uid = pwd.getpwuid(int(uid)).pw_name
    words.append(f"user {uid}")
    words += [f"{name} {status[name]}" for name in PROCESS_FIELDS if name in status and name not in ("PPid", "Uid")]
    return printable(", ".join(words))


def process_tree(pids: Iterable[int]) -> str:
    """Return these processes as a tree with their parents, without command lines, which may contain a password."""
    known: dict[int, dict[str, str]] = {}
    children: dict[int, list[int]] = {}
    for pid in pids:
        while pid > 0 and pid not in known:
            known[pid] = _status(pid)
            parent = int(known[pid].get("PPid") or 0)
            children.setdefault(parent, []).append(pid)
            pid = parent
    lines: list[str] = []

    def tell(pid: int, depth: int) -> None:
        lines.append("  " * depth + _described(pid, known[pid]))
        for child in sorted(children.get(pid, [])):
            tell(child, depth + 1)

    for pid in sorted(children.get(0, [])):
        tell(pid, 0)
    return "".join(f"{line}\n" for line in lines)
