# SPDX-License-Identifier: Apache-2.0
"""Decodes a file's pictures in the order in which they are shown."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

import av
from av.codec.context import Flags

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, StreamError, read_jpeg, whole_jpeg
from vshm_ctypes.bitstream.exif import exif_orientation

from .clip import Clip
from .turned import Turner

# These decoders themselves wait for a picture at which they can start, such as a recovery point; others do not.
WAIT_BY_THEMSELVES = {"h264", "hevc"}
_BOTTOM_FIRST, _TOP_FIRST = "MJPG", "jpeg"  # codec tags by which FFmpeg's decoder orders the fields of Motion JPEG
MOST_BEFORE_KEY = 1000  # packets; without a keyframe in these, the decoder starts anywhere


class Item(NamedTuple):
    """A decoded picture or an access unit of the file, or neither if it is damaged.

    time_s: when it is due on the file's own clock, or None if it has no time. early_s: how much earlier than that it is
    shown. length_s: 0 if unknown. begins: it is the first of a round through the file. breaks: it does not continue the
    one before.
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
    """Decodes the pictures of a newly opened clip from start to end.

    passed_over: packets before the first keyframe. damaged: pictures that were decoded in spite of errors. why: the
    decoder's last error. has_fields: a packet contains two pictures of half the height each. threads: the decoder may
    use several; for a few pictures it is not worth their memory.
    """

    codec: Codec | None = None

    def __init__(self, clip: Clip, threads: bool = True) -> None:
        clip.stream.thread_type = "AUTO" if threads else "NONE"
        # Otherwise a left crop smaller than the processor's alignment is ignored, and the picture is wider.
        clip.stream.codec_context.flags |= Flags.unaligned
        self._clip = clip
        self._name = clip.stream.codec_context.codec.canonical_name
        self._waits_for_key = self._name not in WAIT_BY_THEMSELVES
        self._turner: Turner | None = None
        self.passed_over = self.damaged = 0
        self.why = ""
        self.has_fields = False

    def more(self) -> list[Item]:
        """Return the pictures of the next packet, possibly none. Raises SourceError, or EOFError at the end."""
        packet = self._clip.packet()
        if packet is None:
            raise EOFError(f"{self._clip.path} has ended")
        if packet.size:
            if self._turner is None:
                self._turner = Turner(exif_orientation(bytes(packet)), is_h264=self._name == "h264")
                self._believe(packet)
            if self._waits_for_key and not packet.is_keyframe and self.passed_over < MOST_BEFORE_KEY:
                self.passed_over += 1
                return []
            self._waits_for_key = False
        try:
            if packet.size and self._name == "mjpeg":
                whole_jpeg(bytes(packet))  # the decoder would silently fill an incomplete one with grey
            return [self._item(picture) for picture in packet.decode()]
        except StreamError as error:
            self.why = str(error)
        except av.FFmpegError as error:
            self.why = f"FFmpeg's decoder of {self._name} can't read it ({error.strerror})"
        return [Item()]

    def _believe(self, first: Any) -> None:
        """Believe the size in Motion JPEG's pictures, unless they declare themselves as fields.

        If they have fewer lines than the file says, FFmpeg takes them for fields anyway and interleaves two pictures.
        It also takes the order of fields from the container's codec tag, and ignores what the fields themselves
        declare.
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
        """Whether the last picture was stored rotated or mirrored."""
        return self._turner is not None and self._turner.turned

    def size(self, first: Item) -> tuple[int, int]:
        """Return width and height in pixels."""
        assert first.picture is not None
        return first.picture.width, first.picture.height
