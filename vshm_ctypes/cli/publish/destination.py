# SPDX-License-Identifier: Apache-2.0
"""Where a ring can be published: the schemes of addresses, and what each of them takes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ...bitstream import StreamError
from ...bridges.address import is_misread, redacted
from ...codec import Codec, codec_name
from ..record.file_kinds import CONTAINERS
from .rtp_jpeg import rtp_jpeg
from .trust import trusting

_IN_TS = CONTAINERS[".ts"].codecs or ()
_IN_RTP = (Codec.H264, Codec.H265, Codec.JPEG, Codec.AAC, Codec.OPUS, Codec.PCM_S16LE)
TS_PACKETS = 1316  # bytes: seven packets of a transport stream, which fit into one datagram
SOCKET_PATH_BYTES = 107  # sockaddr_un has 108, with the zero at their end
SCHEMES = ("rtsp", "rtsps", "srt", "unix+mpegts", "tcp", "udp")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to publish.

    Attributes:
        address: as FFmpeg, or our SRT, takes it.
        muxer: FFmpeg's name of the format.
        codecs: what it takes.
        options: for FFmpeg.
    """

    address: str = field(repr=False)
    muxer: str
    codecs: tuple[Codec, ...]
    options: dict[str, str]

    @property
    def is_srt(self) -> bool:
        """Whether it is reached by our own SRT, since FFmpeg in PyAV's wheels has none."""
        return self.address.startswith("srt://")

    def fitted(self, codec: int, data: bytes) -> bytes:
        """Return a frame's bytes as they can be published there. Raises StreamError if they can't, which says why."""
        why = self.misfit(codec)
        if why is not None:
            raise StreamError(why)
        return rtp_jpeg(data) if codec == Codec.JPEG else data

    def misfit(self, codec: int) -> str | None:
        """Return why no stream of that codec can be published there, or None if it can."""
        if codec in self.codecs:
            return None
        what = "RTSP" if self.muxer == "rtsp" else "MPEG-TS"
        told = f"{what} takes no {codec_name(codec)}"
        if codec == Codec.JPEG:
            return f"{told}: publish by rtsp://, or let camera-streamer encode to H.264"
        if codec == Codec.PCM_S16LE:
            return f"{told}: let camera-streamer encode the sound (aac or opus), or publish by rtsp://"
        return f"{told}: let camera-streamer encode to H.264 or H.265"


def destination(address: str, authorities: str | None = None) -> Destination:
    """Return where an address leads. authorities: whom rtsps:// trusts, as trusting() takes them.

    Raises ValueError, which shows no credentials; OSError.
    """
    shown = redacted(address, address)
    if "://" in address and is_misread(address):
        told = "in user and password, / is written as %2F, ? as %3F, # as %23, and @ as %40"
        raise ValueError(f"{shown}: no address: {told}")
    try:
        parts = urlsplit(address)
        has_place = bool(parts.hostname) and (parts.port or True)
    except ValueError as error:
        raise ValueError(f"{shown}: no address: {redacted(str(error), address)}") from None
    if not parts.scheme or "://" not in address:
        raise ValueError(f"{shown}: no address: it begins with one of {', '.join(f'{one}://' for one in SCHEMES)}")
    if authorities is not None and parts.scheme != "rtsps":
        raise ValueError(f"{shown}: --ca is for rtsps:// only: nothing else here has certificates")
    if parts.scheme == "unix+mpegts":
        if not parts.path.startswith("/") or parts.netloc:
            raise ValueError(f"{shown}: a socket's path is absolute: unix+mpegts:///run/video.sock")
        path = address.partition("://")[2]  # as it is, for a name of a file may have a ? or a # in it
        size = len(os.fsencode(path))
        if size > SOCKET_PATH_BYTES:  # FFmpeg would connect to what the beginning of it names
            raise ValueError(f"{shown}: a socket's path has {SOCKET_PATH_BYTES} bytes at most, and this one has {size}")
        return Destination(f"unix:{path}", "mpegts", _IN_TS, {})
    if parts.scheme not in SCHEMES:
        raise ValueError(f"{shown}: {parts.scheme}:// is not known: use {', '.join(f'{one}://' for one in SCHEMES)}")
    if not has_place:
        raise ValueError(f"{shown}: it names no host")
    if parts.scheme in ("rtsp", "rtsps"):
        # By TCP, so that no packet is lost on the way; the server passes it on as its clients like it.
        trusted = trusting(authorities) if parts.scheme == "rtsps" else {}
        return Destination(address, "rtsp", _IN_RTP, {"rtsp_transport": "tcp", **trusted})
    if parts.port is None:
        raise ValueError(f"{shown}: it names no port: {parts.scheme}://HOST:PORT")
    if parts.scheme == "udp" and "pkt_size=" not in parts.query:
        address += f"{'&' if parts.query else '?'}pkt_size={TS_PACKETS}"
    return Destination(address, "mpegts", _IN_TS, {})
