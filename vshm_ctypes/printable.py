# SPDX-License-Identifier: Apache-2.0
"""Text of unknown origin, such as a ring's name, as a terminal and UTF-8 can take it."""

from __future__ import annotations


def printable(text: object) -> str:
    """Return text of unknown origin with control characters and line breaks escaped: \\x1b."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in str(text))


def utf8(text: str) -> str:
    """Return text with what UTF-8 does not have escaped, such as the bytes of a name that is not UTF-8: \\xe9."""
    return "".join(_escaped(letter) if "\ud800" <= letter <= "\udfff" else letter for letter in text)


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # a byte of a file name that is not UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()
