# SPDX-License-Identifier: Apache-2.0
"""The pictures of a ring as a browser's decoder takes them: from where it can begin on."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from ...bitstream import EntryPoint, PictureFormat, StreamError, picture_format, whole_jpeg
from ...consumer import Consumer
from ...errors import VideoShmError
from ...frame import Codec, Frame, codec_name
from ..decodable import Decodable, Picture

VIDEO = (Codec.H264, Codec.H265, Codec.JPEG)
NO_KEYFRAME = "The producer sends pictures, but no keyframe, with which alone a decoder can begin."
NO_IDR = (
    "This stream begins anew only by gradual refresh or at open GOPs, and this browser needs an IDR. Waiting for one: "
    "let the encoder send IDR keyframes."
)
NO_BYTE_STREAM = "What the producer writes is no byte stream with start codes (Annex B), as a ring has it."


class Part(NamedTuple):
    """What a decoder is given of a frame, of pictures or of sound.

    begins: what the browser is told before, where it begins anew; else None.
    """

    unit: Picture
    begins: dict[str, Any] | None


class Pictures:
    """Of a ring and a codec. needs_idr: the browser can begin at no other entry point.

    waits: why there is nothing for the decoder by now; "" where there is.
    """

    def __init__(self, ring: str, codec: Codec, needs_idr: bool) -> None:
        self.waits = NO_KEYFRAME
        self._ring = ring
        self._codec = codec
        self._needs_idr = needs_idr
        self._decodable = Decodable(needs_idr)
        self._format: PictureFormat | None = None
        self._looked_back = False

    def take(self, frame: Frame) -> Part | None:
        """The next frame; None: there is nothing in it for the decoder."""
        if frame.discontinuity:
            self._format = None
        picture = self._jpeg(frame) if self._codec == Codec.JPEG else self._decodable_picture(frame)
        if picture is None:
            return None
        self.waits = ""
        return Part(picture, self._begins(picture))

    def skip(self) -> None:
        """What came last is not passed on: what leans on it is not either."""
        self._decodable.skip()

    def _jpeg(self, frame: Frame) -> Picture | None:
        """Each stands for itself, whatever its writer flagged."""
        try:
            data = whole_jpeg(frame.data)
        except StreamError as error:
            self.waits = f"What the producer writes is {error}. Look at the camera's cable and at its log."
            return None
        told = picture_format(data, self._codec)
        return Picture(frame, data, EntryPoint.IDR, told, None, begins=told != self._format)

    def _decodable_picture(self, frame: Frame) -> Picture | None:
        picture = self._decodable.take(frame)
        if picture is None and self._decodable.lacks_sets and not self._looked_back:
            self._looked_back = True
            self._look_back(frame.number)
            picture = self._decodable.take(frame)
        if picture is not None and picture.format is None:
            self.waits = NO_BYTE_STREAM
            return None
        if picture is None and self._decodable.refusal is not None:
            self.waits = (
                NO_IDR if self._needs_idr else f"What comes {self._decodable.refusal}. Waiting for the next one."
            )
        return picture

    def _look_back(self, number: int) -> None:
        """For parameter sets in frames that the ring still holds."""
        with suppress(VideoShmError), Consumer(self._ring, start="oldest") as past:
            while (frame := past.receive(0)) is not None and frame.number < number:
                self._decodable.learn(frame.data)

    def _begins(self, picture: Picture) -> dict[str, Any] | None:
        """What a browser is told of a stream whose pictures become others here."""
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
