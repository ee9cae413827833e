# SPDX-License-Identifier: Apache-2.0
"""A recording in a container, by PyAV: pictures, pictures and sound, or sound alone."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...commandline.own_file import open_alone
from ...frame import Frame
from ..decodable import Picture
from .file_kinds import ending, kind_of, misfit, raw_ending
from .picture_track import PictureTrack
from .sink import SinkError, time_ns
from .sound_track import SoundAlone, SoundTrack

if TYPE_CHECKING:
    from types import ModuleType

EARLY_FRAMES = 256  # of sound, that are kept while there is no picture
SOUND_LATE_US = 1_000_000  # so long pictures are held back for sound that belongs before them
PICTURE_LATE_S = 2.0  # so long sound waits for pictures that belong before it
FRAGMENT_US = 1_000_000  # so much is lost at most where the recording is killed
_FRAGMENTED = {
    # The header is written at once, so it can't say when a track begins: each track's first fragment does.
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
    "frag_duration": str(FRAGMENT_US),
    "min_frag_duration": str(FRAGMENT_US // 2),  # where each picture is a keyframe
    "avoid_negative_ts": "disabled",  # there are none; else the first packet of each track is moved to 0
}
_CLUSTERED = {"cluster_time_limit": str(FRAGMENT_US // 1000)}
# A page has one time: where there is a gap on it, what stands before the gap would come late by it.
_A_PAGE_EACH = {"page_duration": "1"}
_OPTIONS = {
    **dict.fromkeys(("mp4", "mov"), _FRAGMENTED),
    **dict.fromkeys(("matroska", "webm"), _CLUSTERED),
    **dict.fromkeys(("ogg", "opus"), _A_PAGE_EACH),
}


def load_av(path: str) -> ModuleType:
    """PyAV, which writes the file. Raises SinkError: it is not installed."""
    try:
        import av
    except ModuleNotFoundError:
        advice = "pip install 'video-shm[hil]', or record to .h264, .h265, .mjpeg or .pcm"
        raise SinkError(0, f"{ending(path)} needs PyAV: {advice}") from None
    return av


class ContainerSink:
    """Remuxed into what its name says. MP4 is fragmented, so that it needs no end to be playable.

    sound: a frame of the sound that is to go with the pictures. sound_frames: so many of it are in the file. Where what
    is recorded is sound itself, its frames stand in the place of pictures. sets_change: as PictureTrack has it.
    """

    def __init__(self, path: Path, force: bool, sound: Frame | None = None, sets_change: bool = False) -> None:
        self._av: ModuleType = load_av(str(path))
        self._own: FileIO | None = None
        if path.is_file() or not path.exists():  # what can't be opened is known now; what is in it stays meanwhile
            self._own = open_alone(path, force, emptied=False)
        self._path = path
        self._container: Any = None
        self._kind = kind_of(str(path))
        self._pictures: PictureTrack | SoundAlone | None = None
        self._sound, self._sets_change = sound, sets_change
        self._sound_track: SoundTrack | None = None
        self._early: deque[tuple[float, Frame]] = deque()  # sound that waits for pictures, and since when
        self._muxed_ns: int | None = None  # the time of the last picture in the file
        self.sound_frames = 0
        self._is_over = False
        self._held: dict[int, Any] = {}  # the last packet of each stream

    def fits(self, picture: Picture) -> bool:
        """Whether the picture can go into this file, after those that are there."""
        return self._pictures is None or self._pictures.fits(picture)

    def write(self, picture: Picture) -> None:
        """One more; the first must be an entry point. Raises SinkError, OSError."""
        try:
            if self._pictures is None:
                self._pictures = self._begin(picture)
            self._mux_pictures(self._pictures.packets(picture))
            self._mux_sound()
        except self._av.error.InvalidDataError:
            number = picture.frame.number
            advice = (
                f"look at the writer's encoder; a raw recording ({raw_ending(picture.frame.codec)}) shows what it is"
            )
            raise SinkError(0, f"frame {number} is none that {self._path.suffix} can hold: {advice}") from None

    def _begin(self, picture: Picture) -> PictureTrack | SoundAlone:
        for frame in (picture.frame, *([self._sound] if self._sound is not None else [])):
            why_not = misfit(str(self._path), frame.codec)
            if why_not is not None:
                raise SinkError(0, why_not)
        kind = self._kind.muxer
        options = {"fflags": "+flush_packets", "max_interleave_delta": str(SOUND_LATE_US), **_OPTIONS.get(kind, {})}
        # An absolute one: in 08:30.mp4 and http:clip.mkv FFmpeg finds a protocol.
        container = self._av.open(str(self._path.absolute()), "w", format=kind, options=options)
        pictures: PictureTrack | SoundAlone
        if picture.frame.audio is not None:
            pictures = SoundAlone(self._av, container, picture)
        else:
            pictures = PictureTrack(self._av, container, kind, picture, self._sets_change)
        if self._sound is not None:
            self._sound_track = SoundTrack(container, self._sound)
        self._container = container
        return pictures

    def _mux(self, packet: Any) -> bool:
        """Once the next one tells how long it lasts, by which MP4 tells where a fragment begins. Whether one was."""
        held = self._held.get(packet.stream.index)
        self._held[packet.stream.index] = packet
        if held is None:
            return False
        held.duration = packet.dts - held.dts
        self._write_packet(held)
        return True

    def _write_packet(self, packet: Any) -> None:
        """FFmpeg may crash where more comes after a header that could not be written: what failed is over."""
        self._is_over = True
        self._container.mux(packet)
        self._is_over = False

    def _mux_pictures(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            if self._mux(packet):
                self._muxed_ns = round(packet.dts * packet.time_base * 1_000_000_000)

    def write_sound(self, frame: Frame) -> None:
        """One more frame of sound; what is from before the first picture is left out. Raises SinkError, OSError."""
        self._early.append((time.monotonic(), frame))
        if self._pictures is None and len(self._early) > EARLY_FRAMES:
            self._early.popleft()
        self._mux_sound()

    def _mux_sound(self, at_end: bool = False) -> None:
        """What belongs before the last picture: a file that begins with later sound begins later for some readers."""
        begin_ns = self._pictures.begin_ns if self._pictures is not None else None
        if self._sound_track is None or begin_ns is None or (self._muxed_ns is None and not at_end):
            return
        while self._early:
            since_s, frame = self._early[0]
            is_due = at_end or time_ns(frame) - begin_ns <= (self._muxed_ns or 0)
            if not is_due and time.monotonic() - since_s < PICTURE_LATE_S:
                return
            self._early.popleft()
            packet = self._sound_track.packet(self._av, frame, begin_ns)
            if packet is not None:
                self._mux(packet)
                self.sound_frames += 1

    def close(self) -> None:
        """Write the end. Raises OSError."""
        try:
            self._end()
        finally:
            if self._own is not None:
                self._own.close()

    def _end(self) -> None:
        if self._container is not None and self._pictures is not None:
            container = self._container
            try:
                if self._is_over:
                    return
                self._mux_pictures(self._pictures.last_packets())
                self._mux_sound(at_end=True)
                for packet in sorted(self._held.values(), key=lambda packet: packet.dts * packet.time_base):
                    self._write_packet(packet)
            finally:
                self._container = None
                container.close()

    def kept(self) -> tuple[int, int, int]:
        """Cut off what is not whole; what a player finds in the file: pictures, their bytes, frames of sound."""
        frames = size = sound_frames = 0
        if self._pictures is None:
            return frames, size, sound_frames
        if self._muxed_ns is None:  # not one picture
            os.truncate(self._path, 0)
            return frames, size, sound_frames
        if self._kind.muxer in ("mp4", "mov"):
            _cut_off_fragment(self._path)
        with suppress(self._av.error.FFmpegError), self._av.open(str(self._path.absolute())) as container:
            for packet in container.demux():
                if packet.size and not packet.is_corrupt:
                    is_picture = packet.stream.index == 0  # or what stands in their place
                    frames, sound_frames = frames + is_picture, sound_frames + (not is_picture)
                    size += packet.size * is_picture
        return frames, size, sound_frames


def _cut_off_fragment(path: Path) -> None:
    """One that could not be written to its end: not every player opens a file with half of a fragment's header."""
    with path.open("r+b") as file:
        at = whole = 0
        size = file.seek(0, os.SEEK_END)
        while at + 8 <= size:
            file.seek(at)
            header = file.read(8)
            at += max(int.from_bytes(header[:4], "big"), len(header))
            if header[4:] == b"mdat" and at <= size:
                whole = at
        file.truncate(whole)
