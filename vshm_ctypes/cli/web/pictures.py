# SPDX-License-Identifier: Apache-2.0
"""Prepares the pictures of a ring for a browser's decoder, from an entry point on."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...bitstream import EntryPoint, PictureFormat, StreamError, picture_format, whole_jpeg
from ...codec import Codec, codec_name
from ...decodable import Picture
from ...earlier import DecodableOfRing
from ...frame import Frame

VIDEO = (Codec.H264, Codec.H265, Codec.JPEG)
NO_KEYFRAME = "The producer sends pictures, but no keyframe, with which alone a decoder can begin."
NO_IDR = (
    "This stream begins anew only by gradual refresh or at open GOPs, and this browser needs an IDR. Waiting for one: "
    "let the encoder send IDR keyframes."
)
NO_BYTE_STREAM = "What the producer writes is no byte stream with start codes (Annex B), as a ring has it."


class Part(NamedTuple):
    """What a decoder gets of a frame.

    Attributes:
        unit: the frame.
        begins: the description of the stream, to be sent first, if it begins or changes here; else None.
    """

    unit: Picture
    begins: dict[str, Any] | None


class Pictures:
    """The pictures of a ring in one codec. needs_idr says that the browser can begin at an IDR picture only.

    Attributes:
        waits: why there is nothing for the decoder yet; empty if there is.
    """

    def __init__(self, ring: str, codec: Codec, needs_idr: bool) -> None:
        self.waits = NO_KEYFRAME
        self._codec = codec
        self._needs_idr = needs_idr
        self._decodable = DecodableOfRing(ring, needs_idr)
        self._format: PictureFormat | None = None

    def take(self, frame: Frame) -> Part | None:
        """Take the next frame. Returns None if there is nothing in it for the decoder."""
        if frame.discontinuity:
            self._format = None
        picture = self._jpeg(frame) if self._codec == Codec.JPEG else self._decodable_picture(frame)
        if picture is None:
            return None
        self.waits = ""
        return Part(picture, self._begins(picture))

    def skip(self) -> None:
        """Note that the last frame was not passed on, so that frames that refer to it are left out too."""
        self._decodable.skip()

    def _jpeg(self, frame: Frame) -> Picture | None:
        """Return a JPEG picture, which is an entry point whatever its writer flagged."""
        try:
            data = whole_jpeg(frame.data)
        except StreamError as error:
            self.waits = f"What the producer writes is {error}. Look at the camera's cable and at its log."
            return None
        told = picture_format(data, self._codec)
        return Picture(frame, data, EntryPoint.IDR, told, None, begins=told != self._format)

    def _decodable_picture(self, frame: Frame) -> Picture | None:
        picture = self._decodable.take(frame)
        if picture is not None and picture.format is None:
            self.waits = NO_BYTE_STREAM
            return None
        if picture is None and self._decodable.refusal is not None:
            self.waits = (
                NO_IDR if self._needs_idr else f"What comes {self._decodable.refusal}. Waiting for the next one."
            )
        return picture

    def _begins(self, picture: Picture) -> dict[str, Any] | None:
        """Return the description of the stream if the format of its pictures changes here."""
        now = picture.format
        if now is None or now == self._format:
            return None
        self._format = now
        return {
            "media": "video",
            "codec": codec_name(self._codec),
            "codec_string": now.codec_string,
            "width": now.width,
            "height": now.height,
            "reorders": now.reorders,
        }
