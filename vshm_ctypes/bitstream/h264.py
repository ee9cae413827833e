# SPDX-License-Identifier: Apache-2.0
"""ITU-T H.264 parameter sets, as far as they describe pictures, or are needed to read slice headers."""

from __future__ import annotations

from dataclasses import dataclass

from .bits import Bits
from .errors import StreamError
from .remembered import remembered
from .vui import Vui, read_common, sane_fps

SPS, PPS = 7, 8
MAX_SPS_ID, MAX_PPS_ID = 31, 255
_BASELINE, _EXTENDED = 66, 88
# Profiles with chroma_format_idc in their sequence parameter sets (clause 7.3.2.1.1).
_WITH_CHROMA = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244}
_INTRA_IF_SET3 = {44, 86, 100, 110, 122, 244}
_MAX_SIDE = 65535


@dataclass(frozen=True, slots=True)
class Sps:
    """A sequence parameter set.

    Attributes:
        profile: three bytes, profile_idc, constraint flags and level_idc.
        chroma: chroma_format_idc.
        depth: bits per sample.
        has_chroma: whether luma and chroma samples share slices.
        width: cropped width in pixels.
        height: cropped height in pixels.
    """

    id: int
    profile: bytes
    chroma: int
    depth: int
    has_chroma: bool
    separate_planes: bool
    frame_num_bits: int
    poc_type: int
    poc_lsb_bits: int
    delta_always_zero: bool
    offset_for_non_ref: int
    offset_top_to_bottom: int
    offsets: tuple[int, ...]
    frame_mbs_only: bool
    width: int
    height: int
    vui: Vui

    @property
    def any_slice_order(self) -> bool:
        """Whether the slices of a picture may come in any order (annex A of the standard)."""
        return self.profile[0] == _EXTENDED or (self.profile[0] == _BASELINE and not self.profile[1] & 0x40)

    @property
    def reorder_depth(self) -> int | None:
        """How many pictures may precede a picture in decoding order and follow it in output order, or None."""
        intra = self.profile[0] in _INTRA_IF_SET3 and bool(self.profile[1] & 0x10)
        if self.poc_type == 2 or self.profile[0] == _BASELINE or intra:
            return 0
        return self.vui.reorder


@dataclass(frozen=True, slots=True)
class Pps:
    """A picture parameter set. references are the default numbers of references in list 0 and list 1."""

    id: int
    sps_id: int
    bottom_order_present: bool
    references: tuple[int, int]
    weighted_p: bool
    weighted_b: bool
    redundant_count_present: bool


def _skip_scaling_lists(bits: Bits, count: int) -> None:
    for number in range(count):
        if not bits.flag():
            continue
        last = following = 8
        for _ in range(16 if number < 6 else 64):
            if following:
                following = (last + bits.se()) % 256
                last = following or last


def _skip_hrd(bits: Bits) -> None:
    count = bits.ue_up_to(31, "cpb_cnt_minus1") + 1
    bits.skip(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.skip(1)
    bits.skip(20)


def _read_vui(bits: Bits) -> Vui:
    """Read vui_parameters (annex E.1.1). Some cameras cut it off: what is missing at its end stays None."""
    common = fps = reorder = None
    try:
        common = read_common(bits)
        if bits.flag():  # timing_info; a tick is the duration of a field
            units, scale = bits.u(32), bits.u(32)
            bits.skip(1)
            fps = sane_fps(2 * units, scale)
        has_hrd = False
        for _ in range(2):
            if bits.flag():
                has_hrd = True
                _skip_hrd(bits)
        bits.skip(has_hrd)
        bits.skip(1)
        if bits.flag():  # bitstream_restriction
            bits.skip(1)
            for _ in range(4):
                bits.ue()
            reorder = bits.ue()
    except StreamError:
        pass
    if common is None:
        return Vui()
    return Vui(common.full_range, common.primaries, common.transfer, common.matrix, fps, reorder, common.pixel)


@remembered
def read_sps(nal: bytes) -> Sps:
    """Read a sequence parameter set, or the one that begins a subset sequence parameter set. Raises StreamError."""
    bits = Bits(nal)
    bits.skip(8)
    profile = bytes((bits.u(8), bits.u(8), bits.u(8)))
    number = bits.ue_up_to(MAX_SPS_ID, "seq_parameter_set_id")
    chroma, separate, depth = 1, False, 8
    if profile[0] in _WITH_CHROMA:
        chroma = bits.ue_up_to(3, "chroma_format_idc")
        separate = chroma == 3 and bits.flag()
        depth += max(bits.ue(), bits.ue())
        bits.skip(1)
        if bits.flag():
            _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    frame_num_bits = bits.ue_up_to(12, "log2_max_frame_num_minus4") + 4
    poc_type = bits.ue_up_to(2, "pic_order_cnt_type")
    lsb_bits, always_zero, non_ref, top_to_bottom = 0, False, 0, 0
    offsets: tuple[int, ...] = ()
    if poc_type == 0:
        lsb_bits = bits.ue_up_to(12, "log2_max_pic_order_cnt_lsb_minus4") + 4
    elif poc_type == 1:
        always_zero, non_ref, top_to_bottom = bits.flag(), bits.se(), bits.se()
        count = bits.ue_up_to(255, "num_ref_frames_in_pic_order_cnt_cycle")
        offsets = tuple(bits.se() for _ in range(count))
    bits.ue()
    bits.skip(1)
    width, height_units = (bits.ue() + 1) * 16, bits.ue() + 1
    frame_mbs_only = bits.flag()
    if not frame_mbs_only:
        bits.skip(1)
    bits.skip(1)
    height = height_units * 16 * (1 if frame_mbs_only else 2)
    if bits.flag():
        across = 2 if chroma in (1, 2) and not separate else 1
        down = (2 if chroma == 1 else 1) * (1 if frame_mbs_only else 2)
        width -= (bits.ue() + bits.ue()) * across
        height -= (bits.ue() + bits.ue()) * down
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise StreamError(f"a picture of {width}x{height}")
    vui = _read_vui(bits) if bits.flag() else Vui()
    return Sps(
        id=number,
        profile=profile,
        chroma=chroma,
        depth=depth,
        has_chroma=chroma > 0 and not separate,
        separate_planes=separate,
        frame_num_bits=frame_num_bits,
        poc_type=poc_type,
        poc_lsb_bits=lsb_bits,
        delta_always_zero=always_zero,
        offset_for_non_ref=non_ref,
        offset_top_to_bottom=top_to_bottom,
        offsets=offsets,
        frame_mbs_only=frame_mbs_only,
        width=width,
        height=height,
        vui=vui,
    )


def _skip_slice_groups(bits: Bits, groups: int) -> None:
    kind = bits.ue_up_to(6, "slice_group_map_type")
    if kind == 0:
        for _ in range(groups):
            bits.ue()
    elif kind == 2:
        for _ in range(2 * (groups - 1)):
            bits.ue()
    elif kind in (3, 4, 5):
        bits.skip(1)
        bits.ue()
    elif kind == 6:
        bits.skip((bits.ue() + 1) * (groups - 1).bit_length())


@remembered
def read_pps(nal: bytes) -> Pps:
    """Read a picture parameter set. Raises StreamError."""
    bits = Bits(nal)
    bits.skip(8)
    number = bits.ue_up_to(MAX_PPS_ID, "pic_parameter_set_id")
    sps_id = bits.ue_up_to(MAX_SPS_ID, "seq_parameter_set_id")
    bits.skip(1)
    bottom_order = bits.flag()
    groups = bits.ue_up_to(7, "num_slice_groups_minus1") + 1
    if groups > 1:
        _skip_slice_groups(bits, groups)
    references = (bits.ue_up_to(31, "num_ref_idx_active") + 1, bits.ue_up_to(31, "num_ref_idx_active") + 1)
    weighted_p, weighted_b = bits.flag(), bits.u(2) == 1
    for _ in range(3):
        bits.se()
    bits.skip(2)
    return Pps(number, sps_id, bottom_order, references, weighted_p, weighted_b, bits.flag())
