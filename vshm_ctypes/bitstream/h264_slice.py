# SPDX-License-Identifier: Apache-2.0
"""ITU-T H.264 slice headers (clause 7.3.3), as far as they tell pictures apart and order them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from . import h264
from .bits import Bits
from .errors import StreamError

IDR = 5
_P, _B, _SP = 0, 1, 3  # slice_type, modulo 5
_END = 3  # modification_of_pic_nums_idc
_ALL_UNUSED = 5  # memory_management_control_operation
_OPERANDS = {1: 1, 2: 1, 3: 2, 4: 1, 6: 1}
_MOST = 128  # operations or list modifications of a slice; the standard allows about half as many


class SliceHeader(NamedTuple):
    """The first fields of a slice header (7.3.3). Fields after pps_id are 0 if the parameter sets are not known."""

    kind: int
    reference: bool
    first_mb: int
    slice_type: int
    pps_id: int
    plane: int = 0
    frame_num: int = 0
    field: bool = False
    bottom: bool = False
    idr_pic_id: int = 0
    poc_lsb: int = 0
    delta_bottom: int = 0
    delta_0: int = 0
    delta_1: int = 0
    redundant: bool = False

    def differs(self, other: SliceHeader) -> bool:
        """Return whether the other slice belongs to another primary coded picture, by clause 7.4.1.2.4."""
        return self._picture != other._picture

    @property
    def _picture(self) -> tuple[int | bool, ...]:
        return (self.kind == IDR, self.reference, self.pps_id, *self[6:14])

    def completes(self, first: SliceHeader) -> bool:
        """Return whether this slice and first are of the two fields of a complementary pair (clauses 3.30 and 3.31).

        Some encoders make both fields IDR pictures. Then idr_pic_id decides, as it differs between two access units
        (clause 7.4.3).
        """
        opposite = first.field and self.field and first.bottom != self.bottom
        alike = self.frame_num == first.frame_num and self.reference == first.reference
        same_idr = first.kind == IDR and self.idr_pic_id == first.idr_pic_id
        return opposite and alike and (self.kind != IDR or same_idr)


@dataclass
class Sets:
    """The parameter sets that slices refer to."""

    sps: dict[int, h264.Sps] = field(default_factory=dict)
    pps: dict[int, h264.Pps] = field(default_factory=dict)

    def learn(self, nal: bytes) -> None:
        """Take a NAL unit. One that is damaged, or is no parameter set of a base layer, is ignored."""
        kind = nal[0] & 0x1F
        try:
            if kind == h264.SPS:
                sps = h264.read_sps(nal)
                self.sps[sps.id] = sps
            elif kind == h264.PPS:
                pps = h264.read_pps(nal)
                self.pps[pps.id] = pps
        except StreamError:
            pass

    def sps_of(self, pps_id: int) -> h264.Sps | None:
        """Return the sequence parameter set of slices with that pps_id, or None if it has not come."""
        pps = self.pps.get(pps_id)
        return self.sps.get(pps.sps_id) if pps is not None else None

    def read_slice(self, head: bytes) -> SliceHeader:
        """Read a slice header from the first bytes of a NAL unit of type 1, 2 or 5. Raises StreamError."""
        return self._read(Bits(head))

    def forgets_references(self, head: bytes) -> bool:
        """Return whether a slice marks all earlier pictures unused (memory_management_control_operation 5).

        Raises StreamError, also if head is too short to tell.
        """
        bits = Bits(head)
        header = self._read(bits)
        sps = self.sps_of(header.pps_id)
        if sps is None or not header.reference or header.kind == IDR:
            return False
        _skip_references(bits, header, sps, self.pps[header.pps_id])
        return _marks_all_unused(bits)

    def _read(self, bits: Bits) -> SliceHeader:
        kind = bits.u(8)
        kind, reference = kind & 0x1F, bool(kind & 0x60)
        first_mb, slice_type = bits.ue(), bits.ue_up_to(9, "slice_type")
        pps_id = bits.ue_up_to(h264.MAX_PPS_ID, "pic_parameter_set_id")
        header = SliceHeader(kind, reference, first_mb, slice_type, pps_id)
        sps = self.sps_of(header.pps_id)
        if sps is None:
            return header
        pps = self.pps[header.pps_id]
        plane = bits.u(2) if sps.separate_planes else 0
        frame_num = bits.u(sps.frame_num_bits)
        in_field = not sps.frame_mbs_only and bits.flag()
        bottom = in_field and bits.flag()
        idr_pic_id = bits.ue() if kind == IDR else 0
        lsb = delta_bottom = delta_0 = delta_1 = 0
        if sps.poc_type == 0:
            lsb = bits.u(sps.poc_lsb_bits)
            delta_bottom = bits.se() if pps.bottom_order_present and not in_field else 0
        elif sps.poc_type == 1 and not sps.delta_always_zero:
            delta_0 = bits.se()
            delta_1 = bits.se() if pps.bottom_order_present and not in_field else 0
        return header._replace(
            plane=plane,
            frame_num=frame_num,
            field=in_field,
            bottom=bottom,
            idr_pic_id=idr_pic_id,
            poc_lsb=lsb,
            delta_bottom=delta_bottom,
            delta_0=delta_0,
            delta_1=delta_1,
            redundant=pps.redundant_count_present and bits.ue() > 0,
        )


def _skip_references(bits: Bits, header: SliceHeader, sps: h264.Sps, pps: h264.Pps) -> None:
    """Skip what a slice header says about reference pictures, up to dec_ref_pic_marking."""
    kind = header.slice_type % 5
    if kind == _B:
        bits.skip(1)
    if kind not in (_P, _B, _SP):
        return
    lists = 2 if kind == _B else 1
    references = list(pps.references[:lists])
    if bits.flag():  # num_ref_idx_active_override_flag
        references = [bits.ue_up_to(31, "num_ref_idx_active_minus1") + 1 for _ in references]
    for _ in references:
        if bits.flag():  # ref_pic_list_modification_flag
            for _ in range(_MOST):
                if bits.ue_up_to(_END, "modification_of_pic_nums_idc") == _END:
                    break
                bits.ue()
    if pps.weighted_b if kind == _B else pps.weighted_p:
        _skip_weights(bits, references, sps.has_chroma)


def _skip_weights(bits: Bits, references: list[int], has_chroma: bool) -> None:
    """Skip pred_weight_table (7.3.3.2)."""
    bits.ue()
    if has_chroma:
        bits.ue()
    for _ in range(sum(references)):
        for numbers in (2, 4) if has_chroma else (2,):
            if bits.flag():
                for _ in range(numbers):
                    bits.se()


def _marks_all_unused(bits: Bits) -> bool:
    """Read dec_ref_pic_marking (7.3.3.3) of a picture that is not an IDR picture: whether it marks all unused."""
    found = False
    if bits.flag():  # adaptive_ref_pic_marking_mode_flag
        for _ in range(_MOST):
            operation = bits.ue_up_to(6, "memory_management_control_operation")
            if operation == 0:
                break
            found = found or operation == _ALL_UNUSED
            for _ in range(_OPERANDS.get(operation, 0)):
                bits.ue()
    return found
