# SPDX-License-Identifier: Apache-2.0
"""Hides the credentials of an address: they never get into a log, JSON, metrics, or a message."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from ..printable import printable

HIDDEN = "***"
_USER_INFO = re.compile(r"(?<=://)[^/?#\s]*@")
# srt://...?passphrase=, a streamid with user and password in it, and what cloud services take as a key in the query.
_SECRET = re.compile(
    r"(?<=[?&;])([^=&#\s]*(?:pass|secret|token|key|auth|sig|pwd|streamid)[^=&#\s]*)=[^&\s]*", re.IGNORECASE
)
_IN_STREAM_ID = re.compile(r"(?<=,)s=([^,]+)|^publish:[^:]*:[^:]*:([^:]+)")  # of SRT itself, and of MediaMTX
SHORTEST = 3  # a shorter secret is found in too many words


def redacted(text: str, address: str) -> str:
    """Return text, printable, without credentials: without those of the address, and of any address in it.

    User and password are hidden, and so are parameters such as passphrase, token or key.
    """
    shown = _SECRET.sub(rf"\1={HIDDEN}", _USER_INFO.sub(f"{HIDDEN}@", text))
    for secret in _secrets(address):
        shown = shown.replace(secret, HIDDEN)
    return printable(shown)


def is_misread(address: str) -> bool:
    """Return whether user and password are written so that they are taken for host, port and path.

    That happens with a / ? or # in them, which begin the next part of an address, or where it has no scheme. The path
    of a socket has no user, but may have an @ in it.
    """
    if "@" not in address or _USER_INFO.search(address) or address.startswith("unix"):
        return False
    try:
        parts = urlsplit(address)
        return not parts.netloc or parts.netloc.endswith(":") or parts.port == 0
    except ValueError:  # such as a port that is no number
        return True


def _secrets(address: str) -> list[str]:
    """Return the passwords in the address, as they are written and as they are meant, the longest first."""
    found = {match[0].partition("=")[2] for match in _SECRET.finditer(address)}
    found |= {match[1] or match[2] for value in set(found) for match in _IN_STREAM_ID.finditer(value)}
    with suppress(ValueError):  # it is no address
        parts = urlsplit(address)
        found.add(parts.password or parts.username or "")  # a user without a password is a token
    if is_misread(address):
        user_info = address.rpartition("@")[0].rpartition("://")[2]
        secret = user_info.partition(":")[2] or user_info
        found |= {secret, *re.split("[/?#:]", secret)}  # errors name the parts
    found |= {unquote(secret) for secret in found}
    return sorted((secret for secret in found if len(secret) >= SHORTEST), key=len, reverse=True)
