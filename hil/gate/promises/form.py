# SPDX-License-Identifier: Apache-2.0
"""Promises of FORMAT.md: what a writer leaves in shared memory, byte by byte, read without any library."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from ..stage import await_cue
from . import ring_object
from .ring_object import EXTENSION, EXTENSION_MAGIC, LINE, LIVE, META, NO_FRAME, RingObject, is_held, stamp_of
from .scene import FRAME, Scene, measured, promise, until
from .stalls import Stalls

DISCONTINUITY = 2
GEOMETRIES = ((30, 512 * 1024), (2, 1), (3, 33), (4096, 64), (5, 1 << 20))


def _ring(scene: Scene, name: str) -> RingObject:
    return RingObject(scene.path(name))


@promise
def lays_out_its_ring_as_the_format_says(scene: Scene) -> None:
    """Header, slots, extension and lines lie where FORMAT.md says, inside the object and without overlap."""
    for slots, slot_size in GEOMETRIES:
        name = scene.new_name()
        writer = scene.writer(name, slots=slots, slot_size=slot_size)
        ring, is_v1 = _ring(scene, name), (slots, slot_size) == (30, 512 * 1024)
        what = f"of {slots} slots of {slot_size}"
        scene.expect(
            f"magic and version {what}", (ring.header("magic"), ring.header("version")), (0x56494445, 1 if is_v1 else 2)
        )
        scene.expect("reserved words", ring.header("reserved"), bytes(32))
        at, told = ring.extension_offset, {field: ring.extension(field) for field in EXTENSION}
        scene.expect(f"the extension's magic {what}", told["magic"], EXTENSION_MAGIC)
        scene.expect(f"slots and slot size {what}", (told["slots"], told["slot_size"]), (slots, slot_size))
        scene.expect("size, lines behind it", (told["size"], told["line_offset"]), (256, at + 256))
        scene.expect_in(f"slot_offset {what}", told["slot_offset"], 64, 4096)
        scene.expect_in(f"slot_stride {what}", told["slot_stride"], 32 + slot_size, 32 + slot_size + 8192)
        scene.expect("offset and stride modulo 8", (told["slot_offset"] % 8, told["slot_stride"] % 8), (0, 0))
        scene.expect("the extension's offset modulo 64", at % 64, 0)
        scene.expect_in(
            f"slots end before the extension {what}", told["slot_offset"] + slots * told["slot_stride"], 0, at
        )
        scene.expect_in("lines end within the object", at + 256 + 64 * slots, 0, told["object_size"])
        scene.expect("the object's size", ring.size, told["object_size"])
        reserved = [
            told[field].strip(b"\0") if isinstance(told[field], bytes) else told[field]
            for field in told
            if "reserved" in field
        ]
        scene.expect("reserved fields", reserved, [0, 0, b"", b""])
        if is_v1:
            scene.expect(
                "version 1's extension, slots and stride",
                (at, told["slot_offset"], told["slot_stride"]),
                (15729664, 64, 524320),
            )
        writer.destroy()


@promise
def begins_an_empty_ring_as_the_format_says(scene: Scene) -> None:
    """A new ring has counters at 0, empty lines, state live, epoch 1, and its writer's process ID."""
    name = scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=100)
    ring, pid = _ring(scene, name), os.getpid()
    zero = (
        "first_frame",
        "frames",
        "keyframes",
        "bytes",
        "remade",
        "rearmed",
        "dropped_busy",
        "dropped_too_large",
        "dropped_no_space",
    )
    scene.expect("counters", [ring.extension(field) for field in zero], [0] * len(zero))
    counts = ("write_idx", "frame_count", "dropped_frames", "active_readers")
    scene.expect("the header's counters", [ring.header(field) for field in counts], [0] * 4)
    scene.expect(
        "epoch, state, writer_pid", tuple(map(ring.extension, ("epoch", "state", "writer_pid"))), (1, LIVE, pid)
    )
    scene.expect("writer_pid_ns", ring.extension("writer_pid_ns"), Path("/proc/self/ns/pid").stat().st_ino)
    for slot in range(4):
        stamp, frame = ring.line(slot, "stamp"), ring.line(slot, "frame")
        scene.expect(f"line {slot} is empty", frame == NO_FRAME or stamp % 2 == 1 or stamp != stamp_of(frame), True)
    scene.expect("v1_signals", ring.extension("v1_signals"), 0)
    scene.expect("last_publish_ns", writer.info().last_publish_ns, 0)
    writer.destroy()
    scene.expect("state in the object once it is closed", ring.extension("state"), ring_object.CLOSED)


@promise
def writes_frames_as_the_format_says(scene: Scene) -> None:
    """A write sets the slot's metadata, payload and line, and all counters; what is reserved stays zero."""
    for slots, slot_size in ((30, 512 * 1024), (3, 1000)):
        name = scene.new_name()
        writer = scene.writer(name, slots=slots, slot_size=slot_size)
        ring, total, keyframes = _ring(scene, name), 0, 0
        for frame in range(slots + 2):
            data, keyframe, signal = bytes([frame + 1]) * (frame + 5), int(frame % 3 == 0), ring.extension("signal")
            given = {
                "timestamp_ms": 77 + frame,
                "codec": 1,
                "width": 640,
                "height": 480,
                "fps": 25,
                "is_keyframe": keyframe,
            }
            writer.place(data, {"capture_ns": 1000 + frame, "flags": 4}, **given)
            total, keyframes, slot = total + len(data), keyframes + keyframe, frame % slots
            meta = {field: ring.meta(slot, field) for field in META}
            expected = given | {"size": len(data), "sequence": frame, "reserved": bytes(9)}
            scene.expect(f"metadata of frame {frame} in slot {slot}", meta, {field: expected[field] for field in META})
            scene.expect(f"payload of frame {frame}", ring.payload(slot, len(data)), data)
            line = {field: ring.line(slot, field) for field in LINE if field != "publish_ns"}
            expected = {"stamp": 2 * (frame + 1), "flags": 4 | keyframe, "frame": frame, "capture_ns": 1000 + frame}
            scene.expect(f"line of frame {frame}", line, expected | {"keyframes": keyframes, "reserved": bytes(24)})
            counts = tuple(ring.extension(field) for field in ("frames", "keyframes", "bytes"))
            scene.expect("frames, keyframes, bytes", counts, (frame + 1, keyframes, total))
            scene.expect(
                "write_idx and frame_count", (ring.header("write_idx"), ring.header("frame_count")), (frame + 1,) * 2
            )
            scene.expect("the futex word has gone on by", ring.extension("signal") - signal, 1)
        full = bytes(4) + b"\xff" * 28  # whatever its caller's struct has behind the last field
        scene.library("producer_write", writer.handle, b"x", 1, full[:17] + bytes(1) + full[18:])
        scene.expect("what is behind reserved", ring.meta((slots + 2) % slots, "reserved")[5:], bytes(4))


@promise
def marks_a_slot_that_is_being_written(scene: Scene) -> None:
    """A slot's stamp is odd before any byte of it changes, and stays odd if the slot is given back."""
    name = scene.new_name()
    writer = scene.writer(name, slots=2, slot_size=100)
    ring = _ring(scene, name)
    for frame in range(4):
        before = ring.meta(frame % 2, "size")
        writer.reserve()
        scene.expect(f"stamp while frame {frame} is written", ring.line(frame % 2, "stamp"), 2 * (frame + 1) - 1)
        scene.expect("its metadata so far", ring.meta(frame % 2, "size"), before)
        scene.expect("frames so far", ring.extension("frames"), frame)
        writer.commit(10)
        scene.expect("stamp then", ring.line(frame % 2, "stamp"), 2 * (frame + 1))
    writer.reserve()
    writer.abort()
    scene.expect(
        "frame and stamp modulo 2 of what was given back",
        (ring.line(0, "frame"), ring.line(0, "stamp") % 2),
        (NO_FRAME, 1),
    )


@promise
def holds_its_ring_by_a_lock(scene: Scene) -> None:
    """A writer holds an exclusive open-file-description lock on the whole object as long as it lives, no longer."""
    name = scene.new_name()
    actor = scene.start_writer(1, name, slots=2, slot_size=1000)

    path = scene.path(name)
    scene.expect("held while it lives", is_held(path), True)
    actor.kill()
    scene.expect("held once it is dead", is_held(path), False)
    writer = scene.writer(name, slots=2, slot_size=1000)
    scene.expect("held by the next one", is_held(path), True)
    kept = path.open("rb")
    writer.destroy()
    scene.expect("held once it is closed", is_held(Path(f"/proc/self/fd/{kept.fileno()}")), False)


@promise
def takes_a_ring_over_as_the_format_says(scene: Scene) -> None:
    """The next writer signs the ring, raises the epoch, empties half-written lines, and flags its first frame."""

    def play() -> Iterator[str]:
        writer = scene.writer(name, slots=4, slot_size=1000)
        for _ in range(6):
            writer.write(FRAME)
        writer.reserve()
        yield "reserved"
        await_cue()

    name = scene.new_name()
    actor = scene.start(play)
    scene.need("another process", actor.hear(), "reserved")
    actor.kill()
    ring = _ring(scene, name)
    signal = ring.extension("signal")
    writer = scene.writer(name, slots=4, slot_size=1000)
    told = tuple(map(ring.extension, ("epoch", "state", "writer_pid", "frames", "first_frame")))
    scene.expect("epoch, state, writer_pid, frames, first_frame", told, (2, LIVE, os.getpid(), 6, 0))
    scene.expect("the futex word has gone on", ring.extension("signal") != signal, True)
    scene.expect("the half-written line", (ring.line(2, "frame"), ring.line(2, "stamp") % 2), (NO_FRAME, 1))
    writer.place(FRAME)
    writer.place(FRAME)
    scene.expect("flags of its first two frames", (ring.line(2, "flags"), ring.line(3, "flags")), (DISCONTINUITY, 0))


@promise
def believes_the_larger_of_two_counters(scene: Scene) -> None:
    """The next writer counts on from the larger of frames and frame_count, unless they differ by more than a ring."""
    for ahead, expected in ((1, 6), (4, 9), (5, 5), (1000, 5)):
        name = scene.new_name()
        scene.write_and_die(5, name, slots=4, slot_size=1000)
        ring = _ring(scene, name)
        ring.set_header(frame_count=5 + ahead)
        writer = scene.writer(name, slots=4, slot_size=1000)
        scene.expect(f"frames where frame_count is {ahead} ahead", writer.info().frames, expected)
        reader = scene.reader(name, start=2)
        writer.write(FRAME)
        numbers = reader.numbers()
        scene.expect("the last number that a reader gets", numbers[-1:], [expected])
        scene.expect("numbers that were never written", [number for number in numbers if 5 <= number < expected], [])


@measured
def renews_its_clock_twice_a_second(scene: Scene) -> None:
    """A writer renews realtime_offset_ns twice a second while it writes."""
    name = scene.new_name()
    writer = scene.writer(name, slots=2, slot_size=1000)
    ring = _ring(scene, name)

    def renew() -> float:
        """Return how many seconds passed until it was renewed."""
        ring.set_extension(realtime_offset_ns=1)
        begin = time.monotonic()
        renewed = until(lambda: writer.write(FRAME).result != 0 or ring.extension("realtime_offset_ns") != 1)
        scene.need("it is renewed", renewed, True)
        return time.monotonic() - begin

    with Stalls() as stalls:
        for _ in range(2):
            stalls.judge(scene, "seconds until it was renewed", renew, 0.6, 0.2)


@promise
def makes_its_ring_appear_whole(scene: Scene) -> None:
    """A ring's name appears only once the ring is complete."""

    def make() -> Iterator[str]:
        for _ in range(60):
            scene.writer(name, slots=3, slot_size=4096).destroy()
        yield "made"

    name, odd = scene.new_name(), set[str]()
    path, actor = scene.path(name), scene.start(make)
    end = time.monotonic() + 0.5
    while time.monotonic() < end and not odd:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        magic, version = struct.unpack_from("<2I", content) if len(content) >= 8 else (0, 0)
        if (magic, version) != (0x56494445, 2):
            odd.add(f"{len(content)} bytes, magic {magic:#x}, version {version}")
    scene.expect("what was seen that is no ring", odd, set())
    scene.expect("the other process", actor.hear(), "made")
