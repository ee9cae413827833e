# SPDX-License-Identifier: Apache-2.0
"""Rates that the slots of a ring tell by their own times, so that nobody waits for a second look."""

import subprocess
import time

import pytest
from writers import BUILD, Channel, wait_until

from vshm_ctypes import Codec, Flag, FrameMeta, Producer, RingInfo, SlotInfo, inspect, inspect_slots, list_rings
from vshm_ctypes.cli import survey as survey_module
from vshm_ctypes.cli.rates import Rates, between, of_slots
from vshm_ctypes.cli.survey import survey, survey_one

NOW_NS = 100_000_000_000
KEY_BYTES, OTHER_BYTES = 60_000, 6_000
SLOTS = 30


def size_of(number: int, gop: int) -> int:
    return KEY_BYTES if gop and number % gop == 0 else OTHER_BYTES


def slots(fps: float, count: int, gop: int = 0, newest_s: float = 0.0, end: int = 5000) -> list[SlotInfo]:
    """The newest frames of a steady stream; newest_s: how long ago the last one, end - 1, came. gop 0: no keyframes."""
    found = []
    for number in range(end - count, end):
        at_ns = NOW_NS - round(newest_s * 1e9) - round((end - 1 - number) * 1e9 / fps)
        key = bool(gop) and number % gop == 0
        meta = FrameMeta(0, size_of(number, gop), number, key, 0, 640, 360, round(fps))
        found.append(SlotInfo(number % SLOTS, number, at_ns, at_ns, int(Flag.KEYFRAME) if key else 0, meta))
    return found


def figures(gop: int = 0, end: int = 5000) -> RingInfo:
    """What the writer of such a stream has counted since frame 0."""
    written = range(end)
    return RingInfo(**dict.fromkeys(RingInfo._fields, 0))._replace(  # type: ignore[arg-type]
        extended=True,
        frames=end,
        keyframes=len(written[::gop]) if gop else 0,
        bytes=sum(size_of(number, gop) for number in written),
    )


def resized(found: list[SlotInfo], times: float) -> list[SlotInfo]:
    """The same frames, as an encoder of another bit rate makes them."""
    return [slot._replace(meta=slot.meta._replace(size=round(slot.meta.size * times))) for slot in found]


def true_bits(fps: float, gop: int) -> float:
    return fps * 8 * (OTHER_BYTES + (KEY_BYTES - OTHER_BYTES) / gop)


@pytest.mark.parametrize("fps", [0.4, 1, 5, 30, 60, 240])
def test_a_steady_stream_has_its_rate(fps: float) -> None:
    told = of_slots(slots(fps, 30), figures(), NOW_NS)
    assert told.fps == pytest.approx(fps)
    assert told.bit_rate == pytest.approx(fps * 8 * OTHER_BYTES)


@pytest.mark.parametrize(
    ("fps", "gop"), [(30, 30), (30, 10), (60, 60), (120, 25), (30, 60), (25, 250), (200, 50), (0.5, 12)]
)
def test_a_keyframe_counts_as_often_as_one_comes(fps: float, gop: int) -> None:
    """The second before the newest frame holds one more or less of them, and a ring often less than a GOP."""
    for end in range(5000, 5000 + gop):
        for count in (SLOTS - 2, SLOTS):  # those that are written over just now hold no whole frame
            told = of_slots(slots(fps, count, gop, end=end), figures(gop, end), NOW_NS)
            assert told.bit_rate == pytest.approx(true_bits(fps, gop), rel=0.05), (end, count)


def test_a_keyframe_in_the_ring_tells_the_bit_rate_of_now() -> None:
    for times in (0.25, 0.5, 2, 4):
        told = of_slots(resized(slots(30, SLOTS, 60, end=5050), times), figures(60, 5050), NOW_NS)
        assert told.bit_rate == pytest.approx(times * true_bits(30, 60), rel=0.02), times


def test_a_bit_rate_that_has_changed_is_not_told_as_it_was() -> None:
    """Without a keyframe in the ring only the writer's counters know of keyframes, and they run over its whole life."""
    assert not any(slot.is_keyframe for slot in slots(30, SLOTS, 60, end=5080))
    for times in (0.25, 0.49, 2, 4):
        told = of_slots(resized(slots(30, SLOTS, 60, end=5080), times), figures(60, 5080), NOW_NS)
        assert told.fps is not None and told.bit_rate is None, times


@pytest.mark.parametrize("end", [SLOTS, 50, 59])
def test_before_the_second_keyframe_nobody_knows_when_one_comes(end: int) -> None:
    told = of_slots(slots(30, SLOTS, 60, end=end), figures(60, end), NOW_NS)
    assert told.fps is not None and told.bit_rate is None
    told = of_slots(slots(30, SLOTS, 60, end=61), figures(60, 61), NOW_NS)
    assert told.bit_rate == pytest.approx(true_bits(30, 60), rel=0.02)


def test_counters_that_contradict_the_ring_tell_nothing() -> None:
    """As after a restart with another GOP; and where no keyframe is flagged, though they are as large as ever."""
    for known in (figures(10), figures(60)._replace(keyframes=0)):
        assert of_slots(slots(30, SLOTS, end=5000), known, NOW_NS).bit_rate is None


def test_numbers_that_make_no_sense_do_no_harm() -> None:
    """A writer of version 1 may leave its frames unnumbered, and a hostile one may count as it likes."""
    alike = [slot._replace(number=0) for slot in slots(30, SLOTS, 10)]
    between(figures(), figures(end=5001)._replace(extended=False), 1.0, alike)
    of_slots(slots(30, SLOTS, 60, end=SLOTS), figures(end=SLOTS)._replace(keyframes=2**64 - 1), NOW_NS)


@pytest.mark.parametrize(("count", "gop", "last"), [(SLOTS, 60, 5), (SLOTS, 60, 25), (120, 30, 110)])
def test_keyframes_that_come_irregularly_count_as_often_as_they_came(count: int, gop: int, last: int) -> None:
    """Two at a change of the scene say nothing of how often one comes."""
    found, key = slots(30, count), slots(30, 1, 1)[0]
    for index in (last - 3, last):
        found[index] = found[index]._replace(flags=key.flags, meta=key.meta)
    told = of_slots(found, figures(gop), NOW_NS)
    assert told.bit_rate == pytest.approx(true_bits(30, gop), rel=0.05)


def test_a_version_1_ring_tells_what_its_frames_tell() -> None:
    """It counts frames only."""
    before, after = (RingInfo(**dict.fromkeys(RingInfo._fields, 0))._replace(frames=end) for end in (4970, 5000))  # type: ignore[arg-type]
    for gop, bits in ((10, true_bits(30, 10)), (60, None), (2000, None)):
        told = between(before, after, 1.0, slots(30, 29, gop))
        assert told.fps == 30 and told.bit_rate == (bits and pytest.approx(bits)), gop
    sound = [slot._replace(meta=slot.meta._replace(codec=int(Codec.OPUS))) for slot in slots(30, 29)]
    assert between(before, after, 1.0, sound).bit_rate == pytest.approx(30 * 8 * OTHER_BYTES)


def test_frames_that_are_not_there_any_more_are_counted() -> None:
    """A slot that is written over just now holds no whole frame."""
    told = of_slots([slot for slot in slots(30, 30) if slot.number != 1020], figures(), NOW_NS)
    assert told.fps == pytest.approx(30)


@pytest.mark.parametrize(
    ("fps", "silent_s", "lives"), [(30, 0.9, True), (30, 1.1, False), (0.4, 4.9, True), (0.4, 5.1, False)]
)
def test_a_stream_that_came_to_rest_has_no_rate(fps: float, silent_s: float, lives: bool) -> None:
    told = of_slots(slots(fps, 20, newest_s=silent_s), figures(), NOW_NS)
    assert (told != Rates()) is lives


def test_an_outage_before_the_last_second_is_not_averaged_in() -> None:
    before = [
        slot._replace(number=slot.number - 100, publish_ns=slot.publish_ns - 60_000_000_000) for slot in slots(30, 20)
    ]
    assert of_slots(before + slots(30, 10), figures(), NOW_NS).fps == pytest.approx(30)


def test_one_frame_or_none_tells_nothing() -> None:
    assert of_slots([], figures(), NOW_NS) == of_slots(slots(30, 1), figures(), NOW_NS) == Rates()


def write_steadily(producer: Producer, *, keyframe: bool = True) -> None:
    """Write three frames, 2 ms from one to the next."""
    for _ in range(3):
        producer.write(b"x" * 1000, keyframe=keyframe)
        end_ns = time.monotonic_ns() + 2_000_000
        while time.monotonic_ns() < end_ns:
            pass


def test_nobody_waits_where_the_slots_tell(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_module.time, "sleep", lambda _: pytest.fail("it waits"))  # type: ignore[attr-defined]
    with Producer(ring) as producer:
        write_steadily(producer)
        (listed,), shown = survey([ring], None), survey_one(ring, None)
    for one in (listed, shown):
        assert one.fps is not None and one.bit_rate == pytest.approx(one.fps * 8000)


def test_the_bit_rate_is_the_same_with_and_without_a_keyframe_in_the_ring(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=8000) as producer:
        for number in range(200):
            producer.write(b"x" * (1000 if number % 10 else 6000), keyframe=number % 10 == 0)
            if number >= 190:
                info = inspect(ring)
                found = sorted(inspect_slots(ring), key=lambda slot: slot.number)
                told = of_slots(found, info, found[-1].publish_ns)
                assert told.fps is not None
                assert told.bit_rate == pytest.approx(told.fps * 8 * 1500, rel=0.05), number


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
            with Producer(f"{ring}_beside") as producer:
                monkeypatch.setattr(survey_module.time, "sleep", lambda _: write_steadily(producer))  # type: ignore[attr-defined]
                beside, _ = survey([producer.ring, ring], None)
        finally:
            writer.terminate()
    assert waits == [1.0, 1.0]
    assert beside.fps is not None, "a ring beside it is looked at when the wait is over"


def test_a_ring_has_its_rate_however_long_one_before_it_is_examined(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(_name: str, _frames: int) -> int:
        time.sleep(1.1)  # longer than a stream may pause
        return 0

    def inspect_slowly(name: str) -> RingInfo:
        time.sleep(0.01)
        (without_keyframes if name == without_keyframes.ring else producer).write(b"x")
        return inspect(name)

    monkeypatch.setattr(survey_module, "_count_unflagged", examine)
    with Producer(ring, slots=2) as without_keyframes, Producer(f"{ring}_b") as producer:
        write_steadily(without_keyframes, keyframe=False)
        write_steadily(producer)
        monkeypatch.setattr(survey_module, "inspect", inspect_slowly)
        looks = survey([without_keyframes.ring, producer.ring], None)
    assert [look.gop_exceeds_ring for look in looks] == [True, False]
    assert None not in [look.fps for look in looks]
    assert all(look.age_s for look in looks), "a frame that comes while a ring is looked at has an age, too"
