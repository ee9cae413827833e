# SPDX-License-Identifier: Apache-2.0
"""A recording in a container, by PyAV: MP4 or Matroska, pictures and sound."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..frame import Frame
from .decodable import Picture
from .picture_track import PictureTrack
from .sink import SinkError
from .sound_track import SoundTrack

if TYPE_CHECKING:
    from types import ModuleType

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska"}
EARLY_FRAMES = 256  # of sound, that wait for the first picture
SOUND_LATE_US = 1_000_000  # so long pictures are held back for sound that belongs before them
FRAGMENT_US = 1_000_000  # so much is lost at most where the recording is killed
_OPTIONS = {
    "mp4": {
        # The header is written at once, so it can't say when a track begins: each track's first fragment does.
        "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
        "frag_duration": str(FRAGMENT_US),
        "avoid_negative_ts": "disabled",  # there are none; else the first packet of each track is moved to 0
    },
    "matroska": {"cluster_time_limit": str(FRAGMENT_US // 1000)},
}


def load_av(path: str) -> ModuleType:
    """PyAV, which writes the file. Raises SinkError: it is not installed."""
    try:
        import av
    except ImportError:
        advice = "pip install 'video-shm[hil]', or record to .h264, .h265 or .mjpeg"
        raise SinkError(0, f"{Path(path).suffix} needs PyAV: {advice}") from None
    return av


class ContainerSink:
    """MP4 or Matroska, remuxed. Fragmented, so that it needs no end to be playable.

    sound: a frame of the sound that is to go with the pictures.
    """

    def __init__(self, path: Path, force: bool, sound: Frame | None = None) -> None:
        self._av: ModuleType = load_av(str(path))
        if not force:
            path.open("xb").close()
        self._path = path
        self._container: Any = None
        self._pictures: PictureTrack | None = None
        self._sound = sound
        self._sound_track: SoundTrack | None = None
        self._early: deque[Frame] = deque(maxlen=EARLY_FRAMES)

    def fits(self, picture: Picture) -> bool:
        """Whether the picture can go into this file, after those that are there."""
        return self._pictures is None or self._pictures.fits(picture)

    def write(self, picture: Picture) -> None:
        """One more; the first must be an entry point. Raises SinkError, OSError."""
        try:
            if self._pictures is None:
                self._pictures = self._begin(picture)
            self._mux(self._pictures.packets(picture))
        except self._av.error.InvalidDataError:
            number, advice = (
                picture.frame.number,
                "look at the writer's encoder; a raw recording (.h264) shows what it is",
            )
            raise SinkError(0, f"frame {number} is none that {self._path.suffix} can hold: {advice}") from None

    def _begin(self, picture: Picture) -> PictureTrack:
        kind = CONTAINERS[self._path.suffix.lower()]
        options = {"fflags": "+flush_packets", "max_interleave_delta": str(SOUND_LATE_US), **_OPTIONS[kind]}
        container = self._av.open(str(self._path), "w", format=kind, options=options)
        pictures = PictureTrack(self._av, container, kind, picture)
        if self._sound is not None:
            self._sound_track = SoundTrack(container, self._sound)
        self._container = container
        return pictures

    def _mux(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            self._container.mux(packet)

    def write_sound(self, frame: Frame) -> int:
        """One more frame of sound; it waits for the first picture. Raises SinkError, OSError.

        Returns how many went into the file by now: what was captured before the first picture does not.
        """
        self._early.append(frame)
        begin_ns = self._pictures.begin_ns if self._pictures is not None else None
        if self._sound_track is None or begin_ns is None:
            return 0
        packets = [self._sound_track.packet(self._av, early, begin_ns) for early in self._early]
        self._early.clear()
        self._mux(filter(None, packets))
        return sum(packet is not None for packet in packets)

    def close(self) -> None:
        """Write the end. Raises OSError."""
        if self._container is not None and self._pictures is not None:
            container, self._container = self._container, None
            try:
                for packet in self._pictures.last_packets():
                    container.mux(packet)
            finally:
                container.close()


def is_container(path: str) -> bool:
    """By the path's ending."""
    return Path(path).suffix.lower() in CONTAINERS
