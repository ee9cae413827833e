# SPDX-License-Identifier: Apache-2.0
"""An H.264 encoder that is told what to do, for what no other encoder makes. Its pictures are flat, and differ.

Sources: ITU-T H.264 7.3.2.1 (SPS), 7.3.2.2 (PPS), 7.3.3 (slice header), 7.3.5 (macroblocks), 9.2 (CAVLC).
"""

from dataclasses import dataclass, field

from corpus.bits import Bits, nal

I, P = 7, 5  # noqa: E741 - slice types, as all slices of a picture have them
FRAME, TOP, BOTTOM = "frame", "top", "bottom"


@dataclass(frozen=True)
class Sps:
    """Its values by the standard's names. fps: the VUI's; crop: left, right, top, bottom, in units of two samples."""

    profile: int = 66
    number: int = 0
    poc_type: int = 0
    references: int = 2
    width_mbs: int = 3
    map_units: int = 2
    frames_only: bool = True
    crop: tuple[int, int, int, int] | None = None
    fps: int | None = None

    def unit(self) -> bytes:
        bits = Bits().u(8, self.profile).u(8, 0).u(8, 30).ue(self.number)
        if self.profile >= 100:  # chroma_format_idc, bit depths, no bypass, no scaling matrix
            bits.ue(1, 0, 0).flags(0, 0)
        bits.ue(0, self.poc_type)  # frame_num has 4 bits
        if self.poc_type == 0:
            bits.ue(2)  # pic_order_cnt_lsb has 6 bits
        elif self.poc_type == 1:  # a cycle of one reference picture, two counts on; others one behind
            bits.flags(0).se(-1, 0).ue(1).se(2)
        bits.ue(self.references).flags(0).ue(self.width_mbs - 1, self.map_units - 1)
        bits.flags(*([1] if self.frames_only else [0, 0]), 1)
        bits.flags(self.crop is not None)
        if self.crop:
            bits.ue(*self.crop)
        bits.flags(self.fps is not None)
        if self.fps:  # nothing but the timing: a tick is a field
            bits.flags(0, 0, 0, 0, 1).u(32, 1).u(32, 2 * self.fps).flags(1, 0, 0, 0, 0)
        return nal(b"\x67", bits.end())


@dataclass(frozen=True)
class Pps:
    """redundant: slices carry redundant_pic_cnt."""

    number: int = 0
    sps: int = 0
    redundant: bool = False
    qp: int = 0

    def unit(self) -> bytes:
        bits = Bits().ue(self.number, self.sps).flags(0, 0).ue(0, 0, 0).flags(0).u(2, 0)
        return nal(b"\x68", bits.se(self.qp, 0, 0).flags(1, 0, self.redundant).end())


@dataclass
class Picture:
    """A frame or a field. slices: the first macroblock of each, in the order in which they come."""

    kind: int = I
    idr: bool = False
    frame_num: int = 0
    poc: int = 0
    level: int = 2  # brightness
    structure: str = FRAME
    reference: bool = True
    idr_number: int = 0
    slices: tuple[int, ...] = (0,)
    pps: Pps = field(default_factory=Pps)
    forget_all: bool = False  # memory_management_control_operation 5
    copies: int = 0  # redundant coded pictures behind it
    auxiliary: bool = False  # an auxiliary coded picture behind it
    prefix: bool = False  # a prefix NAL unit before each slice, as multiview base views have

    def units(self, sps: Sps) -> list[bytes]:
        """Return the picture's NAL units."""
        header = bytes([(3 if self.reference else 0) << 5 | (5 if self.idr else 1)])
        units = []
        for copy in range(self.copies + 1):
            for first in self.slices:
                if self.prefix:
                    units.append(nal(bytes([header[0] & 0x60 | 14]) + multiview(self.idr, 0)))
                units.append(nal(header, self._slice(sps, first, copy)))
        if self.auxiliary:
            units.append(nal(b"\x13", self._slice(sps, 0, 0, auxiliary=True)))
        return units

    def _slice(self, sps: Sps, first: int, copy: int, auxiliary: bool = False) -> bytes:
        bits = Bits().ue(first, self.kind, self.pps.number).u(4, self.frame_num % 16)
        if not sps.frames_only:
            bits.flags(self.structure != FRAME)
            if self.structure != FRAME:
                bits.flags(self.structure == BOTTOM)
        if self.idr:
            bits.ue(self.idr_number)
        if sps.poc_type == 0:
            bits.u(6, self.poc % 64)
        elif sps.poc_type == 1:
            bits.se(0)
        if self.pps.redundant:
            bits.ue(copy)
        if self.kind == P:
            bits.flags(0, 0)  # as many references as the PPS says, in their usual order
        if self.reference and not auxiliary:
            self._marking(bits)
        bits.se(0).ue(1)  # no other quantiser; no deblocking
        last = min([begin for begin in self.slices if begin > first], default=self._macroblocks(sps))
        if auxiliary:
            last = self._macroblocks(sps)
        self._macroblock_layer(bits, last - first)
        return bits.end()

    def _marking(self, bits: Bits) -> None:
        if self.idr:
            bits.flags(0, 0)
        elif self.forget_all:
            bits.flags(1).ue(5, 0)
        else:
            bits.flags(0)

    def _macroblocks(self, sps: Sps) -> int:
        rows = sps.map_units * (2 if not sps.frames_only and self.structure == FRAME else 1)
        return sps.width_mbs * rows

    def _macroblock_layer(self, bits: Bits, count: int) -> None:
        """The first has a brightness of its own; the others have that of their neighbours, or are skipped."""
        if self.kind == P:
            bits.ue(0)
        intra_16x16(bits, self.level, in_p=self.kind == P)
        if self.kind == P:
            if count > 1:
                bits.ue(count - 1)
        else:
            for _ in range(count - 1):
                intra_16x16(bits, 0, in_p=False)


def intra_16x16(bits: Bits, level: int, in_p: bool) -> None:
    """Write a macroblock predicted by the mean of its neighbours, plus level (0, or 2 to 8 upwards or downwards)."""
    bits.ue(3 + (5 if in_p else 0), 0).se(0)
    if level == 0:
        bits.u(1, 1)
        return
    bits.u(6, 0b000101)  # one coefficient, that is no trailing one
    prefix = 2 * (abs(level) - 1) + (level < 0) - 2
    assert 0 <= prefix < 14, level
    bits.u(prefix + 1, 1).u(1, 1)  # no zeros before it


def multiview(idr: bool, view: int) -> bytes:
    """Return nal_unit_header_mvc_extension. Source: H.264 H.7.3.1.1."""
    bits = f"0{int(not idr)}{0:06b}{view:010b}{0:03b}{int(idr)}{int(view == 0)}1"
    return int(bits, 2).to_bytes(3, "big")


def delimiter(kind: int = 7) -> bytes:
    """Return an access unit delimiter; kind: the slice types that the picture may have, 7 is any."""
    return nal(b"\x09", Bits().u(3, kind).end())


def sei(kind: int, payload: bytes) -> bytes:
    """Return a message that decoders need not understand."""
    return nal(b"\x06", bytes([kind, len(payload)]) + payload + b"\x80")


def recovery_point(frames: int, others: bytes = b"") -> bytes:
    """Return a message that correct pictures are so many frames away. others: messages in front of it."""
    payload = Bits().ue(frames).flags(1, 0).u(2, 0).end()
    return nal(b"\x06", others + bytes([6, len(payload)]) + payload + b"\x80")


def filler(count: int) -> bytes:
    """Return bytes that fill a channel of constant rate."""
    return nal(b"\x0c", b"\xff" * count + b"\x80")
