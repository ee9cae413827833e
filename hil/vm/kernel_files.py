# SPDX-License-Identifier: Apache-2.0
"""The kernels that lie in a file system, with their modules, and whether a virtual machine can use them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

NEEDED = frozenset({"vivid", "9p", "9pnet_virtio", "virtio_pci", "virtio_console", "overlay"})
NEEDED_FOR_USB = frozenset({"vhci_hcd", "uvcvideo"})
_MODULE = re.compile(r"(?:^|/)([^/]+)\.ko(?:\.\w+)?:?(?:\s|$)", re.MULTILINE)
# For --help of those who boot one.
KERNEL = "Linux VERSION (6.12, 7.x, 6.1.0-50-amd64, ...), fetched from Debian if not here (default: the newest here)"
_WANTED = re.compile(r"\d[\w.+~-]*")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel. image: what the emulator boots. modules: the folder of its version."""

    image: Path
    modules: Path

    @property
    def version(self) -> str:
        """The version, as uname -r prints it."""
        return self.modules.name

    @property
    def lacks(self) -> frozenset[str]:
        """The modules that the virtual machine needs, and this kernel has neither built in nor in its folder."""
        return NEEDED - self._modules_there()

    @property
    def lacks_for_usb(self) -> frozenset[str]:
        """The modules that USB cameras of our own need, and this kernel does not have."""
        return NEEDED_FOR_USB - self._modules_there()

    def _modules_there(self) -> frozenset[str]:
        names: set[str] = set()
        for listing in ("modules.dep", "modules.builtin"):
            path = self.modules / listing
            if path.is_file():
                lines = (line.partition(":")[0] for line in path.read_text(errors="replace").splitlines())
                names |= {match[1].replace("-", "_") for line in lines if (match := _MODULE.search(line))}
        return frozenset(names)


def wanted_version(words: str) -> str:
    """Return the version that is meant: 6.1, 6.12.107, 7 or 7.x, or one as uname -r prints it. Raises ValueError."""
    version = words.removesuffix(".x")
    if not _WANTED.fullmatch(version):
        raise ValueError(f"--kernel {words}: like 6.12, 7.x, 6.12.107 or 6.1.0-50-amd64")
    return version


def is_meant(version: str, *names: str) -> bool:
    """Return whether a version is meant by one of a kernel's names: 6.1 by 6.1.0-50-amd64, not by 6.12. "" is any."""
    return not version or any(re.match(rf"{re.escape(version)}(?!\d)", name) is not None for name in names)


def by_version(name: str) -> list[tuple[int, str]]:
    """Return a sort key, by which 6.9 comes before 6.12."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def image_of(root: Path, modules: Path) -> Path | None:
    """Return the readable image that belongs to a folder of modules in a file system, or None if there is none."""
    places = (root / "boot" / f"vmlinuz-{modules.name}", modules / "vmlinuz")
    return next((image for image in places if os.access(image, os.R_OK)), None)


def kernels_below(root: Path) -> list[Kernel]:
    """Return the usable kernels, the newest first."""
    found = []
    folders = {path.name: path for base in ("usr/lib", "lib") for path in (root / base / "modules").glob("*")}
    for name in sorted(folders, key=by_version, reverse=True):
        image = image_of(root, folders[name])
        if image is not None and not Kernel(image, folders[name]).lacks:
            found.append(Kernel(image, folders[name]))
    return found
