# SPDX-License-Identifier: Apache-2.0
"""Reads where in its picture a slice begins, by which pictures that come in equal pieces are told from others."""

from __future__ import annotations

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import StreamError, h265, nal_units
from vshm_ctypes.bitstream.bits import Bits
from vshm_ctypes.bitstream.nal import SYNTAXES

_HEAD = 16  # bytes of a slice, enough for its place


class SlicePlaces:
    """Reads slices of H.264, and of H.265, whose slices tell their place only to who knows the parameter sets."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._sets = h265.Sets()

    def first(self, data: bytes) -> int | None:
        """Return the number of the first macroblock, or coding tree block, of the first slice in data.

        Returns None if that can't be told. data: the content of a buffer; all buffers must be given, in order.
        """
        syntax = SYNTAXES[self._codec]
        for nal in nal_units(data, self._codec):
            if nal.kind in syntax.slices and nal.layer == 0:
                try:
                    return self._place(data[nal.header : min(nal.end, nal.header + _HEAD)])
                except StreamError:
                    return None
            if self._codec == Codec.H265:
                self._sets.learn(data[nal.header : nal.end])
        return None

    def _place(self, head: bytes) -> int | None:
        if self._codec == Codec.H264:
            return Bits(head[1:]).ue()
        return self._sets.read_slice(head).address
