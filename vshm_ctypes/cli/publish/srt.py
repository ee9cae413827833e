# SPDX-License-Identifier: Apache-2.0
"""Sends a transport stream by SRT, with the system's libsrt, since FFmpeg in PyAV's wheels has no SRT.

The options of the address are those of FFmpeg and srt-live-transmit: passphrase, pbkeylen, streamid, and latency in
milliseconds. We call, the far side listens.
"""

from __future__ import annotations

import socket
import sys
from ctypes import CDLL, byref, c_char_p, c_int, create_string_buffer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .destination import TS_PACKETS

_KINDS = ("libsrt-gnutls", "libsrt-openssl", "libsrt")
LIBRARIES = (*(f"{kind}.so.{version}" for version in ("1.5", "1.4") for kind in _KINDS), "libsrt.so.1")
CONNECT_MS = 5000
SEND_MS = 10_000  # of a full buffer, until the far side counts as gone
_SNDTIMEO, _CONNTIMEO = 13, 36
_NUMBERS = {"latency": 23, "pbkeylen": 27}
_TEXTS = {"passphrase": 26, "streamid": 46}
_INVALID = -1
_FINAL_REASONS = {  # libsrt's own, of access_control.h and srt.h
    8,  # its version
    *(10, 11, 17),  # wrong passphrase, or only one side has one, or another cipher
    *(12, 13, 14),  # message API, congestion control, packet filter
}
_LENGTHS = {"passphrase": (10, 79), "streamid": (0, 512)}  # bytes
_KEY_LENGTHS = ("0", "16", "24", "32")  # bytes


class SrtError(OSError):
    """SRT can't be used, or its far side is gone.

    Attributes:
        is_final: whether another attempt would fail in the same way.
        reason: why the listener refused: libsrt's number, or, from 1000 on, the listener's own; 0: it did not.
    """

    def __init__(self, text: str, is_final: bool = False, reason: int = 0) -> None:
        super().__init__(0, text)
        self.is_final = is_final or reason in _FINAL_REASONS
        self.reason = reason


def _library() -> CDLL:
    for name in LIBRARIES:
        try:
            library = CDLL(name)
        except OSError:
            continue
        library.srt_getlasterror_str.restype = c_char_p
        library.srt_rejectreason_str.restype = c_char_p
        return library
    raise SrtError("srt:// needs libsrt: sudo apt install libsrt1.5-gnutls", is_final=True)


def _sockaddr(family: int, address: tuple[Any, ...]) -> bytes:
    """Return the C struct of an address as getaddrinfo() has it: sockaddr_in or sockaddr_in6."""
    head = family.to_bytes(2, sys.byteorder) + int(address[1]).to_bytes(2, "big")
    number = socket.inet_pton(family, str(address[0]))
    if family == socket.AF_INET6:  # with its scope: the interface of an address that is unique on a link only
        return head + int(address[2]).to_bytes(4, "big") + number + int(address[3]).to_bytes(4, sys.byteorder)
    return head + number + bytes(8)


def check_options(address: str) -> None:
    """Raises ValueError if an address of SRT has an option that is none here. It shows no values."""
    for name, value in _options(address):
        if name not in _TEXTS and not (name in _NUMBERS and value.isdecimal()):
            known = ", ".join(sorted([*_NUMBERS, *_TEXTS]))
            raise ValueError(f"srt://: {name} is not an option here, or its value is no number: {known} are")
        least, most = _LENGTHS.get(name, (0, len(value.encode())))
        if not least <= len(value.encode()) <= most:
            raise ValueError(f"srt://: a {name} has {least} to {most} bytes, and this one has {len(value.encode())}")
        if name == "pbkeylen" and value not in _KEY_LENGTHS:
            raise ValueError(f"srt://: pbkeylen={value}: a key has 16, 24 or 32 bytes")


def _options(address: str) -> list[tuple[str, str]]:
    """Return the options, without those that say what is done anyway."""
    options = parse_qsl(urlsplit(address, allow_fragments=False).query, keep_blank_values=True)  # streamid=#!::...
    return [one for one in options if one != ("mode", "caller") and one[0] != "pkt_size"]


class SrtSocket:
    """A connection to a listener, which PyAV writes into as into a file. Raises SrtError, OSError."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._library = _library()
        self._socket = _INVALID
        places = socket.getaddrinfo(unquote(parts.hostname or ""), parts.port, type=socket.SOCK_DGRAM)
        self._library.srt_startup()
        try:
            self._connect([_sockaddr(family, place) for family, *_, place in places], _options(address))
        except BaseException:
            self._library.srt_close(self._socket)
            self._library.srt_cleanup()
            raise

    def _connect(self, structs: list[bytes], options: list[tuple[str, str]]) -> None:
        """Connect to the first of a host's addresses that answers: many have one of IPv6 that leads nowhere."""
        for at, struct in enumerate(structs, 1):
            self._socket = self._library.srt_create_socket()
            if self._socket == _INVALID:
                raise self._failure("no socket")
            self._set_number("connection timeout", _CONNTIMEO, CONNECT_MS)
            self._set_number("send timeout", _SNDTIMEO, SEND_MS)
            for name, value in options:
                self._set(name, value)
            place = create_string_buffer(struct, len(struct))
            if self._library.srt_connect(self._socket, place, len(struct)) != _INVALID:
                return
            reason = self._library.srt_getrejectreason(self._socket)
            told = self._library.srt_rejectreason_str(reason)
            failure = self._failure(f"not connected ({(told or b'').decode()})", reason=reason)
            if at == len(structs) or failure.is_final or reason >= 1000:  # the listener's own
                raise failure
            self._library.srt_close(self._socket)

    def _failure(self, what: str, **more: Any) -> SrtError:
        told = (self._library.srt_getlasterror_str() or b"").decode(errors="replace")
        return SrtError(f"SRT: {what}: {told}", **more)

    def _set(self, name: str, value: str) -> None:
        if name in _NUMBERS:
            self._set_number(name, _NUMBERS[name], int(value))
        elif name in _TEXTS:
            data = value.encode()
            if self._library.srt_setsockflag(self._socket, _TEXTS[name], c_char_p(data), len(data)) == _INVALID:
                raise self._failure(f"{name} is refused", is_final=True)

    def _set_number(self, name: str, option: int, value: int) -> None:
        number = c_int(value)
        if self._library.srt_setsockflag(self._socket, option, byref(number), 4) == _INVALID:
            raise self._failure(f"{name}={value} is refused", is_final=True)

    def write(self, data: bytes) -> int:
        """Send, in datagrams of whole packets. Raises SrtError."""
        data = bytes(data)
        for at in range(0, len(data), TS_PACKETS):
            piece = data[at : at + TS_PACKETS]
            if self._library.srt_send(self._socket, c_char_p(piece), len(piece)) == _INVALID:
                raise self._failure("the far side is gone")
        return len(data)

    def close(self) -> None:
        """Close the connection. Closing twice is allowed."""
        if self._socket != _INVALID:
            self._library.srt_close(self._socket)
            self._library.srt_cleanup()
            self._socket = _INVALID
