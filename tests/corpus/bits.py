# SPDX-License-Identifier: Apache-2.0
"""Bits, codes and NAL units, as the standards write them."""

START_CODE = b"\0\0\0\1"


class Bits:
    """A raw byte sequence payload in the making. Sources: ITU-T H.264 7.2, 9.1."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def u(self, count: int, value: int) -> "Bits":
        """Append an unsigned number of count bits."""
        assert 0 <= value < 1 << count, (count, value)
        self._bits.append(f"{value:0{count}b}" if count else "")
        return self

    def flags(self, *values: int) -> "Bits":
        """Append one bit for each flag."""
        for value in values:
            self.u(1, value)
        return self

    def ue(self, *values: int) -> "Bits":
        """Append unsigned Exp-Golomb codes."""
        for value in values:
            length = (value + 1).bit_length()
            self.u(2 * length - 1, value + 1)
        return self

    def se(self, *values: int) -> "Bits":
        """Append signed Exp-Golomb codes."""
        for value in values:
            self.ue(2 * value - 1 if value > 0 else -2 * value)
        return self

    def add(self, more: "Bits") -> "Bits":
        """Append all bits of another one."""
        self._bits += more._bits
        return self

    def end(self) -> bytes:
        """Return the bytes, with the stop bit."""
        text = "".join(self._bits) + "1"
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")

    def payload(self) -> bytes:
        """Return the bytes with emulation prevention, as they stand behind a NAL unit's header."""
        return escaped(self.end())


def escaped(payload: bytes) -> bytes:
    """Return the bytes with emulation prevention bytes. Source: H.264 7.3.1."""
    out = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def nal(header: bytes, payload: bytes = b"", start_code: bytes = START_CODE) -> bytes:
    """Return a NAL unit in Annex B form."""
    return start_code + header + escaped(payload)


def split(stream: bytes) -> list[bytes]:
    """Return the NAL units of a stream without their start codes, and without zeros behind them."""
    return [unit.rstrip(b"\0") for unit in stream.split(b"\0\0\1")[1:]]


def join(units: list[bytes], start_code: bytes = START_CODE) -> bytes:
    """Return the stream of these NAL units."""
    return b"".join(start_code + unit for unit in units)
