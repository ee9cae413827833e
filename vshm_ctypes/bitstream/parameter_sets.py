# SPDX-License-Identifier: Apache-2.0
"""Remembers the parameter sets of a stream, and adds them to entry points that come without."""

from __future__ import annotations

from ..codec import Codec
from . import h264, h265
from .access_unit import AccessUnit
from .bits import Bits
from .errors import StreamError
from .nal import START_CODE, SYNTAXES, Nal, nal_units, pattern_of

MAX_SET = 1 << 16  # bytes; anything larger is no parameter set
_HEAD = 256  # bytes in which an id is found
_LONG_START_CODE = b"\0" + START_CODE  # as a parameter set needs it (annex B.1.2)
_H264_DELIMITER, _H265_DELIMITER = 9, 35
# By NAL unit type: the rank in which a decoder wants it, and the highest id (clauses 7.4.2 and 7.4.3).
_H264_KINDS = {7: (0, h264.MAX_SPS_ID), 13: (0, h264.MAX_SPS_ID), 15: (1, h264.MAX_SPS_ID), 8: (2, h264.MAX_PPS_ID)}
_H265_KINDS = {32: (0, h265.MAX_VPS_ID), 33: (1, h265.MAX_SPS_ID), 34: (2, h265.MAX_PPS_ID)}
_KINDS = {Codec.H264: _H264_KINDS, Codec.H265: _H265_KINDS}
_finds = {codec: pattern_of(codec, kinds).search for codec, kinds in _KINDS.items()}

# Rank, id, and type or layer, in the order of sending; an SPS extension (13) follows its SPS (7).
_Key = tuple[int, int, int]


class ParameterSets:
    """Remembers parameter sets by type and id, and inserts those that an entry point lacks."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._sets: dict[_Key, bytes] = {}

    def learn(self, data: bytes) -> None:
        """Take any piece of the stream, or headers that the source gives in advance. The newest set of an id counts."""
        finds = _finds.get(self.codec)
        if finds is None or finds(data) is None:  # as in most pictures
            return
        for nal in nal_units(data, self.codec):
            key = self._key(data, nal)
            if key is not None:
                self._sets[key] = _with_start_code(data, nal)

    def complete(self, unit: AccessUnit) -> AccessUnit:
        """Return the access unit; if it is an entry point, with all parameter sets of the stream.

        Missing sets are inserted after the access unit delimiter, and after the unit's own sets that a decoder needs
        first.
        """
        if self.codec not in SYNTAXES:
            return unit
        if not unit.keyframe:
            self.learn(unit.data)
            return unit
        present, ends, begin = self._of_unit(unit.data)
        self._sets |= present
        missing = sorted(self._sets.keys() - present.keys())
        if not missing:
            return unit
        pieces, done = [], 0
        for key in missing:
            at = max([begin, *(end for rank, end in ends if rank <= key[0])])
            pieces += [unit.data[done:at], self._sets[key]]
            done = max(done, at)
        return unit._replace(data=b"".join([*pieces, unit.data[done:]]))

    def _of_unit(self, data: bytes) -> tuple[dict[_Key, bytes], list[tuple[int, int]], int]:
        """Return the unit's sets, (rank, end) of those before the picture, and the offset where others may begin."""
        present: dict[_Key, bytes] = {}
        ends: list[tuple[int, int]] = []
        begin, has_slice = 0, False
        delimiter = _H264_DELIMITER if self.codec == Codec.H264 else _H265_DELIMITER
        for number, nal in enumerate(nal_units(data, self.codec)):
            has_slice = has_slice or nal.kind in SYNTAXES[self.codec].slices
            key = self._key(data, nal)
            if key is not None:
                present[key] = _with_start_code(data, nal)
                if not has_slice:
                    ends.append((key[0], nal.end))
            elif number == 0 and nal.kind == delimiter:
                begin = nal.end
        return present, ends, begin

    def _key(self, data: bytes, nal: Nal) -> _Key | None:
        """Return the key of a parameter set, or None for another NAL unit, or one that the standard does not allow."""
        rank, most = _KINDS[self.codec].get(nal.kind, (-1, 0))
        if rank < 0 or nal.end - nal.header > MAX_SET:
            return None
        bits = Bits(data[nal.header : min(nal.end, nal.header + _HEAD)])
        try:
            number = _h264_id(bits, nal.kind) if self.codec == Codec.H264 else _h265_id(bits, nal)
        except StreamError:
            return None
        return (rank, number, nal.kind if self.codec == Codec.H264 else nal.layer) if number <= most else None


def _with_start_code(data: bytes, nal: Nal) -> bytes:
    return _LONG_START_CODE + data[nal.header : nal.end].rstrip(b"\0")


def _h264_id(bits: Bits, kind: int) -> int:
    bits.skip(8 + 24 * (kind in (h264.SPS, 15)))  # an SPS begins with profile_idc, constraint flags and level_idc
    return bits.ue()


def _h265_id(bits: Bits, nal: Nal) -> int:
    bits.skip(16)
    if nal.kind == h265.VPS:
        return bits.u(4)
    if nal.kind == h265.SPS:
        bits.skip(4)
        sub_layers = bits.u(3)
        if not (nal.layer and sub_layers == 7):  # otherwise the profile is that of the base layer (F.7.3.2.2.1)
            bits.skip(1)
            h265.read_profile(bits, sub_layers)
    return bits.ue()
