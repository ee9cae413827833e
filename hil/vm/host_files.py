# SPDX-License-Identifier: Apache-2.0
"""The files that the guest's command sees: this machine's, or another system's, each fetched once and then kept.

What vng itself mounts asks the host again at every look at a file: starting Python took 1.4 s of an emulated machine
there, 0.3 s here. None of these files changes while the machine runs; what does is the results, which vng shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

ROOT = Path("/run/host")
CHANGES = "/run/host-changes"  # in the guest's memory
MODULES = "/lib/modules"  # of the guest's kernel, where vng has put them
WRITABLE = ("etc", "home", "opt", "srv", "tmp", "usr", "var")  # what is written there is gone afterwards
OPTIONS = "ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose"
# By uname -m: without a bus, where the guest's kernel finds the emulated board's devices without it.
DEVICES = {"x86_64": "virtio-9p-pci", "aarch64": "virtio-9p-device"}


@dataclass(frozen=True, slots=True)
class HostFiles:
    """folders: on the host, by where the guest has them, the outer ones first; only read. results: where the guest has
    those, of vng, which are written. cwd: where commands start.
    """

    folders: Mapping[Path, Path]
    results: Path
    cwd: Path

    def device_words(self, machine: str) -> list[str]:
        """For the emulator. machine: as uname -m says."""
        words = []
        for tag, _, folder in self._tagged():
            words += ["-fsdev", f"local,id={tag},path={folder},security_model=none,readonly=on,multidevs=remap"]
            words += ["-device", f"{DEVICES[machine]},fsdev={tag},mount_tag={tag}"]
        return words

    def mount_lines(self) -> list[str]:
        """Shell commands that make ROOT, each with a code that is not 0 where it can't."""
        lines = [f"mkdir {ROOT} {CHANGES}"]
        lines += [f"mount -t 9p -o {OPTIONS} {tag} {_in_root(there)}" for tag, there, _ in self._tagged()]
        for name in WRITABLE:
            there, upper, work = f"{ROOT}/{name}", f"{CHANGES}/{name}", f"{CHANGES}/{name}.work"
            overlay = f"mount -t overlay -o lowerdir={there},upperdir={upper},workdir={work} overlay {there}"
            make = f"mkdir {upper} {work}; chmod --reference={there} {upper}"
            lines.append(f"if [ -d {there} ]; then {make}; {overlay}; fi")
        lines += [f"mount --rbind /{name} {ROOT}/{name}" for name in ("dev", "proc", "sys")]
        lines += [f"mkdir -p {ROOT}/lib/modules", f"mount --bind {MODULES} {ROOT}/lib/modules"]
        lines += [f"mount --bind /run {ROOT}/run", f"mount --bind {quote(str(self.results))} {_in_root(self.results)}"]
        return lines

    def inside(self, command: str) -> str:
        """A shell command that runs one with ROOT as its root."""
        return f"chroot {ROOT} env --chdir={quote(str(self.cwd))} {command}"

    def _tagged(self) -> Iterator[tuple[str, Path, Path]]:
        """(how emulator and guest call it, where the guest has it, where the host has it)."""
        for number, (there, folder) in enumerate(self.folders.items()):
            yield f"host{number}", there, folder


def _in_root(path: Path) -> str:
    """For a shell."""
    return quote(str(ROOT / path.relative_to("/")))
