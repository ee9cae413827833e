# SPDX-License-Identifier: Apache-2.0
"""Frames that are written with their times of capture and flags, with this library and with one of version 1.0."""

from typing import Any

import pytest

from vshm_ctypes import Codec, Consumer, Flag, FrameTooLarge, HandleClosed, Producer
from vshm_ctypes import producer as producer_module
from vshm_ctypes._timed import write_by_slot
from vshm_ctypes.reservation import pack_meta, pack_times


@pytest.fixture(params=["write_timed", "by slot"])
def _written_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have frames written as by this library, and as by one of version 1.0."""
    if request.param == "by slot":
        monkeypatch.setattr(producer_module, "_MOST_TIMED_AT_ONCE", 0)
        monkeypatch.setattr(producer_module, "write_timed", write_by_slot)


@pytest.mark.usefixtures("_written_by")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview], ids=lambda kind: kind.__name__)
def test_a_frame_is_written_with_its_time_of_capture_and_flags(ring: str, kind: Any) -> None:
    with Producer(ring, slot_size=1000) as producer, Consumer(ring) as stream:
        flags = Flag.CORRUPT | Flag.CAPTURE_DRIVER
        assert producer.write(kind(b"fresh"), keyframe=True, width=640, fps=30, capture_ns=7, flags=flags)
        assert producer.write(kind(b"next"), flags=Flag.DISCONTINUITY)
        first, second = stream.receive(timeout=10), stream.receive(timeout=10)
        assert first is not None
        assert second is not None
        assert (first.data, first.capture_ns, first.flags) == (b"fresh", 7, flags | Flag.KEYFRAME)
        assert (first.width, first.fps) == (640, 30)
        assert (second.data, second.flags, second.capture_ns > 7) == (b"next", Flag.DISCONTINUITY, True)


def test_a_library_of_version_1_0_writes_without_the_flag_that_it_refuses(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        meta, timing = pack_times(pack_meta(True, Codec.H264, 0, 0, 0, 0), 9, True, 7, Flag.RECOVERY_POINT)
        assert write_by_slot(producer._reference, b"frame", 5, meta, timing) == 0
        frame = stream.receive(timeout=10)
        assert frame is not None
        assert (frame.timestamp_ms, frame.capture_ns, frame.flags) == (9, 7, Flag.KEYFRAME)


@pytest.mark.usefixtures("_written_by")
def test_a_frame_with_flags_is_refused_as_any_other(ring: str) -> None:
    with Producer(ring, slot_size=1000) as producer:
        with pytest.raises(FrameTooLarge):
            producer.write(bytes(1001), capture_ns=7)
        with pytest.raises(ValueError, match="at least one byte"):
            producer.write(b"", capture_ns=7)
        for bad in ({"flags": Flag.RECOVERY_POINT}, {"flags": -1}, {"flags": 1 << 31}, {"capture_ns": 1 << 64}):
            with pytest.raises(ValueError, match=r"flags|capture_ns"):
                producer.write(b"frame", **bad)
        with producer.reserve():
            assert not producer.write(b"frame", capture_ns=7)
        assert producer.write(b"frame", capture_ns=7)  # nothing was left reserved
    with pytest.raises(HandleClosed):
        producer.write(b"frame", capture_ns=7)
