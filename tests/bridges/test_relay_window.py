# SPDX-License-Identifier: Apache-2.0
"""The brake of an exporter, and its memory of the last GOP."""

import pytest

from vshm_ctypes import Flag
from vshm_ctypes.cli.relay import window as module
from vshm_ctypes.cli.relay.last_gop import LastGop
from vshm_ctypes.cli.relay.window import FRESH_NS, LATE_NS, LOST_NS, MOST_BYTES, MOST_IMPORTERS, Window
from vshm_ctypes.cli.relay.wire import UNIT, Header

SECOND = 10**9


class Now:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.ns = 10**12

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    clock = Now()
    monkeypatch.setattr(module, "monotonic_ns", clock)
    return clock


def test_nothing_is_sent_while_a_unit_is_late(now: Now) -> None:
    window = Window()
    window.hear("a", 0)
    window.send(0, 100)
    assert window.wait(0)
    now.ns += LATE_NS + 1
    window.hear("a", 0)
    assert not window.wait(0)
    assert not window.wait_empty(0)
    window.hear("a", 1)
    assert window.wait(0)
    assert window.wait_empty(0)


def test_bytes_under_way_are_bounded(now: Now) -> None:
    window = Window()
    window.hear("a", 0)
    window.send(0, MOST_BYTES)
    assert window.wait(0)
    window.send(1, 1)
    assert not window.wait(0)
    window.hear("a", 1)
    assert window.wait(0)


def test_the_fastest_importer_sets_the_pace(now: Now) -> None:
    window = Window()
    for name in ("slow", "fast"):
        window.hear(name, 0)
    window.send(0, 100)
    now.ns += LATE_NS + 1
    window.hear("slow", 0)
    window.hear("fast", 1)
    assert window.wait(0)
    assert window.importers == 2


def test_an_importer_that_is_silent_is_gone(now: Now) -> None:
    window = Window()
    window.hear("a", 0)
    window.send(0, 100)
    now.ns += FRESH_NS + 1
    assert window.wait(0)
    assert window.importers == 0


def test_what_was_lost_is_not_waited_for(now: Now) -> None:
    window = Window()
    window.hear("a", 0)
    window.send(0, 100)
    for _ in range(4):
        now.ns += LOST_NS // 4 + 1
        window.hear("a", 0)
    assert window.wait(0)


def test_importers_are_bounded(now: Now) -> None:
    window = Window()
    for number in range(2 * MOST_IMPORTERS):
        window.hear(str(number), number)
    assert window.importers == MOST_IMPORTERS


def header(number: int, keyframe: bool = False) -> Header:
    return Header(UNIT, 0, 30, Flag.KEYFRAME if keyframe else 0, 64, 48, 1, 1, number, number, 1, 1, 1)


def kept(gop: LastGop) -> list[int]:
    return [header.number for header, _ in gop.units()]


def test_the_last_gop_begins_at_its_keyframe() -> None:
    gop = LastGop()
    gop.add(header(0), b"x")
    assert kept(gop) == []
    for number in range(1, 8):
        gop.add(header(number, number in (1, 5)), b"x")
    assert kept(gop) == [5, 6, 7]
    last = gop.last()
    assert last is not None
    assert last.number == 7
    gop.clear()
    assert kept(gop) == []


def test_a_gop_that_is_too_large_is_not_continued_after_a_hole() -> None:
    gop = LastGop(most_bytes=10)
    gop.add(header(0, True), bytes(6))
    gop.add(header(1), bytes(6))
    gop.add(header(2), bytes(1))
    assert kept(gop) == [0]
    gop.add(header(3, True), bytes(20))  # a keyframe alone is always kept
    assert kept(gop) == [3]
