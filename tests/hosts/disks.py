# SPDX-License-Identifier: Apache-2.0
"""File systems for /dev/shm: what lies there is a tmpfs by custom only, and not every one does what that does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .kinds import NO_SHARED_MEMORY
from .own_shm import mount_tmpfs, own_shared_memory

MiB = 1 << 20


@dataclass(frozen=True)
class Disk:
    """A file system. what: where one finds it. tool: what makes it in a file; empty: it is laid over folders."""

    name: str
    what: str
    tool: str = ""
    package: str = ""


OVERLAY_OF_MEMORY = Disk("overlay of memory", "a container's folder: its layers are in memory")
OVERLAY_OF_A_DISK = Disk("overlay of a disk", "a container's folder: its layers are on a disk")
OVERLAY_OF_BOTH = Disk("overlay of both", "layers on two file systems, where stat() tells another device than maps")
EXT4 = Disk("ext4", "a folder of the machine's disk", "mkfs.ext4", "e2fsprogs")
BTRFS = Disk("btrfs", "a folder of a disk whose maps tell another device than stat()", "mkfs.btrfs", "btrfs-progs")
LINK = Disk("link", "a symbolic link to another folder, as to /run/shm on older systems")

OVERLAYS = (OVERLAY_OF_MEMORY, OVERLAY_OF_A_DISK)
DISKS = (*OVERLAYS, EXT4, BTRFS)


def _run(*words: str | Path) -> None:
    """Run a command that makes or mounts a file system. Skips the test where it can't."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{words[0]}: {done.stderr.strip()}")


def _lay_over(disk: Disk, folder: Path) -> None:
    beneath = folder
    if disk is OVERLAY_OF_BOTH:
        beneath = folder / "memory"
        beneath.mkdir()
        mount_tmpfs(beneath, "size=256m")
    lower, upper, work = folder / "lower", beneath / "upper", beneath / "work"
    for layer in (lower, upper, work):
        layer.mkdir()
    _run("mount", "-t", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", "overlay", "/dev/shm")


def _link(folder: Path) -> None:
    _run("sh", "-c", " && ".join(NO_SHARED_MEMORY.prepare))
    Path("/dev/shm").symlink_to(folder)


def _mount_image(disk: Disk, folder: Path) -> None:
    tool = shutil.which(disk.tool, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if tool is None:
        pytest.skip(f"{disk.tool} is not here: apt-get install {disk.package}")
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(300 * MiB)
    _run(tool, "-q", image)
    _run("mount", "-o", "loop", image, "/dev/shm")


@contextmanager
def shared_memory_on(disk: Disk, folder: Path) -> Iterator[None]:
    """Mount a new file system of that kind on /dev/shm, for this thread and what it starts. Needs root.

    folder: an empty one, on no overlay. Skips the test where there can't be such a file system.
    """
    with own_shared_memory():
        if disk in (OVERLAY_OF_MEMORY, LINK):
            mount_tmpfs(folder, "size=256m")
        if disk in (*OVERLAYS, OVERLAY_OF_BOTH):
            _lay_over(disk, folder)
        elif disk is LINK:
            _link(folder)
        else:
            _mount_image(disk, folder)
        Path("/dev/shm").chmod(0o1777)
        yield
