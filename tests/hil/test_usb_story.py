# SPDX-License-Identifier: Apache-2.0
"""What became of the pictures that suffered a fault is told by the camera's books and the writer's ledger."""

import time
from types import SimpleNamespace
from typing import Any, cast

import numpy
import pytest

from hil.fleet import FleetResult
from hil.suite.usb_story import (
    PICTURE_FAULTS,
    Deed,
    Fate,
    Plan,
    fate_of,
    interruptions,
    picture_deeds,
    plug_and_wait,
    wrongly_shown,
)
from hil.usb.books import Picture
from hil.usb.camera_process import UsbCamera
from hil.usb.faults import FAULTS, Unit
from hil.workers.records import WRITTEN

INTERVAL_NS = 33_000_000


def pictures(count: int, faults: dict[int, str]) -> list[Picture]:
    """A stream's pictures, with the faults that some suffered by their position."""
    return [
        Picture(at, 1, at, 1, at * INTERVAL_NS, at * INTERVAL_NS + 1, 100, (faults[at],) if at in faults else ())
        for at in range(count)
    ]


def result(sent: list[Picture], delivered: set[int]) -> FleetResult:
    """A run in which the pictures at these positions were delivered, each as the frame of that number."""
    rows = [(at, at, at * INTERVAL_NS + 5, 0, 1, 0, 0) for at in sorted(delivered)]
    writer = SimpleNamespace(written=numpy.array(rows, WRITTEN))
    made = SimpleNamespace(sent=sent, writer=writer, shown=lambda: {at: sent[at].number for at in delivered})
    return cast(FleetResult, made)


def test_a_fault_that_was_survived() -> None:
    sent = pictures(30, {10: "hole", 11: "hole", 20: "error-bit"})
    assert fate_of("hole", result(sent, set(range(30)) - {10, 11, 20})) == Fate(hit=2, shown=0, after=8)
    assert fate_of("error-bit", result(sent, set(range(30)) - {10, 11, 20})) == Fate(hit=1, shown=0, after=9)


def test_a_damaged_picture_that_is_passed_on_is_found() -> None:
    sent = pictures(30, {10: "hole", 11: "hole"})
    assert fate_of("hole", result(sent, set(range(30)) - {11})).shown == 1


def test_a_stream_that_ends_with_a_fault_is_found() -> None:
    sent = pictures(30, {10: "hole", 20: "empty"})
    assert fate_of("hole", result(sent, {*range(10), *range(21, 30)})).after == 0


def test_a_fault_that_never_happened_is_found() -> None:
    assert fate_of("hole", result(pictures(30, {}), set(range(30)))) == Fate(0, 0, 0)


@pytest.mark.parametrize("wrong", [False, True])
def test_pictures_must_show_the_numbers_that_were_drawn(wrong: bool) -> None:
    import av

    from hil.streamer.sources import barcode

    sent = pictures(3, {})
    shown = []
    for number in (0, 7 if wrong else 1, 2):
        picture: Any = av.VideoFrame(320, 180, "yuv420p")
        planes = numpy.full((270, 320), 128, numpy.uint8)
        barcode.draw(planes[:180], number)
        shown.append(picture.from_ndarray(planes, "yuv420p"))
    assert wrongly_shown(shown, [0, 1, 2], result(sent, {0, 1, 2})) == ([1] if wrong else [])


def test_every_fault_of_pictures_that_a_camera_has_is_tried_in_order() -> None:
    of_pictures = {name for name, fault in FAULTS.items() if fault.unit == Unit.PICTURES}
    assert set(PICTURE_FAULTS) == of_pictures
    told: list[tuple[str, float]] = []
    usb = cast(UsbCamera, SimpleNamespace(set=lambda *words: told.append(words), unplug=None, plug=None))
    deeds: list[Deed] = [*picture_deeds(usb), *interruptions(usb, 4)]
    for deed in deeds[: len(PICTURE_FAULTS)]:
        deed.do()
    assert [name for name, _ in told] == [deed.name for deed in deeds[: len(PICTURE_FAULTS)]] == list(PICTURE_FAULTS)


def test_a_camera_that_is_plugged_in_again_is_waited_for_until_it_sends() -> None:
    looks: list[int] = []

    def books() -> SimpleNamespace:
        looks.append(len(looks))
        late_ns = time.monotonic_ns() if len(looks) == 3 else None
        return SimpleNamespace(pictures=[*pictures(5, {}), pictures(1, {})[0]._replace(sent_ns=late_ns)])

    plug_and_wait(cast(UsbCamera, SimpleNamespace(plug=lambda: None, books=books)))
    assert len(looks) == 3


def test_deeds_are_done_one_after_the_other_however_long_each_takes() -> None:
    now, done = [100.0], list[str]()

    def slow() -> None:
        done.append("slow")
        now[0] += 30

    plan = Plan([Deed(1, "slow", slow), Deed(2, "quick", lambda: done.append("quick"))], rest_s=5)
    assert plan.most_s > 3

    def at(seconds: float) -> bool:
        now[0] = seconds
        return plan.go_on(lambda: now[0])

    assert not at(100) and not at(100.5) and done == []
    assert not at(101) and done == ["slow"]  # and it is 131 now
    assert not at(132) and done == ["slow"]
    assert not at(133) and done == ["slow", "quick"]
    assert not at(137) and at(138)
    assert [one.kind for one in plan.done] == ["slow", "quick"]
