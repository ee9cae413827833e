# SPDX-License-Identifier: Apache-2.0
"""ITU-T H.265 parameter sets and slice segment headers, as far as they describe pictures and order them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .bits import Bits
from .errors import StreamError
from .remembered import remembered
from .vui import Vui, read_common, sane_fps

VPS, SPS, PPS = 32, 33, 34
MAX_VPS_ID, MAX_SPS_ID, MAX_PPS_ID = 15, 15, 63
_MAX_SIDE = 65535
_MOST_SIDE_BITS = 6  # of coding tree blocks
_PROFILE_BYTES = 12  # from general_profile_space to general_level_idc


@dataclass(frozen=True, slots=True)
class Sps:
    """A sequence parameter set.

    Attributes:
        profile: the general part of profile_tier_level.
        chroma: chroma_format_idc.
        depth: bits per sample.
        reorder_depth: how many pictures may precede a picture in decoding order and follow it in output order.
        width: cropped width in pixels.
        height: cropped height in pixels.
        blocks: coding tree blocks of a picture (PicSizeInCtbsY).
    """

    id: int
    vps_id: int
    profile: bytes
    chroma: int
    depth: int
    separate_planes: bool
    poc_lsb_bits: int
    reorder_depth: int
    width: int
    height: int
    vui: Vui
    blocks: int


@dataclass(frozen=True, slots=True)
class Pps:
    """A picture parameter set."""

    id: int
    sps_id: int
    dependent_segments: bool
    output_flag_present: bool
    extra_header_bits: int


class SliceHeader(NamedTuple):
    """The first fields of a slice segment header (7.3.6.1) of the base layer; only a first segment has a poc_lsb.

    Attributes:
        address: the coding tree block that it begins with, or None if the parameter sets are not known.
    """

    kind: int
    temporal_id: int
    first: bool
    pps_id: int
    poc_lsb: int
    address: int | None


def read_profile(bits: Bits, sub_layers: int) -> bytes:
    """Read profile_tier_level (7.3.3), and return its general part. sub_layers is their number minus 1."""
    general = bytes(bits.u(8) for _ in range(_PROFILE_BYTES))
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.skip(2 * (8 - sub_layers))
    for profile, level in present:
        bits.skip(88 * profile + 8 * level)
    return general


def _read_ordering(bits: Bits, sub_layers: int) -> int:
    """Return sps_max_num_reorder_pics of the highest sub-layer."""
    reorder = 0
    for _ in range(sub_layers + 1 if bits.flag() else 1):
        bits.ue()
        reorder = bits.ue()
        bits.ue()
    return reorder


def _skip_scaling_lists(bits: Bits) -> None:
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not bits.flag():
                bits.ue()
                continue
            for _ in range(min(64, 1 << (4 + 2 * size)) + (size > 1)):
                bits.se()


def _skip_reference_sets(bits: Bits) -> None:
    """Skip all st_ref_pic_set structures (7.3.7)."""
    before = 0
    for number in range(bits.ue_up_to(64, "num_short_term_ref_pic_sets")):
        if number and bits.flag():
            bits.skip(1)
            bits.ue()
            before = sum(bits.flag() or bits.flag() for _ in range(before + 1))
        else:
            before = bits.ue_up_to(16, "num_negative_pics") + bits.ue_up_to(16, "num_positive_pics")
            for _ in range(before):
                bits.ue()
                bits.skip(1)
        if before > 16:
            raise StreamError(f"a reference picture set of {before} pictures, and 16 are the most")


def _read_vui(bits: Bits) -> Vui:
    """Read vui_parameters (annex E.2.1). What is missing at its end stays None."""
    common = fps = None
    try:
        common = read_common(bits)
        bits.skip(3)
        if bits.flag():  # default_display_window
            for _ in range(4):
                bits.ue()
        if bits.flag():  # timing_info; a tick is the duration of a picture, which may be a field
            fps = sane_fps(bits.u(32), bits.u(32))
    except StreamError:
        pass
    if common is None:
        return Vui()
    return Vui(common.full_range, common.primaries, common.transfer, common.matrix, fps, None, common.pixel)


def _read_to_vui(bits: Bits, lsb_bits: int) -> int:
    """Return the binary logarithm of the coding tree blocks' side (CtbLog2SizeY)."""
    side_bits = bits.ue() + 3 + bits.ue()
    if side_bits > _MOST_SIDE_BITS:
        raise StreamError(f"coding tree blocks of 2^{side_bits} pixels a side")
    for _ in range(4):
        bits.ue()
    if bits.flag() and bits.flag():
        _skip_scaling_lists(bits)
    bits.skip(2)
    if bits.flag():  # pcm_enabled
        bits.skip(8)
        bits.ue()
        bits.ue()
        bits.skip(1)
    _skip_reference_sets(bits)
    if bits.flag():  # long_term_ref_pics_present
        for _ in range(bits.ue_up_to(32, "num_long_term_ref_pics_sps")):
            bits.skip(lsb_bits + 1)
    bits.skip(2)
    return side_bits


@remembered
def read_sps(nal: bytes) -> Sps:
    """Read a sequence parameter set of the base layer. Raises StreamError."""
    bits = Bits(nal)
    bits.skip(16)
    vps_id, sub_layers = bits.u(4), bits.u(3)
    bits.skip(1)
    profile = read_profile(bits, sub_layers)
    number = bits.ue_up_to(MAX_SPS_ID, "sps_seq_parameter_set_id")
    chroma = bits.ue_up_to(3, "chroma_format_idc")
    separate = chroma == 3 and bits.flag()
    width, height = coded = bits.ue(), bits.ue()
    if bits.flag():  # conformance_window
        width -= (bits.ue() + bits.ue()) * (2 if chroma in (1, 2) else 1)
        height -= (bits.ue() + bits.ue()) * (2 if chroma == 1 else 1)
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise StreamError(f"a picture of {width}x{height}")
    depth = 8 + max(bits.ue(), bits.ue())
    lsb_bits = bits.ue_up_to(12, "log2_max_pic_order_cnt_lsb_minus4") + 4
    reorder = _read_ordering(bits, sub_layers)
    side_bits = _read_to_vui(bits, lsb_bits)
    columns, rows = (-(-side >> side_bits) for side in coded)
    blocks = columns * rows
    vui = _read_vui(bits) if bits.flag() else Vui()
    return Sps(number, vps_id, profile, chroma, depth, separate, lsb_bits, reorder, width, height, vui, blocks)


@remembered
def read_pps(nal: bytes) -> Pps:
    """Read the fields of a picture parameter set that slice headers depend on. Raises StreamError."""
    bits = Bits(nal)
    bits.skip(16)
    number = bits.ue_up_to(MAX_PPS_ID, "pps_pic_parameter_set_id")
    sps_id = bits.ue_up_to(MAX_SPS_ID, "pps_seq_parameter_set_id")
    return Pps(number, sps_id, bits.flag(), bits.flag(), bits.u(3))


@remembered
def read_vps_fps(nal: bytes) -> float | None:
    """Return the pictures per second of a video parameter set, or None if it does not say. Raises StreamError."""
    bits = Bits(nal)
    bits.skip(28)
    sub_layers = bits.u(3)
    bits.skip(17)
    read_profile(bits, sub_layers)
    _read_ordering(bits, sub_layers)
    layers = bits.u(6) + 1
    bits.skip(bits.ue_up_to(1023, "vps_num_layer_sets_minus1") * layers)
    return sane_fps(bits.u(32), bits.u(32)) if bits.flag() else None


@dataclass
class Sets:
    """The parameter sets that slices refer to."""

    sps: dict[int, Sps] = field(default_factory=dict)
    pps: dict[int, Pps] = field(default_factory=dict)

    def learn(self, nal: bytes) -> None:
        """Take a NAL unit. One that is damaged, or is no parameter set of the base layer, is ignored."""
        kind, layer = nal[0] >> 1 & 0x3F, (nal[0] & 1) << 5 | nal[1] >> 3
        try:
            if kind == SPS and layer == 0:
                sps = read_sps(nal)
                self.sps[sps.id] = sps
            elif kind == PPS and layer == 0:
                pps = read_pps(nal)
                self.pps[pps.id] = pps
        except StreamError:
            pass

    def sps_of(self, pps_id: int) -> Sps | None:
        """Return the sequence parameter set of slices with that pps_id, or None if it has not come."""
        pps = self.pps.get(pps_id)
        return self.sps.get(pps.sps_id) if pps is not None else None

    def read_slice(self, head: bytes) -> SliceHeader:
        """Read a slice segment header from the first bytes of its NAL unit. Raises StreamError.

        poc_lsb is 0 in an IDR picture, in any segment but the first, and if the parameter sets are not known.
        """
        bits = Bits(head)
        kind = bits.u(16)
        kind, temporal_id = kind >> 9 & 0x3F, max((kind & 7) - 1, 0)
        first = bits.flag()
        if 16 <= kind <= 23:
            bits.skip(1)
        pps_id = bits.ue_up_to(MAX_PPS_ID, "slice_pic_parameter_set_id")
        sps = self.sps_of(pps_id)
        header = SliceHeader(kind, temporal_id, first, pps_id, 0, 0 if first else None)
        if sps is None or (first and kind in (19, 20)):
            return header
        pps = self.pps[pps_id]
        if not first:
            bits.skip(pps.dependent_segments)
            return header._replace(address=bits.u((sps.blocks - 1).bit_length()))
        bits.skip(pps.extra_header_bits)
        bits.ue()
        bits.skip(pps.output_flag_present + 2 * sps.separate_planes)
        return header._replace(poc_lsb=bits.u(sps.poc_lsb_bits))
