# SPDX-License-Identifier: Apache-2.0
"""Reads the bits of a NAL unit: ITU-T H.264 clauses 7.2 and 9.1, H.265 clauses 7.2 and 9.2."""

from __future__ import annotations

from .errors import StreamError

_MAX_ZEROS = 32  # leading zeros of the longest Exp-Golomb code in either standard


def unescaped(nal: bytes) -> bytes:
    """Return a NAL unit without the bytes that keep start codes out of it (emulation_prevention_three_byte)."""
    return nal.replace(b"\0\0\3", b"\0\0")


class Bits:
    """Reads the bits of a NAL unit from its first byte on. Every method raises StreamError at its end."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, nal: bytes) -> None:
        self._data = unescaped(nal)
        self._at, self._end = 0, len(self._data) * 8

    def u(self, count: int) -> int:
        """Read an unsigned number of count bits."""
        at, end = self._at, self._at + count
        if end > self._end:
            raise StreamError("a NAL unit that is cut off")
        self._at = end
        return int.from_bytes(self._data[at >> 3 : (end + 7) >> 3], "big") >> (-end & 7) & ((1 << count) - 1)

    def flag(self) -> bool:
        """Read one bit."""
        return self.u(1) == 1

    def skip(self, count: int) -> None:
        """Skip count bits."""
        if self._at + count > self._end:
            raise StreamError("a NAL unit that is cut off")
        self._at += count

    def ue(self) -> int:
        """Read an unsigned Exp-Golomb code."""
        first, inside = self._at >> 3, self._at & 7
        window = int.from_bytes(self._data[first : first + 6].ljust(6, b"\0"), "big") & ((1 << (48 - inside)) - 1)
        zeros = 48 - inside - window.bit_length()
        if zeros > _MAX_ZEROS:
            raise StreamError("a number that is too large, or a NAL unit that is cut off")
        self.skip(zeros)
        return self.u(zeros + 1) - 1

    def ue_up_to(self, most: int, what: str) -> int:
        """Read an unsigned Exp-Golomb code. Raises StreamError, naming what it is, if it is above most."""
        value = self.ue()
        if value > most:
            raise StreamError(f"{what} is {value}, and may be {most} at most")
        return value

    def se(self) -> int:
        """Read a signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
