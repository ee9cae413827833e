# SPDX-License-Identifier: Apache-2.0
"""The pictures of a ring as a decoder takes them that begins with them, whatever their writer flagged.

A decoder begins at an entry point that has its parameter sets; what it could not decode before that is left out.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from ...bitstream import (
    AccessUnit,
    EntryPoint,
    ParameterSets,
    PictureFormat,
    PictureOrder,
    StreamError,
    entry_point,
    nal_units,
    picture_format,
    whole_jpeg,
)
from ...bitstream.picture_order import Order
from ...consumer import Consumer
from ...errors import VideoShmError
from ...frame import Codec, Frame
from ..survey import codec_name

VIDEO = (Codec.H264, Codec.H265, Codec.JPEG)
_H265_VPS = 32


class Part(NamedTuple):
    """What a decoder is given of a frame. begins: what it is told before, where it begins anew; else None."""

    data: bytes
    entry: EntryPoint
    begins: dict[str, Any] | None


class Pictures:
    """Of a ring and a codec. needs_idr: the browser can begin at no other entry point.

    waits: why there is nothing for the decoder by now, by the name of the viewer's state; "" where there is.
    """

    def __init__(self, ring: str, codec: Codec, needs_idr: bool) -> None:
        self.waits = "no keyframe"
        self._ring = ring
        self._codec = codec
        self._needs_idr = needs_idr
        self._format: PictureFormat | None = None
        self._follows = False  # whether a decoder knows what the next picture leans on
        self._sets = ParameterSets(codec)
        self._leading: tuple[PictureOrder, Order] | None = None
        self._looked_back = False

    def take(self, frame: Frame) -> Part | None:
        """The next frame; None: there is nothing in it for the decoder."""
        if frame.discontinuity:
            self._format = None
        if frame.discontinuity or frame.missed_before:
            self._follows = False
        try:
            part = self._jpeg(frame) if self._codec == Codec.JPEG else self._unit(frame)
        except StreamError:  # of JPEG: each picture stands for itself
            self.waits = "no JPEG"
            return None
        if part is not None:
            self.waits = ""
        return part

    def _jpeg(self, frame: Frame) -> Part:
        data = whole_jpeg(frame.data)
        return Part(data, EntryPoint.IDR, self._begins(data, frame))

    def _unit(self, frame: Frame) -> Part | None:
        entry = entry_point(frame.data, self._codec)
        if entry is EntryPoint.NONE:
            self._sets.learn(frame.data)
            if not self._follows:
                self._wait_for_entry(frame)
                return None
            return None if self._is_leading(frame.data) else Part(frame.data, entry, None)
        unit = self._complete(AccessUnit(frame.data, entry), frame.number)
        if not self._follows and not self._can_begin(unit):
            return None
        self._follows = True
        return Part(unit.data, entry, self._begins(unit.data, frame))

    def _begins(self, data: bytes, frame: Frame) -> dict[str, Any] | None:
        """What a browser is told of a stream whose pictures become others here."""
        now = picture_format(data, self._codec)
        if now is None or now == self._format:
            return None
        self._format = now
        return {
            "media": "video",
            "codec": codec_name(frame.codec),
            "codec_string": now.codec_string,
            "width": now.width,
            "height": now.height,
            "reorders": now.reorders,
        }

    # ---- where it begins ----

    def _wait_for_entry(self, frame: Frame) -> None:
        if next(nal_units(frame.data, self._codec), None) is None:
            self.waits = "no stream"
        elif self.waits in ("", "no stream"):
            self.waits = "no keyframe"

    def _can_begin(self, unit: AccessUnit) -> bool:
        if self._needs_idr and unit.entry is not EntryPoint.IDR:
            self.waits = "no IDR"
            return False
        order = PictureOrder(self._codec)
        first = order.take(unit.data)
        if first is None or not self._has_vps(unit.data):
            self.waits = "no parameter sets"
            return False
        self._leading = (order, first) if unit.entry is EntryPoint.RECOVERY_POINT else None
        return True

    def _has_vps(self, data: bytes) -> bool:
        return self._codec != Codec.H265 or any(nal.kind == _H265_VPS for nal in nal_units(data, self._codec))

    def _is_leading(self, data: bytes) -> bool:
        """Whether it is shown before the recovery point that a decoder began at: it leans on what came before that."""
        if self._leading is None:
            return False
        order, first = self._leading
        now = order.take(data)
        if now is not None and now < first:
            return True
        self._leading = None  # those behind it are shown behind it
        return False

    def _complete(self, unit: AccessUnit, number: int) -> AccessUnit:
        """With the parameter sets that came before, if it lacks any: in frames that the ring still holds, too."""
        unit = self._sets.complete(unit)
        if PictureOrder(self._codec).take(unit.data) is None and not self._looked_back:
            self._looked_back = True
            self._look_back(number)
            unit = self._sets.complete(unit)
        return unit

    def _look_back(self, number: int) -> None:
        with suppress(VideoShmError), Consumer(self._ring, start="oldest") as past:
            while (frame := past.receive(0)) is not None and frame.number < number:
                self._sets.learn(frame.data)
