# SPDX-License-Identifier: Apache-2.0
"""Reads another ring, such as one of another machine that vshm relay imports, and passes its access units through."""

from __future__ import annotations

import errno
from contextlib import suppress

from vshm_ctypes import Codec, Consumer, Flag, Frame, Media, ProducerNotRunning, VideoShmError
from vshm_ctypes.bitstream import AccessUnit, EntryPoint, ParameterSets
from vshm_ctypes.rings import ring_name

from .modes import Wanted
from .source import Captured, SourceError

FIRST_S = 5.0  # to wait for the first frame, which tells what the stream is
ENCODED = (Codec.H264, Codec.H265, Codec.JPEG)


class RingSource:
    """Reads the encoded pictures of a ring, with their times of capture, from a keyframe on.

    Frames that it could not read in time, and frames before which the ring's writer lost some, are discontinuities.
    """

    live = True

    def __init__(self, words: str, wanted: Wanted) -> None:
        try:
            self.name = ring_name(words)
        except ValueError as error:
            raise SourceError(0, str(error), "unsuitable") from None
        self.width = self.height = 0
        self.fps = wanted.fps or 30.0
        self.codec: Codec | None = None
        self._sets: ParameterSets | None = None
        self._stream: Consumer | None = None
        self._first: Frame | None = None
        self._missed = self._discontinuities = 0

    def open(self) -> None:
        """Join the ring, and wait for a frame. Raises SourceError."""
        self.close()
        try:
            self._stream = stream = Consumer(self.name, start="keyframe", resync=True)
            first = stream.receive(FIRST_S)
            media = stream.info().media
        except ProducerNotRunning as error:
            raise SourceError(errno.ENOENT, str(error.strerror), "absent") from None
        except VideoShmError as error:
            self.close()
            raise SourceError(error.errno or 0, str(error.strerror)) from None
        if first is None:
            self.close()
            raise SourceError(0, f"{self.name}: no frame within {FIRST_S:g} s", "streamon")
        if media != Media.VIDEO or first.codec not in ENCODED:
            self.close()
            raise SourceError(0, f"{self.name}: no encoded pictures, which alone are passed through", "unsuitable")
        self.codec, self.width, self.height = Codec(first.codec), first.width, first.height
        if self._sets is None or self._sets.codec != self.codec:
            self._sets = ParameterSets(self.codec)
        self.fps = float(first.fps or self.fps)
        self._first = first

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next access unit, or None after timeout_s seconds. Raises SourceError: the ring has ended."""
        frame, self._first = self._first, None
        if frame is None:
            if self._stream is None or self._sets is None:
                raise SourceError(0, f"{self.name} is not open")
            try:
                frame = self._stream.receive(timeout_s)
            except VideoShmError as error:  # its writer closed it, or died
                raise SourceError(error.errno or 0, str(error.strerror), "unplugged") from None
        if frame is None or self._sets is None:
            return None
        self._missed += frame.missed_before
        is_broken = bool(frame.missed_before or frame.discontinuity)
        self._discontinuities += is_broken
        return Captured(
            frame.capture_ns or frame.publish_ns,
            unit=self._sets.complete(AccessUnit(frame.data, _entry(frame))),
            sequence=frame.sequence,
            from_driver=bool(frame.flags & Flag.CAPTURE_DRIVER),
            discontinuity=is_broken,
        )

    def want_keyframe(self) -> None:
        """Do nothing: nobody can ask the ring's writer."""

    def figures(self) -> dict[str, int]:
        """Return how many frames were missed, and how many were discontinuities."""
        return {"missed": self._missed, "discontinuities": self._discontinuities}

    def close(self) -> None:
        """Leave the ring."""
        stream, self._stream = self._stream, None
        self._first = None
        if stream is not None:
            with suppress(VideoShmError):
                stream.close()


def _entry(frame: Frame) -> EntryPoint:
    if not frame.is_keyframe:
        return EntryPoint.NONE
    return EntryPoint.RECOVERY_POINT if frame.is_recovery_point else EntryPoint.IDR
