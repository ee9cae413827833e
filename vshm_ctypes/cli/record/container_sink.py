# SPDX-License-Identifier: Apache-2.0
"""Writes a recording into a container with PyAV: pictures, pictures and sound, or sound alone."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bitstream import EntryPoint
from ...commandline.locked_file import open_alone
from ...decodable import Picture
from ...frame import Frame
from .file_kinds import ending, kind_of, misfit, raw_ending
from .picture_track import PictureTrack
from .sink import SinkError, time_ns
from .sound_track import SoundAlone, SoundTrack

if TYPE_CHECKING:
    from types import ModuleType

EARLY_FRAMES = 256  # frames of sound that are kept while there is no picture
SOUND_LATE_US = 1_000_000  # how long pictures wait for sound that belongs before them
PICTURE_LATE_S = 2.0  # how long sound waits for pictures that belong before it
FRAGMENT_US = 1_000_000  # at most so much is lost if the recording is killed
_FRAGMENTED = {
    # The header is written first and can't say when a track begins: the first fragment of each track does.
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
    "frag_duration": str(FRAGMENT_US),
    "min_frag_duration": str(FRAGMENT_US // 2),  # where each picture is a keyframe
    "avoid_negative_ts": "disabled",  # there are none, and otherwise each track would be moved to begin at 0
}
_CLUSTERED = {"cluster_time_limit": str(FRAGMENT_US // 1000)}
# An Ogg page has one timestamp: packets before a gap on the same page would play late.
_A_PAGE_EACH = {"page_duration": "1"}
_OPTIONS = {
    **dict.fromkeys(("mp4", "mov"), _FRAGMENTED),
    **dict.fromkeys(("matroska", "webm"), _CLUSTERED),
    **dict.fromkeys(("ogg", "opus"), _A_PAGE_EACH),
}


def load_av(path: str) -> ModuleType:
    """Return the module av, which writes the file at path. Raises SinkError if PyAV is not installed."""
    try:
        import av
    except ModuleNotFoundError:
        advice = "pip install 'video-shm[web]', or record to .h264, .h265, .mjpeg or .pcm"
        raise SinkError(0, f"{ending(path)} needs PyAV: {advice}") from None
    return av


class ContainerSink:
    """Remuxes a stream into the container that the file's name says. MP4 is fragmented, so it plays without an end.

    Where sound itself is recorded, its frames take the place of pictures.

    Args:
        path: the file.
        force: whether to overwrite it.
        sound: a frame of the sound to be recorded with the pictures, or None.
        sets_change: as for PictureTrack.

    Attributes:
        sound_frames: how many frames of sound beside the pictures are in the file.
    """

    def __init__(self, path: Path, force: bool, sound: Frame | None = None, sets_change: bool = False) -> None:
        self._av: ModuleType = load_av(str(path))
        self._own: FileIO | None = None
        if path.is_file() or not path.exists():  # fail now if it can't be opened, but keep its content for now
            self._own = open_alone(path, force, emptied=False)
        self._path = path
        self._container: Any = None
        self._kind = kind_of(str(path))
        self._pictures: PictureTrack | SoundAlone | None = None
        self._sound, self._sets_change = sound, sets_change
        self._sound_track: SoundTrack | None = None
        self._early: deque[tuple[float, Frame]] = deque()  # frames of sound that wait for pictures, and since when
        self._is_sound_far = False  # whether sound came after so long a pause that it goes into the next file
        self._muxed_ns: int | None = None  # time of the last picture in the file
        self.sound_frames = 0
        self._is_over = False
        self._held: dict[int, Any] = {}  # the last packet of each stream

    def fits(self, picture: Picture) -> bool:
        """Return whether the picture can follow those that are in this file."""
        if self._is_sound_far and picture.entry is not EntryPoint.NONE:
            return False
        return self._pictures is None or self._pictures.fits(picture)

    def write(self, picture: Picture) -> None:
        """Write a picture; the first must be an entry point. Raises SinkError, OSError."""
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
        # Absolute, since FFmpeg would take the start of 08:30.mp4 or http:clip.mkv for a protocol.
        container = self._av.open(str(self._path.absolute()), "w", format=kind, options=options)
        pictures: PictureTrack | SoundAlone
        if picture.frame.audio is not None:
            pictures = SoundAlone(self._av, container, picture)
        else:
            pictures = PictureTrack(self._av, container, kind, picture, self._sets_change)
        if self._sound is not None:
            self._sound_track = SoundTrack(container, self._sound, is_file=True)
        self._container = container
        return pictures

    def _mux(self, packet: Any) -> bool:
        """Mux the stream's previous packet, as its duration is known now. Returns whether there was one."""
        held = self._held.get(packet.stream.index)
        self._held[packet.stream.index] = packet
        if held is None:
            return False
        held.duration = packet.dts - held.dts
        self._write_packet(held)
        return True

    def _write_packet(self, packet: Any) -> None:
        """Write a packet. After a failure nothing more is written: FFmpeg may crash after a header that failed."""
        self._is_over = True
        self._container.mux(packet)
        self._is_over = False

    def _mux_pictures(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            if self._mux(packet):
                self._muxed_ns = round(packet.dts * packet.time_base * 1_000_000_000)

    def write_sound(self, frame: Frame) -> None:
        """Write a frame of sound; one from before the first picture is left out. Raises SinkError, OSError."""
        self._early.append((time.monotonic(), frame))
        if self._pictures is None and len(self._early) > EARLY_FRAMES:
            self._early.popleft()
        self._mux_sound()

    def _mux_sound(self, at_end: bool = False) -> None:
        """Mux the sound up to the last picture: some players take the first sound in a file for its beginning."""
        begin_ns = self._pictures.begin_ns if self._pictures is not None else None
        if self._sound_track is None or begin_ns is None or (self._muxed_ns is None and not at_end):
            return
        while self._early:
            since_s, frame = self._early[0]
            is_due = at_end or time_ns(frame) - begin_ns <= (self._muxed_ns or 0)
            if not is_due and time.monotonic() - since_s < PICTURE_LATE_S:
                return
            self._is_sound_far = not self._sound_track.reaches(frame)
            if self._is_sound_far:
                return
            self._early.popleft()
            packet = self._sound_track.packet(self._av, frame, begin_ns)
            if packet is not None:
                self._mux(packet)
                self.sound_frames += 1

    def close(self) -> None:
        """Write what is pending, and close the file. Raises OSError."""
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
        """Cut off what is not whole. Returns what is left in the file: pictures, their bytes, frames of sound."""
        frames = size = sound_frames = 0
        if self._pictures is None:
            return frames, size, sound_frames
        if self._muxed_ns is None:  # it has no picture
            os.truncate(self._path, 0)
            return frames, size, sound_frames
        if self._kind.muxer in ("mp4", "mov"):
            _cut_off_fragment(self._path)
        with suppress(self._av.error.FFmpegError), self._av.open(str(self._path.absolute())) as container:
            for packet in container.demux():
                if packet.size and not packet.is_corrupt:
                    is_picture = packet.stream.index == 0  # or the sound in their place
                    frames, sound_frames = frames + is_picture, sound_frames + (not is_picture)
                    size += packet.size * is_picture
        return frames, size, sound_frames


def _cut_off_fragment(path: Path) -> None:
    """Cut off a fragment that is incomplete: not every player opens a file with half of a fragment's header."""
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
