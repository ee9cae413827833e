# SPDX-License-Identifier: Apache-2.0
"""Text of unknown origin, such as a ring's name, as a terminal, UTF-8 and a shell can take it."""

from __future__ import annotations

import os


def printable(text: object) -> str:
    """Return text of unknown origin with control characters and line breaks escaped: \\x1b."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in str(text))


def utf8(text: str) -> str:
    """Return text with what UTF-8 does not have escaped, such as the bytes of a name that is not UTF-8: \\xe9."""
    return "".join(_escaped(letter) if "\ud800" <= letter <= "\udfff" else letter for letter in text)


def shell_word(text: object) -> str:
    """Return text as a word of a command that is told to be pasted: printable, and the same text to a shell.

    Where there are control characters, that takes a shell with $'...', as bash, zsh, ksh and those of POSIX 2024 are.
    """
    word = str(text)
    if word.isprintable():
        from shlex import quote  # which takes longer to load than all of this

        return quote(word)
    return f"$'{''.join(map(_in_dollar_quotes, word))}'"


def _in_dollar_quotes(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(letter))  # \\x takes any number of digits in some shells


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # a byte of a file name that is not UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()
