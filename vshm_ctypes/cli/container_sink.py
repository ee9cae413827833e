# SPDX-License-Identifier: Apache-2.0
"""A recording in a container, by PyAV: MP4 or Matroska, pictures and sound."""

from __future__ import annotations

import io
from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..frame import Codec, Frame
from .sink import SinkError, time_ns
from .sound_track import SoundTrack

if TYPE_CHECKING:
    from types import ModuleType

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska"}
_DEMUXERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}
_NS = Fraction(1, 1_000_000_000)
EARLY_FRAMES = 256  # of sound, that wait for the first picture
SOUND_LATE_US = 1_000_000  # so long pictures are held back for sound that belongs before them


class ContainerSink:
    """MP4 or Matroska, remuxed. Fragmented, so that it needs no end to be playable.

    sound: a frame of the sound that is to go with the pictures.
    """

    def __init__(self, path: Path, force: bool, sound: Frame | None = None) -> None:
        try:
            import av
        except ImportError:
            advice = "pip install 'video-shm[hil]', or record to .h264, .h265 or .mjpeg"
            raise SinkError(0, f"{path.suffix} needs PyAV: {advice}") from None
        if not force:
            path.open("xb").close()
        self._av: ModuleType = av
        self._path = path
        self._container: Any = None
        self._kind: tuple[int, int, int] | None = None
        self._sound = sound
        self._sound_track: SoundTrack | None = None
        self._early: deque[Frame] = deque(maxlen=EARLY_FRAMES)
        self._first_ns = 0
        self._last_pts = -1

    def _begin(self, frame: Frame) -> None:
        demuxer = _DEMUXERS.get(Codec(frame.codec)) if frame.codec in set(Codec) else None
        if demuxer is None:
            raise SinkError(0, f"codec {frame.codec} does not go into {self._path.suffix}")
        kind = CONTAINERS[self._path.suffix.lower()]
        options = {"fflags": "+flush_packets", "max_interleave_delta": str(SOUND_LATE_US)}
        if kind == "mp4":
            options["movflags"] = "frag_keyframe+empty_moov+default_base_moof"
        # What a container's header needs to know of the stream is in its first keyframe.
        with self._av.open(io.BytesIO(frame.data), format=demuxer) as probe:
            template = probe.streams.video[0]
            if not template.width:
                raise self._av.error.InvalidDataError(0, "no parameter sets")
            self._container = self._av.open(str(self._path), "w", format=kind, options=options)
            self._stream = self._container.add_stream_from_template(template)
        if self._sound is not None:
            self._sound_track = SoundTrack(self._container, self._sound)
        self._kind = (frame.codec, frame.width, frame.height)
        self._first_ns = time_ns(frame)

    def write(self, frame: Frame) -> None:
        """One more access unit; the first must be a keyframe. Raises SinkError, OSError."""
        try:
            self._write(frame)
        except self._av.error.InvalidDataError:
            advice = "look at the writer's encoder; a raw recording (.h264) shows what it is"
            raise SinkError(0, f"frame {frame.number} is none that {self._path.suffix} can hold: {advice}") from None

    def _write(self, frame: Frame) -> None:
        if self._container is None:
            self._begin(frame)
        elif self._kind != (frame.codec, frame.width, frame.height):
            raise SinkError(0, "the stream's codec or picture changed: record into a new file")
        packet = self._av.Packet(frame.data)
        packet.stream = self._stream
        packet.time_base = _NS
        # Never back, whatever the camera's clock does: containers refuse it. A millisecond is what Matroska has.
        self._last_pts = max(time_ns(frame) - self._first_ns, self._last_pts + 1_000_000)
        packet.pts = packet.dts = self._last_pts
        packet.is_keyframe = frame.is_keyframe
        self._container.mux(packet)

    def write_sound(self, frame: Frame) -> int:
        """One more frame of sound; it waits for the first picture. Raises SinkError, OSError.

        Returns how many went into the file by now: what was captured before the first picture does not.
        """
        self._early.append(frame)
        if self._sound_track is None:
            return 0
        packets = [self._sound_track.packet(self._av, early, self._first_ns) for early in self._early]
        self._early.clear()
        for packet in filter(None, packets):
            self._container.mux(packet)
        return sum(packet is not None for packet in packets)

    def close(self) -> None:
        """Write the end. Raises OSError."""
        if self._container is not None:
            container, self._container = self._container, None
            container.close()


def is_container(path: str) -> bool:
    """By the path's ending."""
    return Path(path).suffix.lower() in CONTAINERS
