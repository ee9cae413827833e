# SPDX-License-Identifier: Apache-2.0
"""Promises about geometry and counters at their limits, with prepared rings where writing would take days."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path

from .outside import slots_of
from .raw import Guarded, Meta
from .ring_object import NO_FRAME, RingObject, slot_of, stamp_of
from .scene import FRAME, Scene, Unasked, promise
from .sides import Reader, inspect

LARGEST = 256 << 20
LONG_RUN = 70_000
A_DAY = 24 * 3600 * 120  # frames
NEEDED_BYTES = 2 << 30  # memory for a ring of the largest slots, a frame of it, and the host


def _age(scene: Scene, name: str, frames: int) -> None:
    """Prepare a ring whose writer has died after that many frames, with empty slots."""
    scene.write_and_die(1, name, slots=30, slot_size=1000)
    ring = RingObject(scene.path(name))
    for slot in range(30):
        ring.set_line(slot, stamp=1, frame=NO_FRAME)
    ring.set_extension(frames=frames, keyframes=frames, bytes=frames * 1000, first_frame=0)
    ring.set_header(frame_count=frames % 2**32, write_idx=frames % 2**32)
    ring.close()


def _expect_crossing(scene: Scene, frames: int) -> None:
    """Expect that frames before and after that number reach readers of every kind."""
    name = scene.new_name()
    _age(scene, name, frames - 20)
    writer = scene.writer(name, slots=30, slot_size=1000)
    ring = RingObject(scene.path(name))
    reader, viewer = scene.reader(name), scene.reader(name)
    for frame in range(frames - 20, frames + 50):
        data = frame.to_bytes(8, "little") * 10
        scene.need(f"write of frame {frame}", str(writer.write(data, is_keyframe=1)), "0")
        got, view = reader.wait(), viewer.look()
        scene.expect(f"sequence and bytes of frame {frame}", (got.number, got.data), (frame % 2**32, data))
        scene.expect("its number, 64 bits", None if view is None else view.frame, frame)
        slot = slot_of(frame, 30)
        scene.expect(
            "its slot, and the stamp there",
            (ring.line(slot, "frame"), ring.line(slot, "stamp")),
            (frame, stamp_of(frame)),
        )
    info = reader.info()
    scene.expect("received, missed", (info.received, info.missed), (70, 0))
    scene.expect("frames, keyframes, next_frame", (info.frames, info.keyframes, info.next_frame), (frames + 50,) * 3)
    scene.expect("bytes", info.bytes, (frames - 20) * 1000 + 70 * 80)
    scene.expect("frames by stats, 32 bits", reader.stats()[0], (frames + 50) % 2**32)
    scene.expect("frame_count, 32 bits", ring.header("frame_count"), (frames + 50) % 2**32)
    oldest = scene.reader(name, start=2).numbers()
    scene.expect("frames of a reader from the oldest on", oldest, [n % 2**32 for n in range(frames + 20, frames + 50)])


@promise
def goes_on_beyond_a_day_of_frames(scene: Scene) -> None:
    """A ring works after a day of frames as it does at the first."""
    _expect_crossing(scene, A_DAY)


@promise
def goes_on_beyond_the_sign_of_32_bits(scene: Scene) -> None:
    """A ring goes on beyond frame 2^31, where stamps wrap around and an int would change its sign."""
    _expect_crossing(scene, 2**31)


@promise
def goes_on_beyond_32_bits(scene: Scene) -> None:
    """A ring goes on beyond frame 2^32, where slots begin at 0 again; frame numbers have 64 bits."""
    _expect_crossing(scene, 2**32)


@promise
def goes_on_far_beyond_32_bits(scene: Scene) -> None:
    """A ring goes on beyond frame 2^40; all counters have 64 bits."""
    _expect_crossing(scene, 2**40)


@promise
def laps_readers_beyond_32_bits(scene: Scene) -> None:
    """A reader that is lapped at frame 2^32 gets what the ring still holds, and counts the rest as missed."""
    name = scene.new_name()
    _age(scene, name, 2**32 - 5)
    writer = scene.writer(name, slots=30, slot_size=1000)
    reader = scene.reader(name)
    for _ in range(100):
        writer.write(FRAME)
    scene.expect("numbers", reader.numbers(), list(range(65, 95)))
    info = reader.info()
    scene.expect("received, missed, span", (info.received, info.missed, info.span), (30, 70, 100))


@promise
def makes_rings_of_every_geometry(scene: Scene) -> None:
    """Rings of 2 to 4096 slots, of a byte and more, hold as many frames as they have slots."""
    for slots, slot_size in ((2, 1), (3, 7), (31, 4096), (4095, 1), (4096, 100), (30, 524287), (29, 524288)):
        name = scene.new_name()
        writer = scene.writer(name, slots=slots, slot_size=slot_size)
        reader = scene.reader(name, start=2)
        info = inspect(scene.library, name)
        scene.expect("version, slots, slot size", (info.version, info.slots, info.slot_size), (2, slots, slot_size))
        frames = slots + slots // 2 + 1
        for number in range(frames):
            writer.write(bytes([number % 251]) * slot_size)
        for number in range(frames - slots, frames):
            got = reader.wait()
            if not scene.expect("number, bytes", (got.number, got.data[-1:]), (number, bytes([number % 251]))):
                break
        scene.expect(f"what comes behind {slots} frames", reader.wait().result, 0)
        scene.expect(f"missed of {frames}", reader.stats()[2], frames - slots)
        told = slots_of(scene, name, slots)[1]
        scene.expect(f"whole slots of {slots}", sum(slot.whole for slot in told), slots)
        reader.destroy()
        writer.destroy()
    for options, expected in (({"slot_size": 1000}, (30, 1000)), ({"slots": 3}, (3, 512 * 1024))):
        info = scene.writer(scene.new_name(), **options).info()
        scene.expect(f"slots and slot size with only {options}", (info.slots, info.slot_size), expected)


@promise
def carries_the_largest_frames(scene: Scene) -> None:
    """A slot of 256 MiB carries a frame of 256 MiB."""
    free = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    if free is None or int(free[1]) * 1024 < NEEDED_BYTES:
        raise Unasked("two slots of 256 MiB need 2 GiB of free memory")
    name = scene.new_name()
    writer = scene.writer(name, slots=2, slot_size=LARGEST)
    reader = scene.reader(name)
    data = ctypes.create_string_buffer(LARGEST)
    for place in (0, LARGEST // 2, LARGEST - 1):
        data[place] = b"\7"
    told = scene.library("producer_write", writer.handle, data, LARGEST, bytes(32))
    scene.need("write of 256 MiB", str(told), "0")
    answer, view = reader.acquire()
    scene.need("size", answer.result, LARGEST)
    seen = [ctypes.string_at(view.value.data + place, 1) for place in (0, 1, LARGEST // 2, LARGEST - 1)]
    scene.expect("first, second, middle and last byte", seen, [b"\7", b"\0", b"\7", b"\7"])
    scene.expect("release", reader.release(view).result, 0)


@promise
def keeps_every_frame_of_a_long_run(scene: Scene) -> None:
    """A reader that keeps up gets each frame of a run that is longer than 2^16."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=30, slot_size=64), scene.reader(name)
    write, read = scene.library.function("producer_write"), scene.library.function("consumer_read")
    given, got = Guarded(Meta, width=3), Guarded(Meta)
    for number in range(LONG_RUN):
        data = number.to_bytes(8, "little")
        write(writer.handle.address, data, 8, given.address)
        size = read(reader.handle.address, reader.buffer.address, got.address)
        seen = size, got.value.sequence, ctypes.string_at(reader.buffer.address, 8)
        if seen != (8, number, data):
            scene.expect(f"size, sequence, bytes of frame {number}", seen, (8, number, data))
            break
    info = reader.info()
    scene.expect("received, missed, skipped", (info.received, info.missed, info.skipped), (LONG_RUN, 0, 0))


def _spoil(scene: Scene, **fields: int) -> dict[str, str]:
    """Return what readers and writers answer for a ring with these fields of the extension changed."""
    name = scene.new_name()
    scene.write_and_die(2, name, slots=4, slot_size=1000)
    ring = RingObject(scene.path(name))
    header = {field: fields.pop(field) for field in ("version",) if field in fields}
    ring.set_extension(**fields)
    ring.set_header(**header)
    told = {
        "a reader": str(Reader(scene.library).open(name)),
        "inspect": str(scene.library("inspect", name.encode(), _room())),
    }
    scene.path(name).unlink()
    return told


def _room() -> ctypes.Array[ctypes.c_char]:
    """Return the struct for inspect, with its size set."""
    room = ctypes.create_string_buffer(4096)
    ctypes.memmove(room, (256).to_bytes(4, "little"), 4)
    return room


@promise
def refuses_a_ring_whose_numbers_are_out_of_bounds(scene: Scene) -> None:
    """A ring is refused with EPROTO if a number in it is out of bounds, or reaches beyond the object."""
    usual = RingObject(_made(scene))
    told = {field: usual.extension(field) for field in ("slot_stride", "slot_offset", "line_offset", "object_size")}
    wrong: dict[str, tuple[int, ...]] = {
        "magic": (0, 0x31585357),
        "size": (0, 192, 255, 320, 2**32 - 64),
        "slots": (0, 1, 5, 4097, 2**32 - 1),
        "slot_size": (0, told["slot_stride"] - 31, LARGEST + 1, 2**32 - 1),
        "slot_offset": (0, 56, 4104, told["slot_offset"] + 1, 2**63),
        "slot_stride": (1000, told["slot_stride"] + 4, told["slot_stride"] + 16384, 2**63),
        "line_offset": (0, told["line_offset"] + 64, told["line_offset"] - 64, 2**63),
        "object_size": (told["object_size"] + 1, 64, 2**63),
        "media": (2, 2**32 - 1),
        "version": (0, 1, 3, 2**31),
    }
    for field, values in wrong.items():
        for value in values:
            for who, answer in _spoil(scene, **{field: value}).items():
                scene.expect(f"{who} where {field} is {value}", answer, "-1 EPROTO")
    # With fewer slots all of this would fit into the object.
    fitting: dict[str, dict[str, int]] = {
        "slot_offset": {"slot_offset": 4104},
        "slot_stride": {"slot_stride": 32 + 1000 + 8192 + 8},
        "size": {"size": 264, "line_offset": told["line_offset"] + 8},
    }
    for field, fields in fitting.items():
        for who, answer in _spoil(scene, slots=2, slot_size=1000, **fields).items():
            scene.expect(f"{who} where {field} alone is out of bounds", answer, "-1 EPROTO")


def _made(scene: Scene) -> Path:
    name = scene.new_name()
    scene.write_and_die(0, name, slots=4, slot_size=1000)
    return scene.path(name)


@promise
def believes_no_slot_that_is_wrong(scene: Scene) -> None:
    """A slot with a wrong size, stamp or frame number is a missed frame, and nothing in it is told."""
    spoils: dict[str, Callable[[RingObject], None]] = {
        "size beyond the slot": lambda ring: ring.set_meta(2, size=1001),
        "size of the highest bit": lambda ring: ring.set_meta(2, size=2**31),
        "size 0": lambda ring: ring.set_meta(2, size=0),
        "odd stamp": lambda ring: ring.set_line(2, stamp=5),
        "stamp of another frame": lambda ring: ring.set_line(2, stamp=stamp_of(3)),
        "number of another frame": lambda ring: ring.set_line(2, frame=3),
    }
    for what, spoil in spoils.items():
        name = scene.new_name()
        writer = scene.writer(name, slots=8, slot_size=1000)
        reader, other = scene.reader(name), scene.reader(name)
        for _ in range(5):
            writer.write(FRAME)
        spoil(RingObject(scene.path(name)))
        scene.expect(f"frames where slot 2 has a {what}", reader.numbers(), [0, 1, 3, 4])
        scene.expect("missed", reader.stats()[2], 1)
        views = [view.frame for view in iter(other.look, None)]
        scene.expect("views", views, [0, 1, 3, 4])
        scene.expect("whole", [slot.whole for slot in slots_of(scene, name, 5)[1]], [1, 1, 0, 1, 1])


@promise
def knows_no_frame_that_was_never_counted(scene: Scene) -> None:
    """A whole frame that its writer died before counting is never seen; the next writer writes its number anew."""
    name = scene.new_name()
    scene.write_and_die(5, name, slots=8, slot_size=1000)
    ring = RingObject(scene.path(name))
    ring.set_extension(frames=4)
    ring.set_header(frame_count=4, write_idx=4)
    scene.expect("frames of a reader", scene.reader(name, start=2).numbers(), [0, 1, 2, 3])
    scene.expect("whole slots", [slot.whole for slot in slots_of(scene, name, 8)[1]], [1, 1, 1, 1, 0, 0, 0, 0])
    writer = scene.writer(name, slots=8, slot_size=1000)
    scene.expect(
        "its line, once the ring is taken over", (ring.line(4, "frame"), ring.line(4, "stamp") % 2), (NO_FRAME, 1)
    )
    writer.write(b"anew")
    reader = scene.reader(name, start=1)
    got = reader.wait()
    scene.expect("number and bytes of the next frame", (got.number, got.data), (4, b"anew"))
