# SPDX-License-Identifier: Apache-2.0
"""The files that the guest's command sees: this machine's, or another system's, each fetched once and then kept.

What vng itself mounts asks the host again at every look at a file: starting Python took 1.4 s of an emulated machine
there, 0.3 s here. None of these files changes while the machine runs; what does is the results, which vng shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

ROOT = Path("/run/host")
CHANGES = "/run/host-changes"  # in the guest's memory
MODULES = "/lib/modules"  # of the guest's kernel, where vng has put them
WRITABLE = ("etc", "home", "opt", "srv", "tmp", "usr", "var")  # what is written there is gone afterwards
OPTIONS = "ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose"
# By uname -m: without a bus, where the guest's kernel finds the emulated board's devices without it.
DEVICES = {"x86_64": "virtio-9p-pci", "aarch64": "virtio-9p-device"}


def device_words(folders: Mapping[Path, Path], machine: str) -> list[str]:
    """For the emulator. folders: on the host, by where they are in ROOT; only read. machine: as uname -m says."""
    words = []
    for tag, folder in zip(_tags(folders), folders.values(), strict=True):
        words += ["-fsdev", f"local,id={tag},path={folder},security_model=none,readonly=on,multidevs=remap"]
        words += ["-device", f"{DEVICES[machine]},fsdev={tag},mount_tag={tag}"]
    return words


def mount_lines(folders: Mapping[Path, Path], results: Path) -> list[str]:
    """Shell commands that make ROOT, each with a code that is not 0 where it can't.

    folders: as device_words has them, the outer ones first. results: vng's, which stay what they are.
    """
    lines = [f"mkdir {ROOT} {CHANGES}"]
    for tag, inside in zip(_tags(folders), folders, strict=True):
        lines.append(f"mount -t 9p -o {OPTIONS} {tag} {quote(_in_root(inside))}")
    for name in WRITABLE:
        there, upper, work = f"{ROOT}/{name}", f"{CHANGES}/{name}", f"{CHANGES}/{name}.work"
        overlay = f"mount -t overlay -o lowerdir={there},upperdir={upper},workdir={work} overlay {there}"
        lines.append(f"if [ -d {there} ]; then mkdir {upper} {work}; chmod --reference={there} {upper}; {overlay}; fi")
    lines += [f"mount --rbind /{name} {ROOT}/{name}" for name in ("dev", "proc", "sys")]
    lines += [f"mkdir -p {ROOT}/lib/modules", f"mount --bind {MODULES} {ROOT}/lib/modules"]
    lines += [f"mount --bind /run {ROOT}/run", f"mount --bind {quote(str(results))} {quote(_in_root(results))}"]
    return lines


def inside(command: str, cwd: Path) -> str:
    """A shell command that runs one with ROOT as its root."""
    return f"chroot {ROOT} env --chdir={quote(str(cwd))} {command}"


def _in_root(path: Path) -> str:
    return str(ROOT / path.relative_to("/"))


def _tags(folders: Mapping[Path, Path]) -> list[str]:
    return [f"host{number}" for number in range(len(folders))]
