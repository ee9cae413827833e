# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels of every series, from its stable, security and backports archives, beside this machine's own apt.

apt gets sources and lists of its own for this in the cache; it checks the signatures, and takes the mirror and the
proxy that this machine uses.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import VmUnavailable
from .kernel_files import by_version, is_meant
from .kernel_packages import PREFIX, Apt

# By apt's label of an archive.
SUITES = {
    "Debian": ("oldstable", "oldstable-backports", "stable", "stable-backports"),
    "Debian-Security": ("oldstable-security", "stable-security"),
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Only what ends with the architecture is the plain kernel: no -rt-, -cloud-, -unsigned; and no metapackage.
_PLAIN = r"linux-image-\d+(?:\.\d+)+(?:\+[\w.]+|-\d[\w.]*)-{architecture}"


@dataclass(frozen=True, slots=True)
class Offer:
    """A kernel in an archive. image: the name of its package. version: of the package. suite: where it is."""

    image: str
    version: str
    suite: str

    @property
    def release(self) -> str:
        """The kernel's version, as uname -r prints it."""
        return self.image.removeprefix(PREFIX)

    @property
    def upstream(self) -> str:
        """The version of Linux, as in 6.1.176; the release of older ones does not tell the last number."""
        return self.version.rpartition(":")[2].rpartition("-")[0]

    @property
    def series(self) -> str:
        """The first two numbers of the version."""
        return ".".join(self.upstream.split(".")[:2])


def offers_in(table: str, architecture: str) -> list[Offer]:
    """Return the plain kernels, the newest first.

    table: what apt-cache madison printed: package, version and source, with bars between.
    """
    plain = re.compile(_PLAIN.format(architecture=re.escape(architecture)))
    found = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 3 and plain.fullmatch(cells[0]):
            place = re.search(r"\s(\S+)/", cells[2])  # of: address suite/component architecture Packages
            found.append(Offer(cells[0], cells[1], place[1] if place else ""))
    return sorted(found, key=lambda offer: by_version(offer.version), reverse=True)


def chosen(offers: Sequence[Offer], version: str) -> Offer:
    """Return the newest kernel of that version, as is_meant() takes it. Raises VmUnavailable, with what there is."""
    for offer in offers:
        if is_meant(version, offer.release, offer.upstream):
            return offer
    newest = [next(group) for _, group in itertools.groupby(offers, key=lambda offer: offer.series)]
    have = ", ".join(f"{offer.upstream} ({offer.suite})" for offer in newest)
    raise VmUnavailable(f"Debian's archives have no Linux {version}; of each series they have {have}")


def mirrors_in(targets: str) -> dict[str, str]:
    """Return the address of each archive of Debian that this machine's apt has, by its label.

    targets: a line for each list that this machine's apt has: origin, label and address, with bars between.
    """
    own: dict[str, str] = {}
    for line in targets.splitlines():
        cells = line.split("|")
        if len(cells) == 3 and cells[0] == "Debian" and cells[1] in SUITES:
            own.setdefault(cells[1], cells[2].rstrip("/"))
    return own


def source_lines(mirrors: dict[str, str], architecture: str) -> Iterable[str]:
    """Yield apt's lines for all suites of these archives."""
    for label, address in mirrors.items():
        for suite in SUITES[label]:
            yield f"deb [arch={architecture} signed-by={KEYRING}] {address} {suite} main"


def archives(folder: Path, architecture: str) -> Apt:
    """Return an apt that has the kernels of all archives, up to date where they can be reached. Raises VmUnavailable.

    folder: where its lists are kept.
    """
    if not KEYRING.exists():
        raise VmUnavailable("the keys of Debian's archives are missing: apt-get install debian-archive-keyring")
    targets = Apt().run("apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages")
    mirrors = mirrors_in(targets)
    if not mirrors:
        raise VmUnavailable("apt knows no mirror of Debian here: install such a kernel, or run this on Debian")
    sources = folder / "sources.list"
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sources.write_text("".join(f"{line}\n" for line in source_lines(mirrors, architecture)))
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "root",  # root's cache is closed to apt's own account
    }
    apt = Apt(tuple(f"-o{name}={value}" for name, value in settings.items()))
    apt.run("apt-get", "update")
    return apt


def offers(apt: Apt, architecture: str) -> list[Offer]:
    """Return the kernels of the archives, the newest first. Raises VmUnavailable if there are none."""
    names = re.findall(r"^(\S+) - ", apt.run("apt-cache", "search", "--names-only", rf"^{PREFIX}[0-9]"), re.MULTILINE)
    found = offers_in(apt.run("apt-cache", "madison", *names), architecture) if names else []
    if not found:
        raise VmUnavailable(f"no kernel of {architecture} in Debian's archives: can its mirror be reached?")
    return found
