# SPDX-License-Identifier: Apache-2.0
"""A file's pictures, decoded, in the order in which they are shown."""

from __future__ import annotations

from typing import Any, NamedTuple

import av

from .clip import Clip
from .source import SourceError

# Their decoders wait by themselves for a picture that they can begin with, a recovery point too; others make a mess.
WAIT_BY_THEMSELVES = {"h264", "hevc"}
MOST_BEFORE_KEY = 1000  # packets: then a decoder may make of them what it can


class Decoded(NamedTuple):
    """picture: None: damaged. time_s: on the file's own clock; None: it has no time. length_s: 0: not known.

    begins: the file, once more.
    """

    picture: av.VideoFrame | None
    time_s: float | None = None
    length_s: float = 0.0
    begins: bool = False


class Pictures:
    """From the begin of a clip that was just opened to its end. passed_over: packets before the first keyframe.

    why: what the decoder said of the last damaged one. first_packet: as it is in the file.
    """

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._context = clip.stream.codec_context
        clip.stream.thread_type = "AUTO"
        self._waits_for_key = self._context.name not in WAIT_BY_THEMSELVES
        self.passed_over = 0
        self.why = ""
        self.first_packet = b""

    def more(self) -> list[Decoded]:
        """What comes of the next packet, which may be nothing. Raises EOFError at the end, SourceError."""
        packet = self._clip.packet()
        if packet is None:
            raise EOFError(f"{self._clip.path} has ended")
        if packet.size:
            self.first_packet = self.first_packet or bytes(packet)
            if self._waits_for_key and not packet.is_keyframe and self.passed_over < MOST_BEFORE_KEY:
                self.passed_over += 1
                return []
            self._waits_for_key = False
        try:
            return [self._dated(picture) for picture in packet.decode()]
        except av.FFmpegError as error:
            self.why = error.strerror or str(error)
            return [Decoded(None)]
        except ValueError as error:  # there is no decoder for it
            raise SourceError(0, f"{self._clip.path}: {error}", "unsuitable") from None

    def _dated(self, picture: Any) -> Decoded:
        if not self._clip.has_times:
            return Decoded(picture)
        stamp = picture.dts if self._clip.dated_by_dts or picture.pts is None else picture.pts
        base = self._clip.stream.time_base
        length_s = float(picture.duration * base) if picture.duration and not self._clip.dated_by_dts else 0.0
        return Decoded(picture, None if stamp is None else float(stamp * base), length_s)
