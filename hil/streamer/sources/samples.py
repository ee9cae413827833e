# SPDX-License-Identifier: Apache-2.0
"""Makes access units of a container's samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, EntryPoint, Splitter, StreamError, entry_point
from vshm_ctypes.bitstream.h264 import PPS, SPS, read_pps, read_sps
from vshm_ctypes.bitstream.nal import START_CODE, SYNTAXES, find_start

_PARTITION = 2  # of an H.264 slice, whose other parts follow; a slice of H.265 that has this type is rare
# NAL units that may come before the slices of a picture: parameter sets, SEI, delimiters.
_BEFORE = {Codec.H264: frozenset({6, 7, 8, 9}), Codec.H265: frozenset({32, 33, 34, 35, 39})}
_DELIMITERS = {Codec.H264: 9, Codec.H265: 35}
_DEPENDENT = {Codec.H264: frozenset({1}), Codec.H265: frozenset(range(10))}  # slices where decoding can't begin
_FIRST = 0x80  # of the first byte of a slice: it is the first of its picture


class _Sample(NamedTuple):
    """A sample that is one access unit. may_begin: something in it can make it an entry point."""

    data: bytes
    mark: Any
    may_begin: bool


class Samples:
    """Makes access units of samples in byte stream format, of a codec with NAL units.

    As a rule a sample is one access unit, which the first bytes of its NAL units tell. From the first one on that is
    not, a Splitter looks for where pictures begin: FFmpeg, for one, writes what precedes a picture into the sample
    before. A sample is handed on once the next one begins another picture.

    is_plain: whether the access unit that was yielded last has nothing but slices where decoding can't begin.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._splitter = Splitter(codec)
        self._is_regular = True
        self.is_plain = False
        self._held: _Sample | None = None
        self._sets = b""  # of the last sample that began with some
        # Else a second field or a redundant picture may come in a sample of its own, and belong to the one before.
        self._has_frames = self._has_no_redundant = codec != Codec.H264

    def feed(self, data: bytes, mark: Any) -> Iterator[tuple[AccessUnit, Any]]:
        """Take a sample, and yield the access units that it completes, each with its mark. Raises StreamError."""
        sample = self._one(data, mark) if self._is_regular else None
        if sample is not None:
            before, self._held = self._held, sample
            if before is not None:
                yield self._unit(before)
            return
        if self._is_regular:
            self._is_regular = self.is_plain = False
            self._splitter.learn(self._sets)
            if self._held is not None:
                yield from self._splitter.feed(self._held.data, self._held.mark)
                self._held = None
        yield from self._splitter.feed(data, mark)

    def flush(self) -> Iterator[tuple[AccessUnit, Any]]:
        """End the pending access unit and yield it, if there is one."""
        if self._held is not None:
            yield self._unit(self._held)
            self._held = None
        self.is_plain = False
        yield from self._splitter.flush()

    def _unit(self, sample: _Sample) -> tuple[AccessUnit, Any]:
        self.is_plain = not sample.may_begin
        entry = entry_point(sample.data, self._codec) if sample.may_begin else EntryPoint.NONE
        return AccessUnit(sample.data, entry), sample.mark

    def _one(self, data: bytes, mark: Any) -> _Sample | None:
        """Return the sample if it is one access unit, or None if it is none, several, or can't be told so fast."""
        syntax, before, dependent = SYNTAXES[self._codec], _BEFORE[self._codec], _DEPENDENT[self._codec]
        has_slice = may_begin = False
        at = find_start(data)
        while at >= 0:
            header = at + len(START_CODE)
            if header + syntax.header >= len(data) or (syntax.header == 2 and self._layer(data, header)):
                return None
            kind, at = syntax.kind(data[header]), find_start(data, header)
            if kind in syntax.slices:
                is_first = bool(data[header + syntax.header] & _FIRST)
                if is_first == has_slice or not (self._has_frames and self._has_no_redundant) or kind == _PARTITION:
                    return None
                if not has_slice and may_begin:
                    self._sets = data[: header - len(START_CODE)]
                has_slice, may_begin = True, may_begin or kind not in dependent
            elif has_slice or kind not in before:
                return None
            else:
                may_begin = may_begin or kind != _DELIMITERS[self._codec]
                if self._codec == Codec.H264 and kind in (SPS, PPS):
                    self._heed(kind, data[header : at if at >= 0 else None])
        return _Sample(data, mark, may_begin) if has_slice else None

    def _heed(self, kind: int, parameter_set: bytes) -> None:
        """Heed whether a parameter set of H.264 leaves open that one picture comes in two samples."""
        try:
            if kind == SPS:
                self._has_frames = read_sps(parameter_set).frame_mbs_only
            else:
                self._has_no_redundant = not read_pps(parameter_set).redundant_count_present
        except StreamError:
            self._has_frames = False

    @staticmethod
    def _layer(data: bytes, header: int) -> int:
        return (data[header] & 1) << 5 | data[header + 1] >> 3
