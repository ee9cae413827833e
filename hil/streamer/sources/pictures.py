# SPDX-License-Identifier: Apache-2.0
"""A file's pictures, decoded, in the order in which they are shown."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

import av
from av.codec.context import Flags

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, StreamError, read_jpeg, whole_jpeg

from .clip import Clip
from .exif import exif_orientation
from .turned import Turner

# Their decoders wait by themselves for a picture that they can begin with, a recovery point too; others make a mess.
WAIT_BY_THEMSELVES = {"h264", "hevc"}
_BOTTOM_FIRST, _TOP_FIRST = "MJPG", "jpeg"  # what FFmpeg's decoder makes of words for Motion JPEG
MOST_BEFORE_KEY = 1000  # packets: then a decoder may make of them what it can


class Item(NamedTuple):
    """A picture, decoded or as the file has it; neither: a damaged one.

    time_s: on the file's own clock, when it is its turn; None: it has no time. early_s: so much before its turn it was
    to be shown. length_s: 0: not known. begins: the file, once more. breaks: it does not follow from the one before.
    """

    picture: av.VideoFrame | None = None
    unit: AccessUnit | None = None
    time_s: float | None = None
    early_s: float = 0.0
    length_s: float = 0.0
    begins: bool = False
    breaks: bool = False

    @property
    def bad(self) -> bool:
        """Whether it is damaged."""
        return self.picture is None and self.unit is None


class Pictures:
    """From the beginning of a clip that was just opened to its end.

    passed_over: packets before the first keyframe. damaged: pictures that the decoder made whole as well as it could.
    why: what it said of the last one that it could not. has_fields: a packet has two pictures of half the height each.
    """

    codec: Codec | None = None

    def __init__(self, clip: Clip) -> None:
        clip.stream.thread_type = "AUTO"
        # Else what is cropped on the left by less than suits the processor is not cropped, and the picture is wider.
        clip.stream.codec_context.flags |= Flags.unaligned
        self._clip = clip
        self._name = clip.stream.codec_context.codec.canonical_name
        self._waits_for_key = self._name not in WAIT_BY_THEMSELVES
        self._turner: Turner | None = None
        self.passed_over = self.damaged = 0
        self.why = ""
        self.has_fields = False

    def more(self) -> list[Item]:
        """What comes of the next packet, which may be nothing. Raises EOFError at the end, SourceError."""
        packet = self._clip.packet()
        if packet is None:
            raise EOFError(f"{self._clip.path} has ended")
        if packet.size:
            if self._turner is None:
                self._turner = Turner(exif_orientation(bytes(packet)))
                self._believe(packet)
            if self._waits_for_key and not packet.is_keyframe and self.passed_over < MOST_BEFORE_KEY:
                self.passed_over += 1
                return []
            self._waits_for_key = False
        try:
            if packet.size and self._name == "mjpeg":
                whole_jpeg(bytes(packet))  # of one that is cut off the decoder would make grey, and say nothing
            return [self._item(picture) for picture in packet.decode()]
        except StreamError as error:
            self.why = str(error)
        except av.FFmpegError as error:
            self.why = f"FFmpeg's decoder of {self._name} can't read it ({error.strerror})"
        return [Item()]

    def _believe(self, first: Any) -> None:
        """Of Motion JPEG, the size in the pictures, unless they say that they are fields: of less lines than the file
        tells, FFmpeg takes them for fields anyway, and weaves two pictures into one. Which field comes first, it takes
        from the container's word for the codec, and passes over what the fields themselves say.
        """
        context = self._clip.stream.codec_context
        with contextlib.suppress(StreamError):
            picture = read_jpeg(bytes(first)) if self._name == "mjpeg" else None
            if picture is None:
                return
            self.has_fields = picture.is_field
            if self.has_fields:
                context.codec_tag = _BOTTOM_FIRST if picture.is_bottom_field else _TOP_FIRST
            else:
                context.width = context.height = 0

    def _item(self, picture: Any) -> Item:
        assert self._turner is not None
        self.damaged += picture.is_corrupt
        stamp = picture.dts if self._clip.dated_by_dts or picture.pts is None else picture.pts
        length = 0 if self._clip.dated_by_dts else picture.duration
        return Item(
            self._turner.turn(picture), time_s=self._clip.seconds(stamp), length_s=self._clip.seconds(length) or 0.0
        )

    @property
    def turned(self) -> bool:
        """Whether the last one was stored on its side, or mirrored."""
        return self._turner is not None and self._turner.turned

    def size(self, first: Item) -> tuple[int, int]:
        """Width and height, in pixels."""
        assert first.picture is not None
        return first.picture.width, first.picture.height
