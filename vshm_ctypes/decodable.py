# SPDX-License-Identifier: Apache-2.0
"""Selects the frames that a decoder can use when nothing before the recording, or within a gap, is known to it."""

from __future__ import annotations

from typing import NamedTuple

from .bitstream import (
    AccessUnit,
    EntryPoint,
    Order,
    ParameterSets,
    PictureFormat,
    PictureOrder,
    entry_point,
    nal_units,
    picture_format,
)
from .codec import Codec
from .frame import Frame

_CODED = (Codec.H264, Codec.H265)  # in byte stream format; of other codecs each keyframe stands for itself
# The parameter sets that decoding needs: NAL unit types (table 7-1 of both standards) and names.
SETS: dict[int, dict[int, str]] = {
    Codec.H264: {7: "SPS", 8: "PPS"},
    Codec.H265: {32: "VPS", 33: "SPS", 34: "PPS"},
}
_H265_SLICES = range(32)
_RASL = (8, 9)  # random access skipped leading pictures, which refer to pictures before the entry point


class Picture(NamedTuple):
    """A frame to be recorded.

    Attributes:
        frame: the frame as it was read.
        data: its bytes, with parameter sets added where a decoder begins.
        entry: whether decoding can begin at it.
        format: what the stream says about its pictures, or None.
        order: its place in output order; None if the stream does not tell, as with JPEG.
        begins: whether it starts a sequence that neither needs nor may use anything before it.
    """

    frame: Frame
    data: bytes
    entry: EntryPoint
    format: PictureFormat | None
    order: Order | None
    begins: bool


def parameter_sets(data: bytes, codec: int) -> frozenset[bytes]:
    """Return the parameter sets in an access unit, without start codes."""
    kinds = SETS.get(codec, {})
    return frozenset(data[nal.header : nal.end] for nal in nal_units(data, codec) if nal.kind in kinds)


def _is_byte_stream(data: bytes, codec: int) -> bool:
    """Return whether the data begins with a start code, as annex B of both standards requires."""
    first = next(nal_units(data, codec), None)
    return first is not None and not data[: first.begin].strip(b"\0")


class Decodable:
    """Passes on frames from an entry point with its parameter sets on, and after a gap again from the next one on.

    The writer's keyframe flag counts only where the payload does not tell. With needs_idr the decoder begins at IDR
    pictures only.

    Attributes:
        refusal: why the last frame was not passed on, if its writer can mend that; else None.
        lacks_sets: whether the last frame was refused for lack of parameter sets, which learn() may supply.
    """

    def __init__(self, needs_idr: bool = False) -> None:
        self.refusal: str | None = None
        self.lacks_sets = False
        self._needs_idr = needs_idr
        self._codec: int | None = None
        self._begun = False
        self._format: PictureFormat | None = None
        self._point: Order | None = None  # order of the recovery point where decoding began, until the next entry point

    def _change(self, codec: int) -> None:
        self._codec, self._begun, self._format = codec, False, None
        if codec in _CODED:
            self._sets, self._orders = ParameterSets(Codec(codec)), PictureOrder(Codec(codec))

    def take(self, frame: Frame) -> Picture | None:
        """Return the next frame as it is to be recorded, or None if a decoder can't use it."""
        self.refusal, self.lacks_sets = None, False
        if frame.codec != self._codec:
            self._change(frame.codec)
        if frame.missed_before or frame.discontinuity:
            self._begun = False
        if frame.codec not in _CODED or not _is_byte_stream(frame.data, frame.codec):
            return self._take_unread(frame)
        entry = entry_point(frame.data, frame.codec)
        if not self._begun:
            return self._begin(frame, entry)
        self._sets.learn(frame.data)
        order = self._orders.take(frame.data)
        if entry is not EntryPoint.NONE:
            self._point = None
            self._format = picture_format(frame.data, frame.codec) or self._format
        elif self._leads(frame, order):
            return None
        return Picture(frame, frame.data, entry, self._format, order, begins=False)

    def skip(self) -> None:
        """Discard the last frame, and go on from the next entry point."""
        self._begun = False

    def learn(self, data: bytes) -> None:
        """Take parameter sets from data that came before the first frame."""
        if self._codec in _CODED:
            self._sets.learn(data)

    def _take_unread(self, frame: Frame) -> Picture | None:
        """Take a frame whose payload is not parsed, or that stands for itself, as JPEG does."""
        entry = EntryPoint.IDR if frame.is_keyframe else EntryPoint.NONE
        begins = not self._begun
        if begins and entry is EntryPoint.NONE:
            return None
        self._begun, self._point = True, None
        # Of a stream that does not begin with start codes, some pictures would tell their format, and others not.
        self._format = picture_format(frame.data, frame.codec) if frame.codec not in _CODED else None
        return Picture(frame, frame.data, entry, self._format, None, begins)

    def _begin(self, frame: Frame, entry: EntryPoint) -> Picture | None:
        codec = Codec(frame.codec)
        unit = self._sets.complete(AccessUnit(frame.data, entry))
        if entry is EntryPoint.NONE:
            if frame.is_keyframe:
                self.refusal = "is flagged as a keyframe, but decoding can't begin there"
            return None
        if self._needs_idr and entry is not EntryPoint.IDR:
            self.refusal = "is an entry point for others, but no IDR: let its encoder send IDR keyframes"
            return None
        self._orders = PictureOrder(codec)
        order = self._orders.take(unit.data)
        missing = set(SETS[codec]) - {nal.kind for nal in nal_units(unit.data, codec)}
        if missing or order is None:
            names = ", ".join(SETS[codec][kind] for kind in sorted(missing or SETS[codec]))
            self.refusal = f"is a keyframe without its parameter sets ({names}): let its encoder repeat them with each"
            self.lacks_sets = True
            return None
        self._begun = True
        self._format = picture_format(unit.data, codec)
        self._point = order if entry is EntryPoint.RECOVERY_POINT else None
        return Picture(frame, unit.data, entry, self._format, order, begins=True)

    def _leads(self, frame: Frame, order: Order | None) -> bool:
        """Return whether the frame precedes the recovery point in output order, and refers to unrecorded pictures."""
        if self._point is None:
            return False
        if frame.codec == Codec.H265:
            kinds = (nal.kind for nal in nal_units(frame.data, frame.codec) if nal.kind in _H265_SLICES)
            return next(kinds, None) in _RASL
        return order is not None and order.sequence == self._point.sequence and order < self._point
