# SPDX-License-Identifier: Apache-2.0
"""Decodes a camera's JPEG pictures, and refuses damaged ones, which FFmpeg would otherwise complete by guessing."""

from __future__ import annotations

import time
from collections.abc import Callable

import av

from vshm_ctypes.bitstream import StreamError, read_jpeg

from ..log import LOG

# FFmpeg then refuses codes that do not exist, and data that ends too early. Bits that are left over pass: cameras pad.
_STRICT = {"err_detect": "explode"}
# An eighth of width and height: all codes are read, and next to nothing is computed of them.
_REDUCED = {"lowres": "3"}
_SUPPORTED = frozenset({0xC0, 0xC1, 0xC2})  # frame headers: sequential and progressive with Huffman codes
MOST_SHARE = 0.25  # of a core, for checking pictures that need not be decoded
MOST_SAVED_S = 0.25  # of processor time
HABIT = 60  # pictures


class JpegDecoder:
    """Decodes or checks pictures, one after the other, on one thread.

    unchecked: pictures for which the allowance of processor time did not suffice. clock, cpu_clock: in seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, cpu_clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._full, self._reduced, self._lenient = (
            av.CodecContext.create("mjpeg", "r") for _ in range(3)
        )  # each takes memory when it is used
        self._full.options, self._reduced.options = dict(_STRICT), _STRICT | _REDUCED
        self._clock, self._cpu_clock = clock, cpu_clock
        self._saved_s, self._last_s = MOST_SAVED_S, clock()
        self._damaged: int | None = 0  # pictures, as long as none was whole
        self.unchecked = 0

    def decode(self, data: bytes) -> av.VideoFrame:
        """Return the decoded picture. Raises StreamError if it is damaged."""
        try:
            found = self._strictly(self._full, data) or self._lenient.decode(av.Packet(data))
        except av.FFmpegError as error:
            raise StreamError(f"FFmpeg can't decode the picture: {error.strerror}") from None
        if not found:
            raise StreamError("FFmpeg finds no picture in it")
        return found[0]

    def check(self, data: bytes, always: bool = False) -> None:
        """Raise StreamError if a picture is damaged, which costs less than to decode it.

        It takes a limited share of a core. Pictures for which that does not suffice pass, unless always is true.
        """
        now_s, cpu_s = self._clock(), self._cpu_clock()
        self._saved_s = min(self._saved_s + (now_s - self._last_s) * MOST_SHARE, MOST_SAVED_S)
        self._last_s = now_s
        if self._saved_s <= 0 and not always:
            self.unchecked += 1
            return
        try:
            self._strictly(self._reduced, data)
        except av.FFmpegError:
            return  # it can't be told
        finally:
            self._saved_s -= self._cpu_clock() - cpu_s

    def _strictly(self, decoder: av.VideoCodecContext, data: bytes) -> list[av.VideoFrame]:
        """Return what a strict decoder makes of a picture; nothing if it refuses all of this camera's pictures.

        Raises StreamError, or FFmpegError if it can't tell.
        """
        try:
            found = decoder.decode(av.Packet(data))
        except av.error.InvalidDataError:
            frame = read_jpeg(data).frame
            if frame is not None and frame.marker not in _SUPPORTED:
                raise
            if self._damaged is None or self._damaged < HABIT:
                self._damaged = None if self._damaged is None else self._damaged + 1
                raise StreamError("a damaged JPEG picture: its coded data is wrong or incomplete") from None
            if self._damaged == HABIT:
                self._damaged += 1
                LOG.warning("FFmpeg refuses each of the camera's JPEG pictures: they are handed on as they are")
            return []
        self._damaged = None
        return found
