# SPDX-License-Identifier: Apache-2.0
"""Which units are written into the ring here, and how they are counted."""

from collections.abc import Iterator
from unittest.mock import MagicMock

import pytest
from pytest import MonkeyPatch
from writers import Channel

from vshm_ctypes import Codec, Consumer, Flag, Media, Producer, ring_name
from vshm_ctypes.bridges.figures import Cause
from vshm_ctypes.bridges.statistics import StreamStatistics
from vshm_ctypes.cli.relay.clock import Clock, RoundTrip
from vshm_ctypes.cli.relay.inlet import Inlet
from vshm_ctypes.cli.relay.keys import Export, Source
from vshm_ctypes.cli.relay.mirror import Mirror
from vshm_ctypes.cli.relay.wire import END, UNIT, About, Header

AHEAD_NS = 10**12


class Case:
    def __init__(self, producer: Producer) -> None:
        self.lost = 0
        self.statistics = StreamStatistics(producer.ring)
        clock = Clock()
        clock.add(RoundTrip(1, AHEAD_NS, 1))
        self.inlet = Inlet(producer, clock, self.statistics, self._lose)
        self.reader = Consumer(producer.ring, start="oldest")

    def _lose(self, count: int) -> None:
        self.lost += count

    def take(self, number: int, sequence: int | None = None, *, keyframe: bool = False, **more: int) -> None:
        """Take a unit as it comes from the network."""
        self.inlet.take(*unit(number, number if sequence is None else sequence, keyframe, **more))

    def read(self) -> list[tuple[int, bool]]:
        """Return each frame that is there: its number at the source, and whether it is a discontinuity."""
        found = []
        while (frame := self.reader.receive(0)) is not None:
            found.append((int.from_bytes(frame.data[:8], "big"), frame.discontinuity))
        return found

    def dropped(self) -> dict[Cause, int]:
        figures = self.statistics.figures()
        dropped = figures.dropped or {}
        assert figures.received == figures.sent + sum(dropped.values())
        return dropped


def unit(number: int, sequence: int, keyframe: bool, size: int = 100, codec: int = Codec.H264) -> tuple[Header, bytes]:
    data = number.to_bytes(8, "big") + bytes(size - 8)
    flags = Flag.KEYFRAME if keyframe else 0
    return Header(UNIT, codec, 30, flags, 64, 48, size, 1, number, sequence, 5, 6, 7), data


@pytest.fixture
def case(channel: Channel) -> Iterator[Case]:
    with Producer(channel.number) as producer:
        case = Case(producer)
        yield case
        case.reader.close()


def test_units_follow_each_other(case: Case) -> None:
    for number in range(10, 15):
        case.take(number, number - 10, keyframe=number == 10)
    assert case.read() == [(10, True), (11, False), (12, False), (13, False), (14, False)]
    assert case.lost == 0
    assert case.dropped() == {}


def test_after_a_loss_nothing_is_written_up_to_a_keyframe(case: Case) -> None:
    for number in (0, 1, 4, 5, 8, 9):
        case.take(number, keyframe=number in (0, 8))
    assert case.read() == [(0, True), (1, False), (8, True), (9, False)]
    assert case.lost == 4
    assert case.dropped() == {Cause.UNDECODABLE: 2}


def test_what_the_source_left_out_is_no_loss_on_the_way(case: Case) -> None:
    case.take(0, 0, keyframe=True)
    case.take(5, 1)
    case.take(7, 2, keyframe=True)
    assert case.read() == [(0, True), (7, True)]
    assert case.lost == 0
    assert case.dropped() == {Cause.UNDECODABLE: 1}


def test_the_last_gop_goes_before_what_is_live(case: Case) -> None:
    for number in (3, 4, 5):
        case.inlet.recall(*unit(number, number, number == 3))
    case.take(6, 6)
    assert case.read() == [(3, True), (4, False), (5, False), (6, False)]
    assert case.lost == 0


def test_the_end_tells_what_was_lost_last(case: Case) -> None:
    case.take(0, keyframe=True)
    case.inlet.end(unit(0, 4, False)[0]._replace(kind=END))
    assert case.lost == 3


def test_a_unit_that_is_too_large_is_refused_and_what_follows_it(case: Case) -> None:
    case.take(0, keyframe=True)
    case.take(1, size=case.reader.info().slot_size + 1)
    case.take(2)
    case.take(3, keyframe=True)
    assert case.read() == [(0, True), (3, True)]
    assert case.dropped() == {Cause.TOO_LARGE: 1, Cause.UNDECODABLE: 1}


def test_a_raw_picture_does_not_get_where_version_1_programs_read(case: Case) -> None:
    case.take(0, keyframe=True, codec=Codec.NV12)
    assert case.read() == []
    assert case.dropped() == {Cause.UNDECODABLE: 1}


def test_times_are_those_of_this_machine(case: Case) -> None:
    case.take(0, keyframe=True)
    frame = case.reader.receive(0)
    assert frame is not None
    assert abs(frame.capture_ns - AHEAD_NS - 5) <= 1000
    assert frame.timestamp_ms == 7


def test_an_import_that_is_told_to_end_does_not_wait_for_a_pause(channel: Channel, monkeypatch: MonkeyPatch) -> None:
    pytest.importorskip("zenoh", reason="eclipse-zenoh is not installed: pip install 'video-shm[relay]'")
    about, statistics = About(8, 4096, Media.VIDEO, 1), StreamStatistics("imported")
    export = Export.new(Source("front", "/cam"))
    mirror = Mirror(MagicMock(), export, ring_name(channel.number), about, Clock(), statistics, lambda _: None, None)
    taken: list[int] = []

    def take(_timeout: float) -> tuple[Header, bytes]:
        """Units come without a pause, as those of a camera do."""
        assert len(taken) < 1000, "it goes on"
        taken.append(len(taken))
        return unit(taken[-1], taken[-1], keyframe=True)

    monkeypatch.setattr(mirror.intake, "take", take)
    try:
        assert not mirror.follow(lambda: True, lambda: len(taken) >= 3)
    finally:
        mirror.close()
    assert statistics.figures().sent == 3
