# SPDX-License-Identifier: Apache-2.0
"""Kernels as Debian packages: which packages one consists of, and how it gets from apt into a folder."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vshm_ctypes.commandline.ending import held

from ..processes.command import CommandError, output_of
from .errors import VmUnavailable
from .kernel_files import Kernel, image_of
from .programs import need, search_path

# By dpkg's name of the architecture: the package that depends on the newest kernel.
NEWEST = {"amd64": "linux-image-amd64", "arm64": "linux-image-arm64"}
PREFIX = "linux-image-"
PROGRAMS = {"dpkg": "dpkg", "apt-get": "apt", "apt-cache": "apt", "depmod": "kmod"}  # with the package of each
FETCH_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Apt:
    """apt's programs. options: say where its packages come from; without any, from where this machine's do."""

    options: tuple[str, ...] = ()

    def run(self, program: str, *words: str, folder: Path | None = None) -> str:
        """Return what the program printed. Raises VmUnavailable."""
        return run_here(program, *self.options, *words, folder=folder)

    def parts_of(self, image: str) -> list[str]:
        """Return the packages of the kernel whose package has that name. Raises VmUnavailable.

        From Linux 6.19 on linux-image-RELEASE is empty, and linux-binary-RELEASE and linux-modules-RELEASE have all.
        """
        release = re.escape(image.removeprefix(PREFIX))
        found = re.findall(rf"^\s*Depends: (linux-\w+-{release})$", self.run("apt-cache", "depends", image), re.M)
        return [image, *dict.fromkeys(found)]


def run_here(*words: str, folder: Path | None = None) -> str:
    """Return what a program of this machine printed. Raises VmUnavailable."""
    try:
        return output_of(words, FETCH_TIMEOUT_S, {"PATH": search_path(), "LC_ALL": "C"}, folder)
    except CommandError as error:
        raise VmUnavailable(f"{error}; is this Debian, and was apt-get update run?") from None


def need_debian() -> str:
    """Return dpkg's name of this machine's architecture. Raises VmUnavailable if its programs are not all there."""
    need(PROGRAMS, search_path())
    return run_here("dpkg", "--print-architecture").strip()


def newest_package() -> str:
    """Return the name of Debian's newest kernel package for this machine. Raises VmUnavailable."""
    architecture = need_debian()
    meta = NEWEST.get(architecture)
    if meta is None:
        raise VmUnavailable(f"no kernel package is known for {architecture}: install a kernel with vivid")
    match = re.search(r"^\s*Depends: (linux-image-\S+)", Apt().run("apt-cache", "depends", meta), re.MULTILINE)
    if match is None:
        advice = "run apt-get update, or install a kernel with vivid (Ubuntu: linux-modules-extra-...)"
        raise VmUnavailable(f"apt knows no package behind {meta}: {advice}")
    return match[1]


def unpack(packages: Sequence[Path], into: Path) -> Kernel:
    """Unpack a kernel's packages into an empty folder. Raises VmUnavailable if vivid or another module is missing."""
    for package in packages:
        run_here("dpkg", "-x", str(package), str(into))
    names = ", ".join(package.name for package in packages)
    if not (into / "lib").exists():
        (into / "lib").symlink_to("usr/lib")  # where depmod and the emulator's helper search
    for modules in (into / "lib" / "modules").glob("*"):
        image = image_of(into, modules)
        if image is None:
            raise VmUnavailable(f"{names}: there is no vmlinuz in it")
        run_here("depmod", "-b", str(into), modules.name)
        kernel = Kernel(image, modules)
        if kernel.lacks:
            raise VmUnavailable(f"{names} has no {', '.join(sorted(kernel.lacks))}: install a kernel that has")
        return kernel
    raise VmUnavailable(f"{names}: there are no modules in it")


def fetch(apt: Apt, image: str, kept: Path, version: str = "") -> Kernel:
    """Download the packages of a kernel, and unpack them into a folder, which appears whole. Raises VmUnavailable.

    image: the name of its package. version: of that package, or "" for the newest. kept: the folder.
    """
    wanted = [f"{part}={version}" if version else part for part in apt.parts_of(image)]
    with held() as hold, tempfile.TemporaryDirectory(prefix="fetch-", dir=kept.parents[1]) as folder, hold.lifted():
        apt.run("apt-get", "download", *wanted, folder=Path(folder))
        root = Path(folder) / "root"
        root.mkdir()
        kernel = unpack(sorted(Path(folder).glob("*.deb")), root)
        kept.parent.mkdir(exist_ok=True)
        shutil.rmtree(kept, ignore_errors=True)
        root.rename(kept)
    return Kernel(*(kept / path.relative_to(root) for path in (kernel.image, kernel.modules)))
