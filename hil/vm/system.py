# SPDX-License-Identifier: Apache-2.0
"""Another system for the virtual machine than this machine's own files: a Debian of another architecture."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vshm_ctypes.commandline.own_module import own_module

from .errors import VmUnavailable

# Their paths in the guest. /mnt: the emulator's helper can't nest one shared folder in another.
RESULTS, SOURCE = Path("/mnt/results"), Path("/mnt/source")
# Where ci/board-inside installs things in the system.
PYTHON = Path("/opt/video-shm/venv/bin/python")
PROGRAMS = Path("/opt/video-shm/programs")
LIBRARY = Path("/opt/video-shm/lib/libvideo_shm.so")
# By the machine of an ELF header: the architecture as vng and Debian name it, and as uname -m does.
_ELF_MACHINES = {62: ("amd64", "x86_64"), 183: ("arm64", "aarch64")}


@dataclass(frozen=True, slots=True)
class System:
    """A system. root: its folder. architecture: Debian's name of it. machine: as uname -m prints it."""

    root: Path
    architecture: str
    machine: str

    @property
    def busybox(self) -> Path:
        """A static busybox, for the time before the system's own files are mounted."""
        return self.root / "bin" / "busybox"

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of commands inside: this checkout's Python, with what was built for that processor."""
        return {
            "PATH": f"{PYTHON.parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "PYTHONPATH": str(SOURCE),
            "VSHM_LIBRARY": str(LIBRARY),
            "VIDEO_SHM_PROGRAMS": str(PROGRAMS),
        }


def system_in(root: Path) -> System:
    """Return the system in a folder. Raises VmUnavailable if it is none, or can't be booted."""
    root = root.resolve()
    busybox = root / "bin" / "busybox"
    try:
        header = busybox.read_bytes()[:20]
    except OSError as error:
        raise VmUnavailable(f"{root} has no static busybox ({error}): make a system with ci/hil --arch arm64") from None
    number = struct.unpack_from("<H", header, 18)[0] if header[:4] == b"\x7fELF" and len(header) == 20 else None
    if number not in _ELF_MACHINES:
        raise VmUnavailable(f"{busybox} is not a program for {' or '.join(name for name, _ in _ELF_MACHINES.values())}")
    for folder in (RESULTS, SOURCE):
        (root / folder.relative_to("/")).mkdir(parents=True, exist_ok=True)
    return System(root, *_ELF_MACHINES[number])


def module_inside(system: System | None, module: str, *words: str) -> list[str]:
    """Return the command that runs a module of ours inside, and none of the current folder's.

    system: that the machine has, or None for this machine's own files.
    """
    return own_module(module, *words) if system is None else [str(PYTHON), "-P", "-m", module, *words]
