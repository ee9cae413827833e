# SPDX-License-Identifier: Apache-2.0
"""What is not found out anew for each frame is found out often enough."""

import time

import pytest

from hil.streamer import outlet as outlet_module
from hil.streamer.channels import Channel
from hil.streamer.outlet import MEASURED_EVERY, OFFSET_NS, Outlet
from hil.streamer.sources.source import Captured
from vshm_ctypes import Codec, Consumer
from vshm_ctypes.bitstream import AccessUnit, EntryPoint

MS = 1_000_000
UNIT = AccessUnit(b"unit", EntryPoint.IDR)


def outlet_of(ring: str) -> Outlet:
    return Outlet(Channel(ring=ring, slots=100, slot=1 << 16), Codec.JPEG, 64, 48, 25.0, None)


def test_a_wall_clock_that_is_set_is_followed(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outlet, offset_ns = outlet_of(ring), 1_790_000_000_000 * MS
    monkeypatch.setattr(outlet_module, "realtime_offset_ns", lambda: offset_ns)
    begin_ns = time.monotonic_ns()
    times_ns = [begin_ns, begin_ns + OFFSET_NS // 2, begin_ns + OFFSET_NS, begin_ns + 2 * OFFSET_NS, begin_ns]
    with Consumer(ring, start="oldest") as stream:
        for capture_ns in times_ns:  # the last one lies back, as after a driver's clock was found wrong
            outlet.write(UNIT, Captured(capture_ns))
            offset_ns += 3_600_000 * MS
        outlet.close()
        told = [frame.timestamp_ms - frame.capture_ns // MS for frame in stream]
    hours = [round((ms - 1_790_000_000_000) / 3_600_000) for ms in told]
    assert hours == [0, 0, 2, 3, 4]


def test_the_time_in_the_ring_is_measured_of_some_frames(ring: str) -> None:
    outlet = outlet_of(ring)
    for number in range(2 * MEASURED_EVERY + 1):
        outlet.write(UNIT, Captured(number + 1))
    outlet.close()
    assert outlet.ring_time.frames == 3
    assert 0 < outlet.ring_time.us_per_frame < outlet.ring_time.cpu_ns / 1000
    assert outlet.books.encoded == outlet.books.written == 2 * MEASURED_EVERY + 1
