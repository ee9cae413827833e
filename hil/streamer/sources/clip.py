# SPDX-License-Identifier: Apache-2.0
"""Reads one stream of a file, packet by packet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import av
from av.format import Flags

from .source import SourceError

Media = Literal["video", "audio"]
MOST_FPS = 1000.0  # a larger number is a time base, not a rate
# Raw streams by file name suffix: FFmpeg does not recognize all by content, for instance those with prefix NAL units.
RAW = {".h264": "h264", ".264": "h264", ".avc": "h264", ".h265": "hevc", ".265": "hevc", ".hevc": "hevc"}
_ADVICE: dict[Media, str] = {
    "video": "its sound is played by --audio file:PATH",
    "audio": "choose another file, or leave --audio away",
}
DATED_BY_DTS = {"avi", "asf"}
PLAIN_FPS = 25.0  # FFmpeg's default for files without a rate


class Clip:
    """One stream of a file. fps: for files without a rate of their own, such as raw streams and single pictures.

    stream: PyAV's. start_s: the earliest time of the file's pictures and sound, on its own clock. length_s: the length
    of both together, or 0 if unknown. has_times: whether its packets have times; a raw stream's have none.
    """

    def __init__(self, path: str, kind: Media, fps: float = 0.0) -> None:
        self.path = path
        self._kind: Media = kind
        self._fps = fps
        self._container: Any = None
        self.stream: Any = None
        self.start_s = self.length_s = 0.0
        self.has_times = True

    def open(self) -> None:
        """Open the file at its start. Raises SourceError."""
        self.close()
        options = {"framerate": f"{self._fps:g}"} if self._fps else {}
        place = self.path
        if Path(self.path).exists():  # so that a colon in its name is no protocol, and a % no sequence of pictures
            place, options["pattern_type"] = f"file:{self.path}", "none"
        try:
            self._container = self._opened(place, options)
        except (av.error.InvalidDataError, av.error.EOFError):
            raise SourceError(0, f"{self.path}: no pictures or sound in a form that FFmpeg knows", "absent") from None
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(0, f"{self.path}: {getattr(error, 'strerror', None) or error}", "absent") from None
        self.stream = self._container.streams.best(self._kind)
        if self.stream is None:
            self.close()
            raise SourceError(0, f"{self.path}: no {self._kind} in it; {_ADVICE[self._kind]}", "unsuitable")
        if self.stream.codec_context is None:
            self.close()
            raise SourceError(0, f"{self.path}: this PyAV has no decoder for the {self._kind} in it", "unsuitable")
        self.has_times = not self._container.format.flags & Flags.no_timestamps.value
        found = [self._container.streams.best(kind) for kind in ("video", "audio")]
        begins = [stream.start_time * stream.time_base for stream in found if stream and stream.start_time is not None]
        self.start_s = float(min(begins, default=0))
        self.length_s = (self._container.duration or 0) / av.time_base
        base = self.stream.time_base
        self._base = (base.numerator, base.denominator) if base else (0, 1)
        self._packets = self._container.demux(self.stream)

    def _opened(self, place: str, options: dict[str, str]) -> Any:
        try:
            return av.open(place, options=options)
        except av.error.InvalidDataError:
            raw = RAW.get(Path(self.path).suffix.lower())
            if raw is None:
                raise
            return av.open(place, format=raw, options=options)

    @property
    def dated_by_dts(self) -> bool:
        """Whether packets have decoding times only.

        PyAV then guesses the presentation times, and gives each H.264 picture that of the next one: 2 s late before a
        gap of 2 s (18.1, findings/).
        """
        return self._container.format.name in DATED_BY_DTS

    @property
    def fps(self) -> float:
        """The rate that the file declares, which may be wrong."""
        rates = [self.stream.average_rate, self.stream.guessed_rate]
        told = [rate for rate in (rates if self.has_times else rates[::-1]) if rate and rate <= MOST_FPS]
        return float(told[0]) if told else self._fps or PLAIN_FPS

    def seconds(self, stamp: int | None) -> float | None:
        """Convert a time in the stream's time base to seconds.

        Returns None if there is none, or if it makes no sense.
        """
        return stamp * self._base[0] / self._base[1] if stamp is not None and self.has_times else None

    def packet(self) -> Any:
        """Return the next packet; after the last one an empty packet, which flushes decoders, and then None.

        Raises SourceError.
        """
        try:
            return next(self._packets, None)
        except av.FFmpegError as error:
            raise SourceError(0, f"{self.path}: FFmpeg can't read it on ({error.strerror})") from None

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        if self._container is not None:
            self._container.close()
            self._container = None
