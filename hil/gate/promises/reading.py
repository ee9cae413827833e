# SPDX-License-Identifier: Apache-2.0
"""Promises about reading: where a reader starts, which frames it gets, and how it learns of the others."""

from __future__ import annotations

import ctypes

from .scene import FRAME, Scene, promise
from .sides import Reader, Writer

NEXT, NEWEST, OLDEST, KEYFRAME = range(4)
EVERY, ONLY_NEWEST, ONLY_KEYFRAMES = range(3)


def _books(reader: Reader) -> tuple[int, int, int, int]:
    info = reader.info()
    return info.received, info.missed, info.skipped, info.span


def _write(writer: Writer, count: int, keyframes: tuple[int, ...] = (), codec: int = 0) -> None:
    """Write count frames. keyframes: indices of the keyframes among these."""
    for number in range(count):
        writer.write(FRAME, is_keyframe=number in keyframes, codec=codec)


@promise
def starts_where_it_is_told(scene: Scene) -> None:
    """A reader starts at the next, the newest or the oldest frame, or the last keyframe, and counts from there."""
    writer = scene.writer()
    _write(writer, 40, (12, 25))
    for start, first in ((NEXT, 40), (NEWEST, 39), (OLDEST, 10), (KEYFRAME, 25)):
        reader = scene.reader(start=start)
        scene.expect(f"next_frame of start {start}", reader.info().next_frame, first)
        scene.expect(f"frames of start {start}", reader.numbers(), list(range(first, 40)))
        scene.expect(f"books of start {start}", _books(reader), (40 - first, 0, 0, 40 - first))
    plain = scene.reader()
    scene.expect("frames of the original's reader", plain.numbers(), [])
    writer.write(FRAME)
    scene.expect("frames of it then", plain.numbers(), [40])
    writer.reserve()  # in the slot of frame 11, the oldest one
    oldest = scene.reader(start=OLDEST)
    scene.expect("frames while the oldest is overwritten", oldest.numbers(), list(range(12, 41)))
    scene.expect("books while the oldest is overwritten", _books(oldest), (29, 0, 0, 29))


@promise
def starts_in_a_ring_without_frames(scene: Scene) -> None:
    """In an empty ring a reader starts at the first frame that is written, or at the first keyframe."""
    writer = scene.writer()
    readers = [scene.reader(start=start) for start in (NEXT, NEWEST, OLDEST, KEYFRAME)]
    for reader in readers:
        scene.expect("what is there", reader.wait().result, 0)
    _write(writer, 5, (2,))
    for start, reader in enumerate(readers):
        scene.expect(f"frames of start {start}", reader.numbers(), [2, 3, 4] if start == KEYFRAME else [0, 1, 2, 3, 4])


@promise
def waits_for_a_keyframe_to_start_with(scene: Scene) -> None:
    """With start keyframe, and none in the ring, a reader starts at the next one and skips what is before it."""
    writer = scene.writer()
    _write(writer, 35)
    reader = scene.reader(start=KEYFRAME)
    scene.expect("what is there", reader.numbers(), [])
    _write(writer, 5, (3,))
    scene.expect("frames", reader.numbers(), [38, 39])
    scene.expect("received, missed, skipped, span", _books(reader), (2, 0, 3, 5))


@promise
def hands_a_lapped_reader_all_that_the_ring_holds(scene: Scene) -> None:
    """A reader that is lapped gets every frame that the ring still holds, and counts the others as missed."""
    written = 100
    writer = scene.writer()
    reader = scene.reader()
    for number in range(written):
        writer.write(number.to_bytes(4, "little") * 100)
    expected = list(range(written - 30, written))
    for number in expected:
        got = reader.wait()
        scene.expect("number and bytes", (got.number, got.data[:4]), (number, number.to_bytes(4, "little")))
    scene.expect("what comes then", reader.wait().result, 0)
    scene.expect("missed, by stats", reader.stats()[2], written - 30)
    if scene.library.has("consumer_info"):
        scene.expect("received, missed, skipped, span", _books(reader), (30, 70, 0, 100))


@promise
def tells_what_was_missed_before_a_frame(scene: Scene) -> None:
    """Each view tells how many frames the reader missed since the one before."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=4, slot_size=1000), scene.reader(name)
    seen = []
    for burst in (1, 4, 9, 5, 1):
        _write(writer, burst)
        while (view := reader.look()) is not None:
            seen.append((view.frame, view.missed_before))
    expected = [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (10, 5), (11, 0), (12, 0), (13, 0)]
    expected += [(15, 1), (16, 0), (17, 0), (18, 0), (19, 0)]
    scene.expect("frames and what was missed before each", seen, expected)
    scene.expect("received, missed, skipped, span", _books(reader), (14, 6, 0, 20))


@promise
def gives_the_newest_only(scene: Scene) -> None:
    """A reader with policy newest gets the newest frame whenever it asks, skips the others, and misses none."""
    writer = scene.writer()
    reader = scene.reader(policy=ONLY_NEWEST)
    got = []
    for burst in (1, 2, 7, 30, 100):
        _write(writer, burst)
        got += reader.numbers()
    scene.expect("frames", got, [0, 2, 9, 39, 139])
    scene.expect("received, missed, skipped, span", _books(reader), (5, 0, 135, 140))
    _write(writer, 3)
    view = reader.look()
    scene.expect("frame, and missed before it", (view.frame, view.missed_before), (142, 0))


@promise
def gives_keyframes_only(scene: Scene) -> None:
    """A reader with policy keyframes gets each keyframe once, and skips all other frames."""
    writer = scene.writer()
    reader = scene.reader(policy=ONLY_KEYFRAMES)
    _write(writer, 20, (0, 5, 6, 19))
    scene.expect("frames", reader.numbers(), [0, 5, 6, 19])
    writer.write(FRAME, codec=2)
    scene.expect("a JPEG", reader.numbers(), [20])
    scene.expect("received, missed, skipped, span", _books(reader), (5, 0, 16, 21))
    oldest = scene.reader(policy=ONLY_KEYFRAMES, start=OLDEST)
    scene.expect("frames from the oldest on", oldest.numbers(), [0, 5, 6, 19, 20])


@promise
def tells_missed_keyframes_from_skipped_frames(scene: Scene) -> None:
    """A reader with policy keyframes that is lapped has missed the lost keyframes, and skipped the rest."""
    writer = scene.writer()
    reader = scene.reader(policy=ONLY_KEYFRAMES)
    _write(writer, 100, (0, 10, 20, 30, 80, 99))
    scene.expect("frames", reader.numbers(), [80, 99])
    scene.expect("received, missed, skipped, span", _books(reader), (2, 4, 94, 100))


@promise
def resynchronises_at_keyframes(scene: Scene) -> None:
    """With resync a reader skips all up to a keyframe, at the start and after a gap."""
    for codec in (0, 1):
        name = scene.new_name()
        writer = scene.writer(name, slots=10, slot_size=1000)
        reader = scene.reader(name, resync=1)
        _write(writer, 8, (3, 6), codec)
        scene.expect(f"frames of codec {codec}", reader.numbers(), [3, 4, 5, 6, 7])
        scene.expect("received, missed, skipped, span", _books(reader), (5, 0, 3, 8))
        _write(writer, 15, (9,), codec)  # 8 to 22, of which 13 to 22 are left, and 17 is a keyframe
        scene.expect("frames after a gap", reader.numbers(), list(range(17, 23)))
        scene.expect("received, missed, skipped, span", _books(reader), (11, 5, 7, 23))


@promise
def needs_no_keyframe_of_pictures_that_stand_alone(scene: Scene) -> None:
    """Resync holds for H.264 and H.265 only: JPEG and sound need no keyframe."""
    for codec, media in ((2, 0), (64, 1), (65, 1), (66, 1)):
        name = scene.new_name()
        writer = scene.writer(name, slots=10, slot_size=1000, media=media)
        reader = scene.reader(name, resync=1)
        _write(writer, 15, (), codec)
        scene.expect(f"frames of codec {codec}", reader.numbers(), list(range(5, 15)))
        scene.expect("received, missed, skipped, span", _books(reader), (10, 5, 0, 15))


@promise
def starts_and_resynchronises_together(scene: Scene) -> None:
    """With resync a reader's first frame is the first keyframe from its start on; it has skipped the others."""
    writer = scene.writer()
    _write(writer, 20, (5, 15))
    for start, expected, skipped in (
        (OLDEST, range(5, 21), 5),
        (NEWEST, [], 1),
        (NEXT, [], 0),
        (KEYFRAME, range(15, 21), 0),
    ):
        reader = scene.reader(start=start, resync=1)
        if start == OLDEST:
            writer.write(FRAME)
        scene.expect(f"frames of start {start}", reader.numbers(), list(expected))
        books = (len(expected), 0, skipped, len(expected) + skipped)
        scene.expect(f"received, missed, skipped, span of start {start}", _books(reader), books)


@promise
def resynchronises_a_reader_of_the_newest(scene: Scene) -> None:
    """With policy newest and resync, a reader that has passed frames over goes on at a keyframe."""
    writer = scene.writer()
    reader = scene.reader(policy=ONLY_NEWEST, resync=1)
    _write(writer, 1, (0,))
    scene.expect("the first", reader.numbers(), [0])
    writer.write(FRAME)
    scene.expect("the next, with nothing between", reader.numbers(), [1])
    _write(writer, 3)
    scene.expect("with frames between, none of them a keyframe", reader.numbers(), [])
    _write(writer, 3, (1,))
    numbers = reader.numbers()
    scene.expect("the first then is the keyframe", numbers[:1], [6])
    received, missed, skipped, span = _books(reader)
    scene.expect("received and skipped are the span, none missed", (received + skipped, missed), (span, 0))


@promise
def says_what_does_not_continue(scene: Scene) -> None:
    """A discontinuity that a writer flags is told once, with its frame, or with the next one that the reader wants."""
    writer, reader = scene.writer(), scene.reader(start=OLDEST)
    for flags in (0, 2, 0, 0, 2):
        writer.place(FRAME, {"flags": flags})
    scene.expect("flags", [reader.look().flags for _ in range(5)], [0, 2, 0, 0, 2])
    keyframes = scene.reader(policy=ONLY_KEYFRAMES)
    for flags, is_keyframe in ((2, 0), (0, 1), (0, 1)):  # the first one is skipped
        writer.place(FRAME, {"flags": flags}, is_keyframe=is_keyframe)
    scene.expect("flags of keyframes behind one", [keyframes.look().flags for _ in range(2)], [2 | 1, 1])


@promise
def balances_its_books(scene: Scene) -> None:
    """received + missed + skipped == span holds always, under any policy, start, resync and reservation."""
    name = scene.new_name()
    writer = scene.writer(name, slots=5, slot_size=1000)
    readers = [
        scene.reader(name, start=start, policy=policy, resync=resync)
        for start in range(4)
        for policy in range(3)
        for resync in range(2)
    ]
    pattern = [1, 3, 7, 2, 12, 5, 1, 6, 11]
    for turn, burst in enumerate(pattern):
        _write(writer, burst, (turn % 4,))
        writer.reserve()
        writer.abort()
        for number, reader in enumerate(readers):
            if (turn + number) % 3:
                reader.wait()
            else:
                reader.numbers()
            received, missed, skipped, span = _books(reader)
            scene.need(f"received + missed + skipped of reader {number}", received + missed + skipped, span)
    for reader in readers:
        reader.numbers()
        info = reader.info()
        scene.expect("next_frame at the end", info.next_frame, sum(pattern))
        scene.expect("written, as each knows", info.frames, sum(pattern))


@promise
def keeps_readers_apart(scene: Scene) -> None:
    """What one reader reads or misses changes nothing for another."""
    writer = scene.writer()
    quick, slow = scene.reader(), scene.reader()
    for _ in range(50):
        writer.write(FRAME)
        quick.wait()
    late = scene.reader()
    scene.expect("slow one's frames", slow.numbers(), list(range(20, 50)))
    scene.expect("missed by each", [reader.stats()[2] for reader in (quick, slow, late)], [0, 20, 0])


@promise
def serves_many_readers(scene: Scene) -> None:
    """A hundred readers of a ring get every frame each."""
    name, count = scene.new_name(), 100
    writer = scene.writer(name, slots=20, slot_size=1000)
    readers = [scene.reader(name) for _ in range(count)]
    _write(writer, 15)
    scene.expect("readers that got all", [reader.numbers() for reader in readers].count(list(range(15))), count)
    scene.expect("version 1 readers, as the ring has it", writer.info().v1_readers, 0)


@promise
def tells_stats_with_any_pointer_null(scene: Scene) -> None:
    """consumer_stats reports frames written, dropped and missed; any of its pointers may be NULL."""
    writer, reader = scene.writer(), scene.reader()
    _write(writer, 37)
    writer.write(bytes(512 * 1024 + 1))
    reader.numbers()
    scene.expect("written, dropped, missed", reader.stats(), (37, 1, 7))
    for place, expected in enumerate((37, 1, 7)):
        count, pointers = ctypes.c_uint32(), [None, None, None]
        pointers[place] = ctypes.byref(count)  # type: ignore[call-overload]
        scene.expect("stats with two NULL", str(scene.library("consumer_stats", reader.handle, *pointers)), "0")
        scene.expect("the one", count.value, expected)
    told = scene.library("consumer_stats", reader.handle, None, None, None)
    scene.expect("stats with all NULL", str(told), "0")
