# SPDX-License-Identifier: Apache-2.0
"""Finds a kernel with vivid: an installed one, else one of Debian's, which is downloaded once and cached."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import VmUnavailable
from .kernel_archives import KEYRING, archives, chosen, offers
from .kernel_files import Kernel, by_version, is_meant, kernels_below
from .kernel_packages import PROGRAMS, Apt, fetch, need_debian, newest_package
from .programs import find_vng
from .system import System

DEFAULT = "kernels"  # in the cache: what is booted where no version is asked for
ASKED = "kernels-asked-for"  # by --kernel: what is booted otherwise stays the same
LISTS = "apt"


def cache_folder() -> Path:
    """Return the folder of cached kernels."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "video-shm"


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
    """Hold a lock, so that a second process waits and finds what the first one downloaded."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _cached(cache: Path, folder: str, version: str) -> Iterator[Kernel]:
    """Yield the cached kernels that are meant, the newest first."""
    for kept in sorted((cache / folder).glob("*"), key=lambda path: by_version(path.name), reverse=True):
        for kernel in kernels_below(kept):
            if is_meant(version, kernel.version):
                yield kernel


def find_kernel(
    say: Callable[[str], None] = lambda text: None,
    cache: Path | None = None,
    root: Path = Path("/"),
    version: str = "",
) -> Kernel:
    """Return the running kernel if usable, else another installed one, a cached one, or Debian's. Raises VmUnavailable.

    say: is called with what takes long. cache: folder of kernels. root: where installed ones are searched for.
    version: only a kernel of that version, as is_meant() takes it, from Debian's archives if there is none here.
    """
    cache = cache or cache_folder()
    kernel = _installed(root, version)
    if kernel is not None:
        return kernel
    if version:
        return _asked_for(cache, version, say)
    with _only_one(cache):
        for kernel in _cached(cache, DEFAULT, ""):
            return kernel
        name = newest_package()
        say(f"fetching {name}, once; it is kept in {cache}")
        return fetch(Apt(), name, cache / DEFAULT / name)


def _installed(root: Path, version: str) -> Kernel | None:
    """Return the running kernel if it is meant, else another installed one that is."""
    installed = [kernel for kernel in kernels_below(root) if is_meant(version, kernel.version)]
    running = [kernel for kernel in installed if kernel.version == os.uname().release]
    return next(iter(running or installed), None)


def _need_all(cache: Path, root: Path, version: str) -> None:
    """Check for all that a machine needs here, and for what its kernel is fetched with if there is none.

    Raises VmUnavailable, which names all that is missing, so that nobody waits for a download in vain.
    """
    folders = (ASKED, DEFAULT) if version else (DEFAULT,)
    is_here = _installed(root, version) or any(True for folder in folders for _ in _cached(cache, folder, version))
    keys = {str(KEYRING): "debian-archive-keyring"} if version else {}
    find_vng(more={} if is_here else PROGRAMS | keys)


def _asked_for(cache: Path, version: str, say: Callable[[str], None]) -> Kernel:
    """Return a kernel of that version from the cache, else from Debian's archives. Raises VmUnavailable."""
    with _only_one(cache):
        for folder in (ASKED, DEFAULT):
            for kernel in _cached(cache, folder, version):
                return kernel
        architecture = need_debian()
        say("reading the lists of Debian's archives")
        apt = archives(cache / LISTS, architecture)
        offer = chosen(offers(apt, architecture), version)
        for folder in (ASKED, DEFAULT):  # the version that was meant is not always part of the name
            for kernel in kernels_below(cache / folder / offer.image):
                return kernel
        say(f"fetching {offer.image} from {offer.suite}, once; it is kept in {cache}")
        return fetch(apt, offer.image, cache / ASKED / offer.image, offer.version)


def kernel_for(system: System | None, say: Callable[[str], None] = lambda text: None, version: str = "") -> Kernel:
    """Return a kernel for this machine, from find_kernel(), or for another system: the one that it has.

    version: as for find_kernel(). Raises VmUnavailable.
    """
    if system is None:
        _need_all(cache_folder(), Path("/"), version)
        return find_kernel(say, version=version)
    kernels = kernels_below(system.root)
    for kernel in kernels:
        if is_meant(version, kernel.version):
            return kernel
    if kernels:
        raise VmUnavailable(f"{system.root} has Linux {kernels[0].version}, and no {version}: its modules lie there")
    raise VmUnavailable(f"{system.root} has no kernel with vivid: ci/hil --arch {system.architecture} installs one")
