# SPDX-License-Identifier: Apache-2.0
"""Parameter sets come with every keyframe, and are read once."""

import pytest
from nal_writer import pps, sps

from vshm_ctypes.bitstream import StreamError, h264
from vshm_ctypes.bitstream.remembered import MOST_BYTES


def payload(nal: bytes) -> bytes:
    return nal.lstrip(b"\0")[1:]


def test_the_same_bytes_mean_the_same_without_being_read_again() -> None:
    assert h264.read_sps(payload(sps())) is h264.read_sps(payload(sps()))
    assert h264.read_pps(payload(pps())) is h264.read_pps(payload(pps()))
    assert h264.read_sps(payload(sps(size=(20, 15)))).width == 320


def test_what_is_damaged_is_refused_each_time_and_what_is_long_is_not_kept() -> None:
    for _ in range(2):
        with pytest.raises(StreamError):
            h264.read_sps(b"\x67")
    long = payload(sps()) + bytes(MOST_BYTES)
    assert h264.read_sps(long) == h264.read_sps(long)
    assert h264.read_sps(long) is not h264.read_sps(long)
