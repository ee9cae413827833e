# SPDX-License-Identifier: Apache-2.0
"""Remuxes a stream into fragmented MP4 for Media Source Extensions, one fragment for each frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ...bitstream import EntryPoint
from ...decodable import Picture
from ...frame import Frame
from ..record.picture_track import PictureTrack
from ..record.sink import MOST_GAP_NS, SinkError, time_ns
from ..record.sound_track import SoundTrack

OPTIONS = {
    "movflags": "empty_moov+default_base_moof+frag_every_frame+frag_discont",
    "avoid_negative_ts": "disabled",
    "flush_packets": "1",
}


class _Written:
    """The file that the muxer writes into."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        """Take data; the muxer calls this."""
        self._data += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        data, self._data = bytes(self._data), bytearray()
        return data


class Fragments:
    """The fragments of one stream, which begins with an entry point or with a frame of sound.

    A fragment is complete when the next frame comes, since only then its duration is known. head is the
    initialisation segment, to be sent first. Raises ImportError, SinkError.
    """

    def __init__(self, first: Picture) -> None:
        import av

        self._av = av
        self._written = _Written()
        self._first_ns = self._last_ns = time_ns(first.frame)
        self._ahead: deque[Picture] = deque()  # frames whose times are not known yet
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
        """When the frame at time 0 was captured, ns; known with the first fragment."""
        if self._sound is not None:
            return self._first_ns
        return self._pictures.begin_ns or 0

    def reaches(self, frame: Frame) -> bool:
        """Return whether the frame can follow; one after too long a pause needs fragments of its own."""
        return time_ns(frame) - self._last_ns <= MOST_GAP_NS

    def add(self, unit: Picture) -> Iterator[tuple[Picture, bytes]]:
        """Take a frame, and yield the fragments that are complete, each with its frame. Raises SinkError."""
        self._last_ns = time_ns(unit.frame)
        self._ahead.append(unit)
        with self._errors_told():
            for packet in self._packets(unit):
                now = self._ahead.popleft()
                packet.is_keyframe = now.entry is not EntryPoint.NONE  # else browsers may drop all that follows
                self._container.mux(packet)
                before, self._under_way = self._under_way, now
                data = self._written.take()
                if before is not None and data:
                    yield before, data

    def _packets(self, unit: Picture) -> Iterable[Any]:
        if self._sound is None:
            return self._pictures.packets(unit)
        packet = self._sound.packet(self._av, unit.frame, self._first_ns)
        if packet is None:  # it was captured before the first frame
            self._ahead.pop()
            return []
        return [packet]

    def close(self) -> None:
        """Close the muxer."""
        with suppress(self._av.error.FFmpegError):
            self._container.close()
