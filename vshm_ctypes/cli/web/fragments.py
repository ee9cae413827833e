# SPDX-License-Identifier: Apache-2.0
"""Fragmented MP4, as Media Source Extensions take it: one fragment a frame, without encoding anything anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ...bitstream import EntryPoint
from ..decodable import Picture
from ..record.picture_track import PictureTrack
from ..record.sink import SinkError, time_ns
from ..record.sound_track import SoundTrack

OPTIONS = {
    "movflags": "empty_moov+default_base_moof+frag_every_frame+frag_discont",
    "avoid_negative_ts": "disabled",
    "flush_packets": "1",
}


class _Written:
    """Where the muxer writes to."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        """What the muxer calls."""
        self._data += data
        return len(data)

    def take(self) -> bytes:
        """What came since the last time."""
        data, self._data = bytes(self._data), bytearray()
        return data


class Fragments:
    """Of one stream, beginning with an entry point, or with a frame of sound.

    A fragment comes out with the frame after: only then it has a length. head: what comes before the first. Raises
    ImportError, SinkError.
    """

    def __init__(self, first: Picture) -> None:
        import av

        self._av = av
        self._written = _Written()
        self._first_ns = time_ns(first.frame)
        self._ahead: deque[Picture] = deque()  # whose times are not known yet
        self._under_way: Picture | None = None
        self._sound: SoundTrack | None = None
        self._container: Any = av.open(self._written, "w", format="mp4", options=OPTIONS)
        with self._errors_told():
            if first.frame.audio is not None:
                self._sound = SoundTrack(self._container, first.frame)
            else:
                self._pictures = PictureTrack(av, self._container, "mp4", first)
            self._container.start_encoding()
        self.head = self._written.take()

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except self._av.error.FFmpegError as error:
            raise SinkError(0, f"the muxer says: {error.strerror}") from None

    @property
    def begin_ns(self) -> int:
        """When what is at time 0 was captured; known with the first fragment."""
        if self._sound is not None:
            return self._first_ns
        return self._pictures.begin_ns or 0

    def add(self, unit: Picture) -> Iterator[tuple[Picture, bytes]]:
        """One more; the fragments that are complete now, each with what it is of. Raises SinkError."""
        self._ahead.append(unit)
        with self._errors_told():
            for packet in self._packets(unit):
                now = self._ahead.popleft()
                packet.is_keyframe = now.entry is not EntryPoint.NONE  # else browsers may keep no picture from there on
                self._container.mux(packet)
                before, self._under_way = self._under_way, now
                data = self._written.take()
                if before is not None and data:
                    yield before, data

    def _packets(self, unit: Picture) -> Iterable[Any]:
        if self._sound is None:
            return self._pictures.packets(unit)
        packet = self._sound.packet(self._av, unit.frame, self._first_ns)
        if packet is None:  # it was captured before the first
            self._ahead.pop()
            return []
        return [packet]

    def close(self) -> None:
        """No more comes."""
        with suppress(self._av.error.FFmpegError):
            self._container.close()
