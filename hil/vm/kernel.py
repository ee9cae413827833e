# SPDX-License-Identifier: Apache-2.0
"""Finds a kernel with vivid: an installed one, else Debian's own, which is downloaded once and cached."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vshm_ctypes.commandline.ending import held

from ..processes.command import CommandError, output_of
from .errors import VmUnavailable
from .programs import need, search_path
from .system import System

# By dpkg's name of the architecture: the package that depends on the newest kernel.
NEWEST = {"amd64": "linux-image-amd64", "arm64": "linux-image-arm64"}
NEEDED = frozenset({"vivid", "9p", "9pnet_virtio", "virtio_pci", "virtio_console", "overlay"})
FETCH_TIMEOUT_S = 600
_MODULE = re.compile(r"(?:^|/)([^/]+)\.ko(?:\.\w+)?:?(?:\s|$)", re.MULTILINE)


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
        names: set[str] = set()
        for listing in ("modules.dep", "modules.builtin"):
            path = self.modules / listing
            if path.is_file():
                lines = (line.partition(":")[0] for line in path.read_text(errors="replace").splitlines())
                names |= {match[1].replace("-", "_") for line in lines if (match := _MODULE.search(line))}
        return NEEDED - names


def cache_folder() -> Path:
    """Return the folder of cached kernels."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "video-shm"


def _by_version(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def kernels_below(root: Path) -> list[Kernel]:
    """Return the usable kernels, the newest first."""
    found = []
    folders = {path.name: path for base in ("usr/lib", "lib") for path in (root / base / "modules").glob("*")}
    for name in sorted(folders, key=_by_version, reverse=True):
        for image in (root / "boot" / f"vmlinuz-{name}", folders[name] / "vmlinuz"):
            kernel = Kernel(image, folders[name])
            if os.access(image, os.R_OK) and not kernel.lacks:
                found.append(kernel)
                break
    return found


def _run(*words: str, folder: Path | None = None) -> str:
    try:
        return output_of(words, FETCH_TIMEOUT_S, {"PATH": search_path(), "LC_ALL": "C"}, folder)
    except CommandError as error:
        raise VmUnavailable(f"{error}; is this Debian, and was apt-get update run?") from None


def newest_package() -> str:
    """Return the name of Debian's newest kernel package for this machine. Raises VmUnavailable."""
    need({"dpkg": "dpkg", "apt-get": "apt", "apt-cache": "apt", "depmod": "kmod"}, search_path())
    architecture = _run("dpkg", "--print-architecture").strip()
    meta = NEWEST.get(architecture)
    if meta is None:
        raise VmUnavailable(f"no kernel package is known for {architecture}: install a kernel with vivid")
    match = re.search(r"^\s*Depends: (linux-image-\S+)", _run("apt-cache", "depends", meta), re.MULTILINE)
    if match is None:
        advice = "run apt-get update, or install a kernel with vivid (Ubuntu: linux-modules-extra-...)"
        raise VmUnavailable(f"apt knows no package behind {meta}: {advice}")
    return match[1]


def unpack(package: Path, into: Path) -> Kernel:
    """Unpack a kernel package into an empty folder. Raises VmUnavailable if vivid or another module is missing."""
    _run("dpkg", "-x", str(package), str(into))
    if not (into / "lib").exists():
        (into / "lib").symlink_to("usr/lib")  # where depmod and the emulator's helper search
    for modules in (into / "lib" / "modules").glob("*"):
        _run("depmod", "-b", str(into), modules.name)
        kernel = Kernel(into / "boot" / f"vmlinuz-{modules.name}", modules)
        if kernel.lacks:
            raise VmUnavailable(f"{package.name} has no {', '.join(sorted(kernel.lacks))}: install a kernel that has")
        return kernel
    raise VmUnavailable(f"{package.name}: there are no modules in it")


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
    """Hold a lock, so that a second process waits and finds what the first one downloaded."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetch(cache: Path, say: Callable[[str], None]) -> Kernel:
    """Download Debian's kernel into the cache. Raises VmUnavailable."""
    name = newest_package()
    say(f"fetching {name}, once; it is kept in {cache}")
    with held() as hold, tempfile.TemporaryDirectory(prefix="fetch-", dir=cache) as folder, hold.lifted():
        _run("apt-get", "download", name, folder=Path(folder))
        (package,) = Path(folder).glob("*.deb")
        root = Path(folder) / "root"
        root.mkdir()
        kernel = unpack(package, root)
        kept = cache / "kernels" / name
        kept.parent.mkdir(exist_ok=True)
        shutil.rmtree(kept, ignore_errors=True)
        root.rename(kept)
    return Kernel(*(kept / path.relative_to(root) for path in (kernel.image, kernel.modules)))


def find_kernel(
    say: Callable[[str], None] = lambda text: None, cache: Path | None = None, root: Path = Path("/")
) -> Kernel:
    """Return the running kernel if usable, else another installed one, a cached one, or Debian's. Raises VmUnavailable.

    say: is called with what takes long. cache: folder of kernels. root: where installed ones are searched for.
    """
    cache = cache or cache_folder()
    installed = kernels_below(root)
    for kernel in installed:
        if kernel.version == os.uname().release:
            return kernel
    if installed:
        return installed[0]
    with _only_one(cache):
        for folder in sorted((cache / "kernels").glob("*"), key=lambda path: _by_version(path.name), reverse=True):
            for kernel in kernels_below(folder):
                return kernel
        return fetch(cache, say)


def kernel_for(system: System | None, say: Callable[[str], None] = lambda text: None) -> Kernel:
    """Return a kernel for this machine, from find_kernel(), or the one that another system has.

    Raises VmUnavailable.
    """
    if system is None:
        return find_kernel(say)
    for kernel in kernels_below(system.root):
        return kernel
    raise VmUnavailable(f"{system.root} has no kernel with vivid: ci/hil --arch {system.architecture} installs one")
