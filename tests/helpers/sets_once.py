# SPDX-License-Identifier: Apache-2.0
"""Streams whose parameter sets come with the first keyframe only, as some encoders in hardware write them."""

from collections.abc import Sequence

from filmed import Unit

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import nal_units
from vshm_ctypes.decodable import SETS


def without_sets(data: bytes, codec: Codec) -> bytes:
    """Return an access unit without its parameter sets."""
    kept = (nal for nal in nal_units(data, codec) if nal.kind not in SETS[codec])
    return b"".join(data[nal.begin : nal.end] for nal in kept)


def sets_once(units: Sequence[Unit], codec: Codec, times: int = 1) -> list[Unit]:
    """Return the units so many times over, all but the first one without parameter sets."""
    bare = [unit._replace(data=without_sets(unit.data, codec)) for unit in units]
    return [units[0], *bare[1:], *bare * (times - 1)]
