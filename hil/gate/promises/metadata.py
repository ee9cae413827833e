# SPDX-License-Identifier: Apache-2.0
"""Promises about the metadata of a frame: each field at its bounds, flags, times and clocks."""

from __future__ import annotations

import ctypes
import time

from .header import read_header
from .raw import Guarded, Slot
from .ring_object import RingObject
from .scene import FRAME, Calls, Scene, promise
from .sides import Writer, inspect

BOUNDS = {
    "timestamp_ms": (1, 2**32, 2**64 - 1),
    "is_keyframe": (0, 1),
    "codec": (0, 1, 2, 3, 64, 65, 66, 255),
    "width": (0, 1, 1280, 65535),
    "height": (0, 1, 720, 65535),
    "fps": (0, 1, 30, 255),
}
USUAL = {"timestamp_ms": 5, "is_keyframe": 0, "codec": 0, "width": 2, "height": 3, "fps": 4}
KEYFRAME, DISCONTINUITY, RECOVERY_POINT = 1, 2, 16
CLOCK_MS = 2000  # wall clocks are set and stepped


def _told(meta: object) -> dict[str, int]:
    return {field: getattr(meta, field) for field in USUAL}


@promise
def carries_each_field_as_it_was_given(scene: Scene) -> None:
    """A reader gets each field of the metadata as it was given, up to its bounds."""
    writer, reader = scene.writer(), scene.reader()
    for field, values in BOUNDS.items():
        for value in values:
            given = USUAL | {field: value}
            scene.need(f"write with {field} {value}", str(writer.write(FRAME, **given)), "0")
            scene.expect(f"metadata with {field} {value}", _told(reader.wait().meta), given)


@promise
def carries_each_field_without_a_copy(scene: Scene) -> None:
    """acquire and inspect_slots return each field of the metadata as it was given, too."""
    writer, reader = scene.writer(), scene.reader(start=2)
    name, slots = scene.channel_name.encode(), Guarded(Slot * 30)
    for number, (field, values) in enumerate(BOUNDS.items()):
        given = USUAL | {field: values[-1]}
        writer.place(FRAME, None, **given)
        view = reader.look()
        scene.expect(f"view's metadata with {field} {values[-1]}", _told(view.meta), given)
        slots.value[0].struct_size = ctypes.sizeof(Slot)
        scene.library("inspect_slots", name, slots, 30)
        scene.expect(f"slot's metadata with {field} {values[-1]}", _told(slots.value[number].meta), given)


@promise
def knows_a_keyframe(scene: Scene) -> None:
    """A frame is flagged as a keyframe if its metadata says so, and every JPEG is."""
    writer = scene.writer()
    reader = scene.reader(start=2)
    for codec in (0, 1, 2, 3, 64):
        for is_keyframe in (0, 1):
            writer.write(FRAME, codec=codec, is_keyframe=is_keyframe)
            expected = KEYFRAME if is_keyframe or codec == 2 else 0
            what = f"keyframe's flag of codec {codec}, is_keyframe {is_keyframe}"
            scene.expect(what, reader.look().flags & KEYFRAME, expected)
    scene.expect("keyframes counted", writer.info().keyframes, 6)
    writer.write(FRAME, codec=2)
    writer.write(FRAME)
    scene.expect("where a reader begins that wants a keyframe", scene.reader(start=3).info().next_frame, 10)
    writer.write(FRAME, codec=2)
    got = scene.reader(policy=2, start=2).numbers()
    scene.expect("the last keyframes of a reader that wants no others", got[-2:], [10, 12])


@promise
def carries_what_a_program_keeps_in_reserved(scene: Scene) -> None:
    """The five reserved bytes of the metadata are a program's own, and are carried along by every call."""
    writer, reader = scene.writer(), scene.reader()
    kept = (ctypes.c_uint8 * 5)(*b"abcde")
    writer.write(FRAME, reserved=kept)
    writer.place(FRAME, reserved=kept)
    writer.write(FRAME)
    seen = [bytes(reader.wait().meta.reserved), bytes(reader.look().meta.reserved), bytes(reader.wait().meta.reserved)]
    scene.expect("reserved of three frames", seen, [b"abcde", b"abcde", bytes(5)])


@promise
def carries_each_flag(scene: Scene) -> None:
    """A frame has the flags that its writer gave it, alone or together, and no others."""
    writer = scene.writer()
    reader = scene.reader(start=2)
    for flags in (0, 2, 4, 8, 2 | 4 | 8):
        scene.expect(f"commit with flags {flags}", str(writer.place(FRAME, {"flags": flags})), "0")
        scene.expect(f"flags of the frame with {flags}", reader.look().flags, flags)
    for codec in (0, 1, 2):
        answer = writer.place(FRAME, {"flags": RECOVERY_POINT}, is_keyframe=codec < 2, codec=codec)
        scene.expect(f"commit of a recovery point of codec {codec}", str(answer), "0")
        scene.expect("its flags", reader.look().flags, RECOVERY_POINT | KEYFRAME)


@promise
def writes_with_times_and_flags_in_one_call(scene: Scene) -> None:
    """write_timed writes a frame as write does, with the times and flags that commit takes; without, it is write."""
    writer = scene.writer(slots=4, slot_size=1000)
    reader = scene.reader(start=2)
    for number, (capture_ns, flags) in enumerate(((1, 2), (2**64 - 1, 2 | 4 | 8), (7, RECOVERY_POINT))):
        begin, data = time.monotonic_ns(), bytes([number]) * 1000
        told = writer.write_timed(data, {"capture_ns": capture_ns, "flags": flags}, **USUAL | {"is_keyframe": 1})
        scene.expect("write_timed", str(told), "0")
        view = reader.look()
        scene.expect("its frame, time and flags", (view.frame, view.capture_ns), (number, capture_ns))
        scene.expect("its flags", view.flags, flags | KEYFRAME)
        scene.expect("its metadata", _told(view.meta), USUAL | {"is_keyframe": 1})
        scene.expect_in("publish_ns, from its begin", view.publish_ns - begin, 0, time.monotonic_ns() - begin)
    newest = scene.reader(start=1)
    scene.expect("its bytes", newest.wait().data, b"\2" * 1000)
    for timing in (None, {"flags": 0}):
        begin = time.monotonic_ns()
        scene.expect("write_timed without a time", str(writer.write_timed(FRAME, timing)), "0")
        view = reader.look()
        scene.expect("flags", view.flags, 0)
        scene.expect_in("capture_ns, from its begin", view.capture_ns - begin, 0, time.monotonic_ns() - begin)
    writer.reserve()
    scene.expect("while a slot is reserved", str(writer.write_timed(FRAME, {"capture_ns": 7})), "1")
    writer.abort()
    scene.expect("a byte more than a slot", str(writer.write_timed(bytes(1001), {"capture_ns": 7})), "-1 EMSGSIZE")
    info = writer.info()
    scene.expect("written, busy, too large", (info.frames, info.dropped_busy, info.dropped_too_large), (5, 1, 1))


@promise
def dates_frames_by_the_monotonic_clock(scene: Scene) -> None:
    """capture_ns and publish_ns lie within the write; last_publish_ns is that of the newest frame."""
    writer, reader, name = scene.writer(), scene.reader(start=2), scene.channel_name
    for how in ("write", "commit", "commit with a time"):
        begin = time.monotonic_ns()
        if how == "write":
            answer = writer.write(FRAME)
        elif how == "commit":
            answer = writer.place(FRAME)
        else:
            time.sleep(0.001)  # so that the time of capture differs from that of publishing
            answer = writer.place(FRAME, {"capture_ns": begin})
        end = time.monotonic_ns()
        scene.need(how, str(answer), "0")
        view = reader.look()
        for field in ("capture_ns", "publish_ns"):
            scene.expect_in(f"{field} of a {how}, from its begin", getattr(view, field) - begin, 0, end - begin)
        looked = {"the writer": writer.info(), "a reader": reader.info(), "who looks": inspect(scene.library, name)}
        for who, info in looked.items():
            scene.expect(f"last_publish_ns for {who}", info.last_publish_ns, view.publish_ns)
    writer.reserve()
    begin = time.monotonic_ns()
    writer.commit(10)
    end, view = time.monotonic_ns(), reader.look()
    scene.expect_in("publish_ns, from the begin of a commit", view.publish_ns - begin, 0, end - begin)


@promise
def keeps_the_time_of_capture_that_is_given(scene: Scene) -> None:
    """A capture_ns that is given is kept, whatever it is; publish_ns is when the writer was done."""
    writer, reader = scene.writer(), scene.reader(start=2)
    for capture_ns in (1, time.monotonic_ns() - 10**9, 2**63, 2**64 - 1):
        begin = time.monotonic_ns()
        writer.place(FRAME, {"capture_ns": capture_ns})
        view = reader.look()
        scene.expect("capture_ns", view.capture_ns, capture_ns)
        scene.expect_in("publish_ns, from the commit's begin", view.publish_ns - begin, 0, time.monotonic_ns() - begin)
    begin = time.monotonic_ns()
    writer.place(FRAME, {"flags": 4})
    view = reader.look()
    scene.expect_in("capture_ns where only flags are given", view.capture_ns, begin, view.publish_ns)


@promise
def stamps_the_wall_clock_where_no_time_is_given(scene: Scene) -> None:
    """A timestamp_ms of 0 becomes the time of the write, in ms since the epoch."""
    writer, reader = scene.writer(), scene.reader()
    long_ago = {"capture_ns": 1}
    writes: Calls = {
        "write": lambda: writer.write(FRAME),
        "commit": lambda: writer.place(FRAME),
        "commit of what was captured long ago": lambda: writer.place(FRAME, long_ago),
    }
    for how, write in writes.items():
        now = time.time_ns() // 10**6
        write()
        scene.expect_in(
            f"timestamp_ms of a {how}, from now", reader.wait().meta.timestamp_ms - now, -CLOCK_MS, CLOCK_MS
        )


@promise
def tells_how_its_clocks_differ(scene: Scene) -> None:
    """realtime_offset_ns is CLOCK_REALTIME minus CLOCK_MONOTONIC, and is renewed twice a second."""
    writer = scene.writer()
    difference = time.time_ns() - time.monotonic_ns()
    told = writer.info().realtime_offset_ns
    scene.expect_in("realtime_offset_ns, ms from it", (told - difference) // 10**6, -CLOCK_MS, CLOCK_MS)
    ring = RingObject(scene.path(scene.channel_name))
    ring.set_extension(realtime_offset_ns=0)
    _write_for(writer, 1.2)
    told = ring.extension("realtime_offset_ns")
    scene.expect_in("the same, a second later", (told - difference) // 10**6, -CLOCK_MS, CLOCK_MS)


def _write_for(writer: Writer, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        writer.write(FRAME)
        time.sleep(0.05)


@promise
def takes_its_codes_as_they_are(scene: Scene) -> None:
    """A ring carries every codec and sample rate that the header has for its kind of media."""
    enums = read_header().enums
    sound, name = scene.new_name(), scene.new_name()
    video = {code: number for code, number in enums["video_shm_codec"].items() if number < 64}
    for ring, media, codes in ((name, 0, video), (sound, 1, enums["video_shm_codec"].items() - video.items())):
        writer = scene.writer(ring, slots=4, slot_size=1000, media=media)
        reader = scene.reader(ring)
        for code, number in dict(codes).items():
            writer.write(FRAME, codec=number)
            scene.expect(code, reader.wait().meta.codec, number)
        scene.expect("media", (writer.info().media, reader.info().media), (media, media))
    for code, number in enums["video_shm_sample_rate"].items():
        writer.write(FRAME, codec=64, fps=number, width=960, height=2)
        meta = reader.wait().meta
        scene.expect(code, (meta.fps, meta.width, meta.height), (number, 960, 2))
