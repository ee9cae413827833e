# SPDX-License-Identifier: Apache-2.0
"""What is done to other streams of the corpus, NAL unit by NAL unit, to make those that no encoder here makes.

Sources: ITU-T H.264 7.4.1.2.3 and H.265 7.4.2.4.4: which NAL units may come where.
"""

from collections.abc import Callable, Iterator

from corpus.bits import Bits, escaped

Units = list[bytes]
EDITS: dict[str, Callable[[Units], Units]] = {}


def edit(make: Callable[[Units], Units]) -> Callable[[Units], Units]:
    EDITS[make.__name__] = make
    return make


def h264(unit: bytes) -> int:
    """Return nal_unit_type of H.264."""
    return unit[0] & 0x1F


def h265(unit: bytes) -> int:
    """Return nal_unit_type of H.265."""
    return unit[0] >> 1 & 0x3F


def of_h265(kind: int, payload: bytes = b"", layer: int = 0, temporal: int = 1) -> bytes:
    """Return a NAL unit; its payload has no emulation prevention yet."""
    return bytes([kind << 1 | layer >> 5, (layer & 31) << 3 | temporal]) + escaped(payload)


def begins_picture(unit: bytes) -> bool:
    """Return whether a NAL unit of H.265 begins a picture in its base layer."""
    return h265(unit) < 32 and bool(unit[2] & 0x80) and unit[1] >> 3 == 0


def pictures(units: Units) -> Iterator[Units]:
    """Yield each picture's units of H.265 without delimiters, with what comes before its first slice."""
    gathered: Units = []
    seen = False
    for unit in units:
        opens = begins_picture(unit) or h265(unit) in (32, 33, 34, 35, 39)
        if seen and opens:
            yield gathered
            gathered, seen = [], False
        gathered.append(unit)
        seen = seen or h265(unit) < 32
    yield gathered


@edit
def parameter_sets_once(units: Units) -> Units:
    """As many cameras' encoders: SPS and PPS at the very begin only, and no messages."""
    first = [next(unit for unit in units if h264(unit) == kind) for kind in (7, 8)]
    return first + [unit for unit in units if h264(unit) in (1, 5)]


@edit
def parameter_sets_once_delimited(units: Units) -> Units:
    """SPS and PPS at the very begin, in front of the first delimiter."""
    first = [next(unit for unit in units if h264(unit) == kind) for kind in (7, 8)]
    out = list(first)
    for unit in units:
        if h264(unit) in (1, 5):
            out += [b"\x09\xf0", unit]
    return out


@edit
def parameter_sets_far_ahead(units: Units) -> Units:
    """Sets of the next keyframe come between the pictures before it, as 7.4.1.2.1 allows."""
    out: Units = []
    for number, unit in enumerate(units):
        if h264(unit) in (1, 5) and number > 2:
            out += [one for one in units[:4] if h264(one) in (7, 8)]
        if h264(unit) in (1, 5) or number < 4:
            out.append(unit)
    return out


@edit
def begins_mid_gop(units: Units) -> Units:
    """The first keyframe and two more pictures are missing, as when a camera was running before we came."""
    slices = [number for number, unit in enumerate(units) if h264(unit) in (1, 5)]
    return units[slices[3] :]


@edit
def h265_parameter_sets_once(units: Units) -> Units:
    """As many cameras' encoders: VPS, SPS and PPS at the very begin only, and no messages."""
    first = [next(unit for unit in units if h265(unit) == kind) for kind in (32, 33, 34)]
    return first + [unit for unit in units if h265(unit) < 32]


@edit
def h265_everything_between(units: Units) -> Units:
    """Delimiters, prefix and suffix SEI messages, filler, reserved and unspecified NAL unit types."""
    out: Units = []
    for picture in pictures(units):
        temporal = next(unit[1] & 7 for unit in picture if h265(unit) < 32)
        message = Bits().u(8, 5).u(8, 17).u(64, 1).u(64, 2).u(8, 65).end()
        before = [of_h265(35, b"\x50", temporal=temporal), of_h265(41, b"reserved"), of_h265(39, message)]
        behind = [of_h265(40, message), of_h265(38, b"\xff" * 9 + b"\x80"), of_h265(45, b"reserved")]
        out += before[:1] + [unit for unit in picture if h265(unit) >= 32] + before[1:] + [of_h265(48, b"unspecified")]
        out += [unit for unit in picture if h265(unit) < 32] + [*behind, of_h265(56, b"unspecified")]
    return out


@edit
def h265_second_layer(units: Units) -> Units:
    """Behind each picture comes one of layer 1, as multiview and scalable encoders write it; decoders leave it out."""
    out: Units = []
    for picture in pictures(units):
        out += picture
        for unit in picture:
            if h265(unit) < 32:
                out.append(bytes([unit[0], unit[1] | 1 << 3]) + unit[2:])
    return out


@edit
def h265_ends_of_sequence(units: Units) -> Units:
    """An end of sequence before each later keyframe, an end of bitstream and a zero at the end."""
    out: Units = []
    for number, picture in enumerate(pictures(units)):
        if number and any(16 <= h265(unit) < 24 for unit in picture):
            out.append(of_h265(36))
        out += picture
    return [*out, of_h265(37) + bytes(1)]


@edit
def h265_begins_at_cra(units: Units) -> Units:
    """Begins at a CRA picture: the RASL pictures behind it can't be decoded."""
    sets = [next(unit for unit in units if h265(unit) == kind) for kind in (32, 33, 34)]
    first = next(number for number, unit in enumerate(units) if h265(unit) == 21)
    return sets + [unit for unit in units[first:] if h265(unit) < 32]


@edit
def h265_broken_link(units: Units) -> Units:
    """CRA pictures are BLA pictures instead, as a cutter writes where it joins: RASL pictures can't be decoded."""
    return [bytes([16 << 1 | unit[0] & 1]) + unit[1:] if h265(unit) == 21 else unit for unit in units]


@edit
def h265_begins_mid_picture(units: Units) -> Units:
    """The first bytes are the middle of a slice, then come more slices of that picture."""
    slices = [number for number, unit in enumerate(units) if h265(unit) < 32]
    begin = next(number for number in slices[2:] if begins_picture(units[number]))
    return [units[begin][len(units[begin]) // 2 :], *units[begin + 1 :]]
