# SPDX-License-Identifier: Apache-2.0
"""When pictures of a recording are shown and decoded, whatever order they come in and whatever their times are."""

from itertools import pairwise

import pytest

from vshm_ctypes.bitstream import Order
from vshm_ctypes.cli.record.presentation import MOST_REORDERED, Presentation

MS = 1_000_000
TICK_NS = 11_112
FRAME_NS = 40 * MS
BEGIN_NS = 7_000 * MS
# In decoding order: which picture of a GOP it is, by its place among those shown.
NO_B = tuple(range(24))
ONE_B = (0, *(place for pair in range(11) for place in (2 * pair + 2, 2 * pair + 1)))
PYRAMID = (0, *(4 * four + place for four in range(5) for place in (4, 2, 1, 3)))
LEADING = (2, 0, 1, *range(3, 20))  # pictures shown before the one that is decoded first
SHAPES = {"no b": (NO_B, 0), "one b": (ONE_B, 1), "pyramid": (PYRAMID, 2), "leading": (LEADING, 1)}


def presented(
    gop: tuple[int, ...], depth: int | None, gops: int = 2, rising: bool = False
) -> list[tuple[int, int, int]]:
    """Return (number among those shown, pts, dts) of each picture. rising: times are when the encoder was done."""
    presentation: Presentation[int] = Presentation(depth, TICK_NS)
    found = []
    for number in range(gops * len(gop)):
        sequence, place = number // len(gop), gop[number % len(gop)]
        shown = sequence * len(gop) + place
        at_ns = BEGIN_NS + FRAME_NS * (number if rising else shown)
        found += presentation.take(shown, at_ns, Order(sequence, 2 * place), number == 0)
    found += presentation.flush()
    assert presentation.begin_ns == BEGIN_NS
    return [(timed.picture, timed.pts_ns, timed.dts_ns) for timed in found]


@pytest.mark.parametrize("rising", [False, True])
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_are_shown_in_their_order_and_decoded_in_time(shape: str, told: bool, rising: bool) -> None:
    gop, depth = SHAPES[shape]
    found = presented(gop, depth if told else None, rising=rising)
    shown, pts, dts = zip(*found, strict=True)
    assert shown == tuple(gops * len(gop) + place for gops in range(2) for place in gop)
    assert pts == pytest.approx(
        [number * FRAME_NS for number in shown], rel=0, abs=TICK_NS if shape == "leading" else 0
    )
    assert all(after > before for before, after in pairwise((-1, *dts)))
    assert all(decoded <= seen for decoded, seen in zip(dts, pts, strict=True))
    settled = dts[MOST_REORDERED:]
    assert settled == tuple((number - depth) * FRAME_NS for number in range(MOST_REORDERED, len(found)))


def test_what_can_not_be_reordered_does_not_wait() -> None:
    presentation: Presentation[int] = Presentation(0, TICK_NS)
    for number in range(40):
        (timed,) = presentation.take(number, number * FRAME_NS, Order(1, 2 * number))
        assert (timed.picture, timed.pts_ns, timed.dts_ns) == (number, number * FRAME_NS, number * FRAME_NS)


def test_a_stream_that_reorders_later_than_it_showed_is_right_from_then_on() -> None:
    """Nothing told that it may, and the first pictures did not."""
    presentation: Presentation[int] = Presentation(None, TICK_NS)
    places = [*range(20), *(20 + place for place in ONE_B)]
    found = []
    for place in places:
        found += presentation.take(place, place * FRAME_NS, Order(1, place))
    found += presentation.flush()
    assert [timed.picture for timed in found] == places
    off = [timed.picture for timed in found if timed.pts_ns != timed.picture * FRAME_NS]
    assert len(off) <= 2 and all(20 <= place <= 22 for place in off)
    assert all(after.dts_ns > before.dts_ns for before, after in pairwise(found))
    assert all(timed.dts_ns <= timed.pts_ns for timed in found)


def test_times_never_go_back() -> None:
    """A clock that was set, in a ring of version 1; pictures of which no order is told."""
    presentation: Presentation[int] = Presentation(0, TICK_NS)
    found = []
    for number, at_ms in enumerate((5000, 5040, 1000, 5120)):
        found += presentation.take(number, at_ms * MS, None)
    assert [timed.pts_ns for timed in found] == [0, 40 * MS, 41 * MS, 120 * MS]
    assert [timed.dts_ns for timed in found] == [0, 40 * MS, 41 * MS, 120 * MS]
