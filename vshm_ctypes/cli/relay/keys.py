# SPDX-License-Identifier: Apache-2.0
"""How things are named on the network: vshm/1/BOARD/RING/RUN/WHAT, with BOARD and RING percent-encoded.

RUN is chosen at random each time an exporter finds a writer, so that two exporters of the same name, or two epochs of
one ring, never mix. Names come from strangers: each is checked before it is used, or printed.
"""

from __future__ import annotations

import re
import secrets
import socket
from typing import NamedTuple
from urllib.parse import quote, unquote

from ...printable import printable
from ...rings import ring_name

WIRE_VERSION = 1
ROOT = "vshm"
LONGEST_BOARD = 64
_RUN = re.compile(r"[0-9a-f]{16}")


class Source(NamedTuple):
    """A ring of a board.

    Attributes:
        board: name of the board.
        ring: name of the ring, with its slash.
    """

    board: str
    ring: str

    def __str__(self) -> str:
        return f"{self.board}{self.ring}"


def board_name(text: str | None = None) -> str:
    """Return the board's name after a check; None: this host's. Raises ValueError."""
    name = socket.gethostname().partition(".")[0] if text is None else text
    if not name or not name.isprintable() or len(name.encode()) > LONGEST_BOARD or "/" in name:
        told = f"{name!r}: not a board's name: up to {LONGEST_BOARD} bytes that can be printed, without a slash"
        raise ValueError(f"{told}; this machine's own is that: choose one by --board NAME" if text is None else told)
    return name


def source_of(text: str) -> Source:
    """Parse BOARD/RING, where RING may be a channel number. Raises ValueError."""
    board, slash, ring = text.partition("/")
    if not slash:
        raise ValueError(f"{text}: not BOARD/RING; vshm relay list shows what is exported")
    return exportable(Source(board_name(board), ring_name(ring)))


def exportable(source: Source) -> Source:
    """Return a source that has a name which goes over a network. Raises ValueError if it has none."""
    if not source.ring.isprintable():
        told = "only rings with printable names in UTF-8 go over a network"
        raise ValueError(f"{printable(source.ring)}: {told}")
    return source


class Export(NamedTuple):
    """One run of an exported ring, as long as its writer lives.

    Attributes:
        source: which ring.
        run: 16 hexadecimal digits, chosen at random.
    """

    source: Source
    run: str

    @classmethod
    def new(cls, source: Source) -> Export:
        """Return a new run of that ring."""
        return cls(source, secrets.token_hex(8))

    def key(self, what: str) -> str:
        """Return the key of alive, unit, about, gop, clock, or heard/ID."""
        return f"{_prefix(self.source)}/{self.run}/{what}"

    @classmethod
    def of(cls, key: str) -> Export:
        """Parse a stranger's key. Raises ValueError."""
        parts = key.split("/")
        if len(parts) < 6 or parts[:2] != [ROOT, str(WIRE_VERSION)] or not _RUN.fullmatch(parts[4]):
            raise ValueError("not a key of this version of vshm relay")
        source = source_of(f"{unquote(parts[2], errors='strict')}/{unquote(parts[3], errors='strict')}")
        export = cls(source, parts[4])
        if not key.startswith(export.key("")):  # one name has one spelling
            raise ValueError("not a key of this version of vshm relay")
        return export


def _prefix(source: Source) -> str:
    names = "/".join(quote(name, safe="") for name in (source.board, source.ring[1:]))
    return f"{ROOT}/{WIRE_VERSION}/{names}"


def any_export(source: Source | None = None) -> str:
    """Return the expression of the tokens of all exports, or of all runs of one ring."""
    return f"{_prefix(source)}/*/alive" if source is not None else f"{ROOT}/{WIRE_VERSION}/*/*/*/alive"
