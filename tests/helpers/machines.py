# SPDX-License-Identifier: Apache-2.0
"""Machines of our own: each has a network, a /dev/shm and a CLOCK_MONOTONIC of its own, and a cable joins two of them.

They are namespaces that nothing but their processes hold, so that nothing of them is left behind.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from judges import missing
from writers import ROOT, WATCHDOG_S, wait_until

PORT = 7447
CABLE = "cable"
READY = "mount -t tmpfs -o mode=1777 tmpfs /dev/shm && ip link set lo up && echo $$ && exec sleep infinity"


class Machine:
    """One machine. ahead_s: by how much its CLOCK_MONOTONIC is ahead of this one's.

    Attributes:
        address: of its end of the cable.
        pid: of a process on it.
    """

    def __init__(self, address: str, ahead_s: int = 0) -> None:
        self.address = address
        self._holder = subprocess.Popen(
            ["unshare", "-n", "-m", "-T", "--monotonic", str(ahead_s), "--kill-child", "sh", "-c", READY],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        self.pid = int(self._holder.stdout.readline())

    def inside(self, *words: str | Path) -> list[str]:
        """Return the command that runs these words on the machine; -r: in a guest, the root may be one of chroot."""
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-T", "-r", *map(str, words)]

    def run(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on the machine."""
        return subprocess.run(
            self.inside(*words), check=check, capture_output=True, text=True, timeout=WATCHDOG_S, cwd=ROOT
        )

    def start(self, *words: str | Path, **options: Any) -> subprocess.Popen[str]:
        """Start a command on the machine. Its process is that of the command."""
        return subprocess.Popen(self.inside(*words), text=True, cwd=ROOT, **options)

    def vshm(self, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run vshm on the machine."""
        return self.run(sys.executable, "-m", "vshm_ctypes", *words, check=check)

    def link(self, state: str) -> None:
        """Plug the cable in, or pull it: up or down."""
        self.run("ip", "link", "set", CABLE, state)

    def limit(self, rate: str | None) -> None:
        """Let its end of the cable send no faster than that rate, such as 2mbit; None: no limit."""
        if rate is None:
            self.run("tc", "qdisc", "del", "dev", CABLE, "root")
        else:
            queue = ("tbf", "rate", rate, "burst", "16kb", "latency", "100ms")
            self.run("tc", "qdisc", "replace", "dev", CABLE, "root", *queue)

    def disturb(self, *words: str) -> None:
        """Let its end of the cable delay, lose and limit what it sends, in the words of tc's netem.

        Raises CalledProcessError: this kernel has no netem.
        """
        self.run("tc", "qdisc", "replace", "dev", CABLE, "root", "netem", *words)

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate(timeout=WATCHDOG_S)


@contextmanager
def two_machines(ahead_s: int = 1000) -> Iterator[tuple[Machine, Machine]]:
    """Two machines with a cable between them; the clock of the second one is ahead. Skips where there can be none."""
    if os.geteuid() != 0:
        pytest.skip("makes network namespaces: run as root")
    for tool in ("ip", "tc", "nsenter"):
        if shutil.which(tool) is None:
            missing(f"{tool}, of iproute2 or util-linux")
    with ExitStack() as stack:
        machines = []
        for number, ahead in enumerate((0, ahead_s), 1):
            machines.append(Machine(f"10.77.0.{number}", ahead))
            stack.callback(machines[-1].close)
        first, second = machines
        peer = ["peer", "name", CABLE, "netns", str(second.pid)]
        first.run("ip", "link", "add", CABLE, "netns", str(first.pid), "type", "veth", *peer)
        for machine in machines:
            machine.run("ip", "addr", "add", f"{machine.address}/24", "dev", CABLE)
            machine.link("up")
        wait_until(lambda: "state UP" in first.run("ip", "link", "show", CABLE).stdout, "the cable is up")
        yield first, second
