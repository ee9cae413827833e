# SPDX-License-Identifier: Apache-2.0
"""The files that the guest's command sees: this machine's, or another system's, each fetched once and then cached.

vng's own mounts ask the host at each access: starting Python took 1.4 s on an emulated machine there, and 0.3 s here.
None of these files changes while the machine runs; the results do, and vng shares those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

ROOT = Path("/run/host")
CHANGES = "/run/host-changes"  # in the guest's memory
MODULES = "/lib/modules"  # of the guest's kernel, as vng mounts them
WRITABLE = ("etc", "home", "opt", "srv", "tmp", "usr", "var")  # what is written there is lost afterwards
OPTIONS = "ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose"
# By uname -m. Without a bus, the guest's kernel finds the emulated board's devices directly.
DEVICES = {"x86_64": "virtio-9p-pci", "aarch64": "virtio-9p-device"}


@dataclass(frozen=True, slots=True)
class HostFiles:
    """The files for the guest. cwd: where commands start.

    folders: read-only, on the host, by their path in the guest, outer ones first. results: the path of vng's writable
    folder in the guest.
    """

    folders: Mapping[Path, Path]
    results: Path
    cwd: Path

    def device_words(self, machine: str) -> list[str]:
        """Return arguments for the emulator. machine: as uname -m prints it."""
        words = []
        for tag, _, folder in self._tagged():
            words += ["-fsdev", f"local,id={tag},path={folder},security_model=none,readonly=on,multidevs=remap"]
            words += ["-device", f"{DEVICES[machine]},fsdev={tag},mount_tag={tag}"]
        return words

    def mount_lines(self) -> list[str]:
        """Return the shell commands that mount ROOT, each of which fails with a non-zero code."""
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
        """Return a shell command that runs the given one with ROOT as its root."""
        return f"chroot {ROOT} env --chdir={quote(str(self.cwd))} {command}"

    def _tagged(self) -> Iterator[tuple[str, Path, Path]]:
        """Yield (the mount tag, the path in the guest, the path on the host)."""
        for number, (there, folder) in enumerate(self.folders.items()):
            yield f"host{number}", there, folder


def _in_root(path: Path) -> str:
    """Return the path below ROOT, quoted for a shell."""
    return quote(str(ROOT / path.relative_to("/")))
