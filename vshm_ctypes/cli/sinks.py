# SPDX-License-Identifier: Apache-2.0
"""Where a recording goes: the raw elementary stream, or a container by PyAV."""

from __future__ import annotations

import io
import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..frame import Codec, Frame

if TYPE_CHECKING:
    from types import ModuleType

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska"}
_DEMUXERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}
_NS = Fraction(1, 1_000_000_000)


class SinkError(OSError):
    """The recording can't begin, or can't go on in this file."""


class Sink(Protocol):
    """Takes frames in order; what was written stays playable whenever it ends."""

    def write(self, frame: Frame) -> None:
        """One more access unit."""

    def close(self) -> None:
        """Nothing more comes."""


class ElementarySink:
    """The access units one after the other, as a decoder takes them. path: None is stdout."""

    def __init__(self, path: Path | None, force: bool) -> None:
        if path is None:
            self._file: Any = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
        else:
            self._file = path.open("wb" if force else "xb", buffering=0)

    def write(self, frame: Frame) -> None:
        """One more access unit, straight to the file. Raises OSError; then the file ends with the one before."""
        rest = memoryview(frame.data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            if self._file.seekable():
                self._file.truncate(self._file.tell() - (frame.size - len(rest)))
            raise

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


def time_ns(frame: Frame) -> int:
    """When the frame was captured, on one clock for all frames of a stream, as well as the ring tells."""
    return frame.capture_ns or frame.publish_ns or frame.timestamp_ms * 1_000_000


class ContainerSink:
    """MP4 or Matroska, remuxed. Fragmented, so that it needs no end to be playable."""

    def __init__(self, path: Path, force: bool) -> None:
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
        self._first_ns = 0
        self._last_pts = -1

    def _begin(self, frame: Frame) -> None:
        demuxer = _DEMUXERS.get(Codec(frame.codec)) if frame.codec in set(Codec) else None
        if demuxer is None:
            raise SinkError(0, f"codec {frame.codec} does not go into {self._path.suffix}")
        # What a container's header needs to know of the stream is in its first keyframe.
        with self._av.open(io.BytesIO(frame.data), format=demuxer) as probe:
            kind = CONTAINERS[self._path.suffix.lower()]
            options = {"fflags": "+flush_packets"}
            if kind == "mp4":
                options["movflags"] = "frag_keyframe+empty_moov+default_base_moof"
            self._container = self._av.open(str(self._path), "w", format=kind, options=options)
            self._stream = self._container.add_stream_from_template(probe.streams.video[0])
        self._kind = (frame.codec, frame.width, frame.height)
        self._first_ns = time_ns(frame)

    def write(self, frame: Frame) -> None:
        """One more access unit; the first must be a keyframe. Raises SinkError, OSError."""
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

    def close(self) -> None:
        """Write the end. Raises OSError."""
        if self._container is not None:
            container, self._container = self._container, None
            container.close()


def open_sink(path: str, force: bool) -> Sink:
    """By the path's ending; "-" is stdout. Raises SinkError, FileExistsError, OSError."""
    if path == "-":
        return ElementarySink(None, force)
    kind = ContainerSink if Path(path).suffix.lower() in CONTAINERS else ElementarySink
    return kind(Path(path), force)
