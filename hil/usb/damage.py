# SPDX-License-Identifier: Apache-2.0
"""What the faults do to a picture: to its bytes first, then to its payloads on their way."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from . import payloads
from .faults import Faults
from .usbip import Packet

_WRONG_BYTES = 200
_TINY = b"\xff"
# By the first byte of a NAL unit's header.
_IS_SLICE: dict[str, Callable[[int], bool]] = {
    "H264": lambda header: header & 0x1F in (1, 5),
    "HEVC": lambda header: header >> 1 & 0x3F < 32,
}
_FEWEST = 3  # payloads: one in the middle has a neighbour on either side


class Damage(NamedTuple):
    """The parts that a picture is sent as, each a picture for the driver, and the faults that it suffered."""

    parts: list[bytes]
    what: list[str]


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _wrong(data: bytes) -> bytes:
    """Return the data with bytes in the middle inverted, none of which is then a marker of JPEG that was not there."""
    begin = max(len(data) // 2 - _WRONG_BYTES // 2, 0)
    wrong = bytes((byte ^ 0x55) & 0x7F for byte in data[begin : begin + _WRONG_BYTES])
    return data[:begin] + wrong + data[begin + len(wrong) :]


_OF_BYTES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": _half,
    "damaged": _wrong,
    "empty": lambda data: b"",
    "tiny": lambda data: _TINY,
}


def damage_bytes(data: bytes, faults: Faults, slices_of: str = "") -> Damage:
    """Return what is sent of a picture. slices_of: its format, where each slice of it is a part."""
    what = []
    for name, change in _OF_BYTES.items():
        if faults.take(name):
            data = change(data)
            what.append(name)
    if len(data) > 1 and faults.take("halves"):
        return Damage([_half(data), data[len(data) // 2 :]], [*what, "halves"])
    return Damage(by_slice(data, slices_of) if slices_of else [data], what)


def by_slice(data: bytes, fourcc: str) -> list[bytes]:
    """Return a picture of H.264 or H.265 in pieces, cut before each slice but the first."""
    cuts = [start for start, header in _nal_units(data) if _IS_SLICE[fourcc](header)][1:]
    edges = [0, *cuts, len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def _nal_units(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (where its start code begins, the first byte of its header) of each NAL unit."""
    at = 0
    while 0 <= (at := data.find(b"\0\0\1", at)) < len(data) - 3:
        yield (at - 1 if at and data[at - 1] == 0 else at), data[at + 3]
        at += 3


def damage_payloads(plain: list[bytes], faults: Faults, bulk: bool) -> tuple[list[Packet], list[str]]:
    """Return (the packets of a picture, the faults that they suffered). A fault waits for a picture that is long enough
    for it."""
    packets = [Packet(payload) for payload in plain]
    what = []
    middle = len(packets) // 2
    if faults.take("error-bit"):
        packets[middle] = Packet(payloads.with_bits(packets[middle].data, add=payloads.ERROR))
        what.append("error-bit")
    if faults.take("bad-header"):
        packets[middle] = Packet(b"\xff" + packets[middle].data[1:_WRONG_BYTES])
        what.append("bad-header")
    if faults.take("no-end"):
        packets[-1] = Packet(payloads.with_bits(packets[-1].data, remove=payloads.END))
        what.append("no-end")
    if len(packets) >= _FEWEST:
        if not bulk and faults.take("lost-packet"):
            packets[middle] = Packet(b"", -errno.EXDEV)
            what.append("lost-packet")
        if faults.take("hole"):
            del packets[middle]
            what.append("hole")
        if faults.take("lost-end"):
            del packets[len(packets) // 2 :]
            what.append("lost-end")
    return packets, what
