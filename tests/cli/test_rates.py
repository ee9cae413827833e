# SPDX-License-Identifier: Apache-2.0
"""Rates that the slots of a ring tell by their own times, so that nobody waits for a second look."""

import subprocess
import time

import pytest
from writers import BUILD, Channel, wait_until

from vshm_ctypes import Flag, FrameMeta, Producer, SlotInfo, list_rings
from vshm_ctypes.cli import survey as survey_module
from vshm_ctypes.cli.rates import Rates, of_slots
from vshm_ctypes.cli.survey import survey, survey_one

NOW_NS = 100_000_000_000
KEY_BYTES, OTHER_BYTES = 60_000, 6_000


def slots(fps: float, count: int, gop: int = 0, newest_s: float = 0.0) -> list[SlotInfo]:
    """The newest frames of a steady stream; newest_s: how long ago the last one came. gop 0: no keyframes."""
    found = []
    for number in range(1000, 1000 + count):
        at_ns = NOW_NS - round(newest_s * 1e9) - round((1000 + count - 1 - number) * 1e9 / fps)
        key = bool(gop) and number % gop == 0
        size = KEY_BYTES if key else OTHER_BYTES
        meta = FrameMeta(0, size, number, key, 0, 640, 360, round(fps))
        found.append(SlotInfo(number % 30, number, at_ns, at_ns, int(Flag.KEYFRAME) if key else 0, meta))
    return found


@pytest.mark.parametrize("fps", [0.4, 1, 5, 30, 60, 240])
def test_a_steady_stream_has_its_rate(fps: float) -> None:
    told = of_slots(slots(fps, 30), None, NOW_NS)
    assert told.fps == pytest.approx(fps)
    assert told.bit_rate == pytest.approx(fps * 8 * OTHER_BYTES)


@pytest.mark.parametrize(("fps", "gop"), [(30, 30), (30, 10), (60, 60), (120, 25)])
def test_a_keyframe_counts_as_often_as_one_comes(fps: float, gop: int) -> None:
    """The second before the newest frame holds one more or less of them, and a fast ring less than a GOP."""
    true_bits = fps * 8 * (OTHER_BYTES + (KEY_BYTES - OTHER_BYTES) / gop)
    for count in range(28, 31):
        told = of_slots(slots(fps, count, gop), gop, NOW_NS)
        if any(slot.is_keyframe for slot in slots(fps, count, gop)):
            assert told.bit_rate == pytest.approx(true_bits, rel=0.02), count


def test_frames_that_are_not_there_any_more_are_counted() -> None:
    """A slot that is written over just now holds no whole frame."""
    told = of_slots([slot for slot in slots(30, 30) if slot.number != 1020], None, NOW_NS)
    assert told.fps == pytest.approx(30)


@pytest.mark.parametrize(
    ("fps", "silent_s", "lives"), [(30, 0.9, True), (30, 1.1, False), (0.4, 4.9, True), (0.4, 5.1, False)]
)
def test_a_stream_that_came_to_rest_has_no_rate(fps: float, silent_s: float, lives: bool) -> None:
    told = of_slots(slots(fps, 20, newest_s=silent_s), None, NOW_NS)
    assert (told != Rates()) is lives


def test_an_outage_before_the_last_second_is_not_averaged_in() -> None:
    before = [
        slot._replace(number=slot.number - 100, publish_ns=slot.publish_ns - 60_000_000_000) for slot in slots(30, 20)
    ]
    assert of_slots(before + slots(30, 10), None, NOW_NS).fps == pytest.approx(30)


def test_one_frame_or_none_tells_nothing() -> None:
    assert of_slots([], None, NOW_NS) == of_slots(slots(30, 1), None, NOW_NS) == Rates()


def test_nobody_waits_where_the_slots_tell(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_module.time, "sleep", lambda _: pytest.fail("it waits"))  # type: ignore[attr-defined]
    with Producer(ring) as producer:
        for _ in range(3):
            producer.write(b"x" * 1000, keyframe=True)
            end_ns = time.monotonic_ns() + 2_000_000
            while time.monotonic_ns() < end_ns:
                pass
        (listed,), shown = survey([ring], None), survey_one(ring, None)
    for one in (listed, shown):
        assert one.fps is not None and one.bit_rate == pytest.approx(one.fps * 8000)


def test_a_ring_of_version_1_is_looked_at_twice(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [str(BUILD / "tests" / "v1" / "v1_writer"), "-c", str(channel.number), "-f", "100"]
    waits: list[float] = []
    with subprocess.Popen(command) as writer:
        try:
            ring = f"/{channel.ring_path.name}"
            wait_until(lambda: ring in list_rings(), "it is there")
            monkeypatch.setattr(survey_module.time, "sleep", waits.append)  # type: ignore[attr-defined]
            survey([ring], None)
            survey_one(ring, None)
        finally:
            writer.terminate()
    assert waits == [1.0, 1.0]
