# SPDX-License-Identifier: Apache-2.0
"""Containers on one machine: each with namespaces of its own, and all with one folder at /dev/shm."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .host import Host, require

OWN = ("--ipc", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
# A user namespace whose numbers another process has to write, since newuidmap asks /etc/subuid, even root.
ENTER = """
import ctypes, os, sys
me, go = os.getpid(), os.pipe()
writer = os.fork()
if not writer:
    os.read(go[0], 1)
    for kind in "ug":
        with open(f"/proc/{me}/{kind}id_map", "w") as file:
            file.write(f"0 {sys.argv[1]} {sys.argv[2]}")
    os._exit(0)
if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
    sys.exit(os.strerror(ctypes.get_errno()))
os.write(go[1], b"1")
if os.waitpid(writer, 0)[1]:
    sys.exit("its numbers can't be written")
os.setgid(0)
os.setuid(0)
os.execvp(sys.argv[3], sys.argv[3:])
"""
FIRST_UID = 300_000  # of the users that a container with a mapping has, as seen from outside
COUNT = 65536


def box(shared: Path | None, *, read_only: bool = False, user: str = "0:0", mapped: int = 0) -> Host:
    """Return a container, whose command is its process 1.

    shared: what is at its /dev/shm; None: a tmpfs of 64 MB of its own, as Docker makes it. read_only: whether it may
    only read that. user: UID:GID[:GID of another group], as seen inside. mapped: where its users' numbers begin
    outside, or 0 for a container without a user namespace.
    """
    mounts = [f"mount --bind {shlex.quote(str(shared))} /dev/shm"]
    if shared is None:
        mounts = ["mount -t tmpfs -o mode=1777,size=64000k tmpfs /dev/shm"]
    if read_only:
        mounts.append("mount -o remount,bind,ro /dev/shm")
    uid, gid, *groups = user.split(":")
    change = ["setpriv", f"--reuid={uid}", f"--regid={gid}"]
    change += [f"--groups={','.join(groups)}"] if groups else ["--clear-groups"]
    enter = [sys.executable, "-c", ENTER, str(mapped), str(COUNT)] if mapped else []
    return Host(
        f"container of {user}{' mapped' * bool(mapped)}{', read-only' * read_only}",
        "a container beside others",
        of=frozenset({"shm", "pids", "user", "user namespace"}),
        namespaces=OWN,
        prepare=tuple(mounts),
        before=(*enter, *change),
        opened=True,
    )


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Make a folder in /dev/shm for containers to share, as `-v /dev/shm/cameras:/dev/shm` does."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="boxes_") as name:
        folder = Path(name)
        folder.chmod(0o1777)
        yield folder


class Boxed:
    """A program in a container, until close(). pid: of the program itself, as seen from outside."""

    def __init__(self, host: Host, words: Sequence[str], environment: dict[str, str] | None = None) -> None:
        pipe = subprocess.PIPE
        env = os.environ | (environment or {})
        self.process = subprocess.Popen(require(host).command(*words), stdout=pipe, stderr=pipe, text=True, env=env)

    @property
    def pid(self) -> int:
        """The pid, or 0 as long as it has not begun."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = path.read_text().split() if path.exists() else []
        return int(children[0]) if children else 0

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self, number: int) -> tuple[int, str, str]:
        """Send it a signal, and return its exit code and what it has said."""
        self.send(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err

    def close(self) -> None:
        if pid := self.pid:  # with another user, it is no longer told when unshare dies
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.communicate()
