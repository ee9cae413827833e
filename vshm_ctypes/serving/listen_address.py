# SPDX-License-Identifier: Apache-2.0
"""Explains why an address can't be listened on: who uses it, and which option chooses another."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import VideoShmError
from ..limits import explain
from ..processes import PROC, tell_program

_LISTENS = "0A"  # TCP_LISTEN in /proc/net/tcp


class ListenError(OSError):
    """The address can't be listened on."""


def _sockets(port: int) -> set[str]:
    """Return the sockets that listen on the port, on any address, as "socket:[inode]"."""
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "self/net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def _has(process: Path, sockets: set[str]) -> bool:
    try:
        return any(str(descriptor.readlink()) in sockets for descriptor in (process / "fd").iterdir())
    except OSError:  # it has ended, or belongs to another user
        return False


def port_holder(port: int) -> int | None:
    """Return the pid of a process that listens on the TCP port, or None if none can be seen."""
    sockets = _sockets(port)
    if not sockets:
        return None
    processes = (path for path in PROC.iterdir() if path.name.isdecimal())
    return next((int(process.name) for process in processes if _has(process, sockets)), None)


@contextmanager
def listening(host: str, port: int, option: str) -> Iterator[None]:
    """Turn an OSError of the block, which opens the address, into a ListenError. option chooses the address."""
    try:
        yield
    except VideoShmError:
        raise
    except OSError as error:
        raise ListenError(error.errno, _told(error, host, port, option)) from None


def _told(error: OSError, host: str, port: int, option: str) -> str:
    where = f"{f'[{host}]' if ':' in host else host}:{port}"
    if error.errno == errno.EADDRINUSE:
        holder = port_holder(port)
        who = tell_program(holder) if holder is not None else "another process, which this user may not see,"
        return f"{where}: {who} listens there already: choose another port with {option}, or stop it"
    if error.errno == errno.EACCES:
        return f"{where}: this user may not listen there: choose a port above 1023 with {option}"
    if isinstance(error, socket.gaierror):
        return f"{where}: no such host ({error.strerror}): name an address of this machine with {option}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{where}: no address of this machine: ip address lists them; choose one with {option}"
    if limit := explain(error):
        return f"{where}: {limit}"
    return f"{where}: {os.strerror(error.errno) if error.errno else error}: choose another one with {option}"
