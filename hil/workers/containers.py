# SPDX-License-Identifier: Apache-2.0
"""Workers in containers: each with pids, ipc, mounts and host name of its own, and this machine's /dev/shm.

A reader's container has that read-only, and a user namespace too.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

OWN = ("--mount", "--propagation", "private", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
READ_ONLY = "mount --bind /dev/shm /dev/shm && mount -o remount,bind,ro /dev/shm && "
ANOTHER_USER = "unshare --user --map-root-user "
BEGUN_WITHIN_S = 60.0
# What a worker reads of this process by its pid, which means nothing in a container: an open file, which it inherits.
OF_THIS_PROCESS = re.compile(rf"/proc/{os.getpid()}/fd/(\d+)")
RUNS_MODULE = """
import importlib, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = sys.argv[1:]
sys.exit(importlib.import_module(sys.argv[0]).main(sys.argv[1:]))
"""


def why_not() -> str | None:
    """Return why no containers can be made here, and what to do, or None if they can."""
    try:
        command, _ = contained(["true"], read_only=True)
        done = subprocess.run(command, capture_output=True, text=True, timeout=BEGUN_WITHIN_S, check=False)
    except FileNotFoundError:
        return "no unshare here: apt-get install util-linux"
    return f"no containers can be made here, which takes root: {done.stderr.strip()}" if done.returncode else None


def contained(command: Sequence[str | Path], read_only: bool) -> tuple[list[str], list[int]]:
    """Return the command as one that runs in a container of its own, and the descriptors that it inherits."""
    words = [str(word) for word in command]
    kept = [int(number) for word in words for number in OF_THIS_PROCESS.findall(word)]
    words = [OF_THIS_PROCESS.sub(r"/proc/self/fd/\1", word) for word in words]
    script = f"{READ_ONLY}exec {ANOTHER_USER}" if read_only else "exec "
    return ["unshare", *OWN, "sh", "-c", f'{script}"$@"', "sh", *words], kept


def pid_of_content(process: subprocess.Popen[bytes]) -> int:
    """Return the pid, as seen here, of the first process in the container that unshare makes, or its own if none is."""
    deadline = time.monotonic() + BEGUN_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            if children:
                return int(children[0])
        time.sleep(0.002)
    return process.pid


def own_pid(pid: int) -> int:
    """Return the pid by which a process knows itself."""
    with suppress(OSError, IndexError, ValueError):
        [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("NSpid:")]
        return int(line.split()[-1])
    return pid
