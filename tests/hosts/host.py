# SPDX-License-Identifier: Apache-2.0
"""What a host is: a name, a sentence, and how a command is made to run on it; two hosts together are one again."""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .terminal import on_terminal

ROOT = Path(__file__).resolve().parent.parent.parent
PROVED_AFTER_S = 60


@dataclass(frozen=True)
class Host:
    """A strange host, for one command.

    of: what is strange about it: two hosts that are strange in the same respect do not go together. namespaces:
    options of unshare, as root. prepare: commands of a shell in these. unprivileged: whether the command runs as a
    user of no name, no group and no other processes. before: words before the command. closed: descriptors that it is
    started without. environment: variables that are set; None: that are not. preload: makes a library that the dynamic
    linker puts before the C library. terminal: whether its standard streams are to be a terminal. opened: whether
    every user there can read this Python and the project. made_of: the names of the hosts that were put together;
    empty: it is one.
    """

    name: str
    what: str
    of: frozenset[str] = frozenset()
    namespaces: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    unprivileged: bool = False
    before: tuple[str, ...] = ()
    closed: frozenset[int] = frozenset()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    preload: Callable[[], Path] | None = None
    terminal: bool = False
    opened: bool = False
    made_of: frozenset[str] = frozenset()

    def __or__(self, other: Host) -> Host:
        """Return a host that is both at once. Raises ValueError if they are unusual in the same respect."""
        if not self.goes_with(other):
            raise ValueError(f"{self.name} and {other.name} do not go together")
        return Host(
            name=f"{self.name}, {other.name}",
            what=f"{self.what}; {other.what}",
            of=self.of | other.of,
            namespaces=tuple(dict.fromkeys(self.namespaces + other.namespaces)),
            prepare=self.prepare + other.prepare,
            unprivileged=self.unprivileged or other.unprivileged,
            before=self.before + other.before,
            closed=self.closed | other.closed,
            environment={**self.environment, **other.environment},
            preload=self.preload or other.preload,
            terminal=self.terminal or other.terminal,
            opened=self.opened or other.opened,
            made_of=self.parts | other.parts,
        )

    def goes_with(self, other: Host) -> bool:
        """Whether there can be a host that is both."""
        return not self.of & other.of

    @property
    def parts(self) -> frozenset[str]:
        """The names of the hosts that it is made of."""
        return self.made_of or frozenset({self.name})

    @property
    def needs_root(self) -> bool:
        return bool(self.namespaces or self.prepare or self.unprivileged or self.opened)

    def command(self, *words: str) -> list[str]:
        """Return the command as one that runs on this host. Signals reach it through its process group."""
        variables = dict(self.environment)
        if self.preload is not None:
            variables["LD_PRELOAD"] = str(self.preload())
        last = ["exec"]
        if self.unprivileged:
            # A user whom nobody else is, so that limits of a user's processes count this one alone.
            last += ["setpriv", '--reuid="$((200000 + $$))"', '--regid="$((200000 + $$))"', "--clear-groups"]
        last += map(shlex.quote, self.before)
        if variables:
            unset = [word for name, value in variables.items() if value is None for word in ("-u", name)]
            last += ["env", *unset, *(shlex.quote(f"{name}={value}") for name, value in variables.items() if value)]
        last += ['"$@"', *(f"{number}>&-" for number in sorted(self.closed))]
        prepare = (*_open_to_all(), *self.prepare) if self.unprivileged or self.opened else self.prepare
        script = " && ".join((*prepare, " ".join(last)))
        private = ["unshare", "--mount", "--propagation", "private"] if self.needs_root else []
        return [*private, *self.namespaces, "sh", "-c", script, "sh", *words]

    @functools.cached_property
    def missing(self) -> str:
        """Why there can't be such a host here, and what to do; empty: there can."""
        if self.needs_root and os.geteuid() != 0:
            return f"{self.name}: needs root, for namespaces and mounts"
        try:
            done = subprocess.run(
                self.command("true"), capture_output=True, text=True, timeout=PROVED_AFTER_S, check=False
            )
        except FileNotFoundError as error:
            told = error.strerror if "apt-get" in str(error.strerror) else "apt-get install util-linux"
            return f"{self.name}: {error.filename} is not here: {told}"
        return f"{self.name}: can't be made here: {done.stderr.strip()}" if done.returncode else ""


PLAIN = Host("plain", "a host like any other")


def _open_to_all() -> list[str]:
    """Return commands that open the folders of this Python and of the project to every user."""
    commands: list[str] = []
    wanted = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT}
    for folder in sorted(wanted):
        shut = next((up for up in reversed(folder.parents) if not up.stat().st_mode & 0o001), None)
        if shut is None:
            continue
        kept, covered, back = shlex.quote(str(folder)), shlex.quote(str(shut)), "/proc/self/fd/9"
        commands += [
            f"exec 9<{kept}",
            f"mount -t tmpfs -o mode=755 tmpfs {covered}",
            f"mkdir -p {kept}",
            f"mount --no-canonicalize --bind {back} {kept}",
            "exec 9<&-",
        ]
    return commands


def require(host: Host) -> Host:
    """Skip the test if the host can't be made."""
    if host.missing:
        pytest.skip(host.missing)
    return host


def on(host: Host, *words: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run a command on a host, to its end; what a terminal shows is its stdout. Skips where the host can't be made."""
    command = require(host).command(*words)
    if host.terminal:
        code, shown = on_terminal(command)
        return subprocess.CompletedProcess(command, code, shown, "")
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
