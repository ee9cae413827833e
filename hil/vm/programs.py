# SPDX-License-Identifier: Apache-2.0
"""Finds the programs that the virtual machine needs, and names the packages of missing ones."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import VmUnavailable

# By uname -m: the emulator and its Debian package.
EMULATORS = {
    "x86_64": ("qemu-system-x86_64", "qemu-system-x86"),
    "aarch64": ("qemu-system-aarch64", "qemu-system-arm"),
}
SYSTEM_FOLDERS = "/usr/sbin:/sbin"  # not on every user's PATH
_KVM_GET_API_VERSION, _KVM_CREATE_VM, _KVM_API_VERSION = 0xAE00, 0xAE01, 12  # linux/kvm.h


def search_path() -> str:
    """Return the search path, on which this interpreter's own folder comes first: vng was installed there with it."""
    return f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}"


def need(packages: Mapping[str, str], path: str | None = None, also: Sequence[str] = ()) -> None:
    """Check that all programs exist, and files, which are those with a path.

    packages: the package of each. also: what else is known to be missing. Raises VmUnavailable, which names all of it.
    """
    missing = {name: package for name, package in packages.items() if not _is_there(name, path)}
    told = []
    if missing:
        advice = f"apt-get install {' '.join(sorted(set(missing.values())))} (ci/bootstrap hil does)"
        told = [f"not installed: {', '.join(missing)}: {advice}"]
    if told or also:
        raise VmUnavailable("; ".join([*told, *also]))


def _is_there(name: str, path: str | None) -> bool:
    return Path(name).exists() if name.startswith("/") else shutil.which(name, path=path) is not None


def find_vng(machine: str | None = None, path: str | None = None, more: Mapping[str, str] | None = None) -> str:
    """Return the path of vng, if everything that it starts exists too.

    more: what else is needed here, with the package of each. Raises VmUnavailable, which names all that is missing.
    """
    machine, path = machine or os.uname().machine, path or search_path()
    if machine not in EMULATORS:
        raise VmUnavailable(f"virtual machines are not supported on {machine}, only on {', '.join(EMULATORS)}")
    emulator, package = EMULATORS[machine]
    vng = shutil.which("vng", path=path)
    programs = {emulator: package, "busybox": "busybox-static", "file": "file", "modprobe": "kmod"}
    no_vng = [] if vng else ["vng is not installed: pip install virtme-ng, or 'video-shm[hil]'"]
    need(programs | dict(more or {}), path, no_vng)
    assert vng is not None
    return vng


def kvm_is_usable(device: str = "/dev/kvm") -> bool:
    """Return whether this user may create virtual machines with KVM."""
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if fcntl.ioctl(descriptor, _KVM_GET_API_VERSION) != _KVM_API_VERSION:
            return False
        os.close(fcntl.ioctl(descriptor, _KVM_CREATE_VM, 0))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def quoted_paths_are_plain(paths: Sequence[Path]) -> None:
    """Check the paths, which vng and the kernel's command line take unquoted. Raises VmUnavailable if not plain."""
    for path in paths:
        if not all(letter.isalnum() or letter in "/._+-~:" for letter in str(path)):
            raise VmUnavailable(
                f"{path}: paths in the virtual machine may have only letters, digits and /._+-~: in them; move it"
            )
