# SPDX-License-Identifier: Apache-2.0
"""Sockets that a sandbox refuses, as systemd's RestrictAddressFamilies= does: told before somebody waits for them."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from functools import partial

INTERNET = (socket.AF_INET, socket.AF_INET6)
_REFUSED = {errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES, errno.ENOSYS}


def require_sockets(what: str, *families: socket.AddressFamily) -> None:
    """Raise OSError, which says what needs them and how to allow them, if sockets of none of the families are allowed.

    Also if no descriptor is left.
    """
    _require(
        what, " or ".join(family.name for family in families), *(partial(_open_one, family) for family in families)
    )


def require_pair(what: str) -> None:
    """Do the same for a pair of connected sockets, which systemd does not forbid, but other sandboxes do."""
    _require(what, "AF_UNIX", _open_pair)


def _require(what: str, names: str, *ways: Callable[[], None]) -> None:
    refused = 0
    for way in ways:
        try:
            way()
            return
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
            refused = error.errno or 0
    told = f"{what} needs sockets of {names}, which a sandbox refuses: allow them (systemd: RestrictAddressFamilies=)"
    raise OSError(refused, f"{told}: {os.strerror(refused)}")


def _open_one(family: socket.AddressFamily) -> None:
    socket.socket(family).close()


def _open_pair() -> None:
    for one in socket.socketpair():
        one.close()
