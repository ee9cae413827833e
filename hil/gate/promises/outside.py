# SPDX-License-Identifier: Apache-2.0
"""Promises about inspection from outside: a ring's figures and slots, and that inspecting leaves no trace."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..stage import await_cue
from .raw import Guarded, Slot
from .scene import FRAME, Scene, descriptors, mappings_of, promise, until
from .sides import Writer, inspect

LIVE, CLOSED, DEAD = 1, 2, 3
OF_A_READER = ("received", "missed", "skipped", "span", "next_frame", "reattached")


def slots_of(scene: Scene, name: str, capacity: int) -> tuple[int, list[Any]]:
    """Return the answer of video_shm_inspect_slots, and the slots."""
    slots = Guarded(Slot * capacity)
    slots.value[0].struct_size = ctypes.sizeof(Slot)
    answer = scene.library("inspect_slots", name.encode(), slots, capacity)
    return answer.result, list(slots.value)


@promise
def tells_a_rings_figures(scene: Scene) -> None:
    """The writer, a reader and inspect report the same figures of a ring."""
    name = scene.new_name()
    writer = scene.writer(name, slots=7, slot_size=1000, mode=0o640, media=1)
    for number in range(9):
        writer.write(FRAME[: 100 + number], is_keyframe=number % 4 == 0, codec=64)
    writer.write(bytes(1001))
    status = scene.path(name).stat()
    expected = {
        "version": 2,
        "extended": 1,
        "state": LIVE,
        "media": 1,
        "slots": 7,
        "slot_size": 1000,
        "epoch": 1,
        "object_bytes": status.st_size,
        "device": status.st_dev,
        "inode": status.st_ino,
        "mode": 0o640,
        "uid": status.st_uid,
        "gid": status.st_gid,
        "writer_pid": os.getpid(),
        "frames": 9,
        "keyframes": 3,
        "bytes": 936,
        "dropped": 1,
        "dropped_busy": 0,
        "dropped_too_large": 1,
        "dropped_no_space": 0,
        "remade": 0,
        "rearmed": 0,
        "v1_readers": 0,
        "v1_signals": 0,
    }
    for who, info in _from_all_sides(scene, name, writer).items():
        for field, value in expected.items():
            scene.expect(f"{field} for {who}", getattr(info, field), value)
        if who != "a reader":
            scene.expect(f"a reader's part for {who}", [getattr(info, field) for field in OF_A_READER], [0] * 6)


def _from_all_sides(scene: Scene, name: str, writer: Writer) -> dict[str, Any]:
    writers = writer.info()
    readers = scene.reader(name).info()
    return {"its writer": writers, "a reader": readers, "who looks": inspect(scene.library, name)}


@promise
def tells_the_original_geometry(scene: Scene) -> None:
    """A ring of 30 slots of 512 KiB is of version 1, whether options or the original's call made it."""
    for how in ("init_channel", "options"):
        writer = scene.writer() if how == "init_channel" else scene.writer(scene.channel_name, slots=30)
        info = inspect(scene.library, scene.channel_name)
        seen = info.version, info.extended, info.slots, info.slot_size, info.media, info.v1_signals
        scene.expect(f"version, extended, slots, slot size, media, v1_signals by {how}", seen, (1, 1, 30, 524288, 0, 1))
        writer.destroy()


@promise
def tells_who_writes_and_since_when(scene: Scene) -> None:
    """inspect reports the pid and the start time of the ring's present writer."""

    def start_of(pid: int | str) -> int:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])

    actor = scene.start_writer(1)
    info = inspect(scene.library, scene.channel_name)
    scene.expect("writer_pid", info.writer_pid, actor.pid)
    scene.expect_in("writer_start", info.writer_start - start_of(actor.pid), -200, 200)
    actor.kill()
    scene.writer()
    info = inspect(scene.library, scene.channel_name)
    scene.expect("writer_pid of the next one", info.writer_pid, os.getpid())
    scene.expect_in("writer_start of the next one", info.writer_start - start_of("self"), -200, 200)


@promise
def tells_a_rings_state(scene: Scene) -> None:
    """A ring is live while its writer lives, even stopped, then dead, or closed for a reader that still has it."""
    actor = scene.start_writer(1)
    name = scene.channel_name
    scene.expect("state while it writes", inspect(scene.library, name).state, LIVE)
    os.kill(actor.pid, signal.SIGSTOP)
    scene.expect("state while it is stopped", inspect(scene.library, name).state, LIVE)
    actor.kill()
    scene.expect("state once it is killed", inspect(scene.library, name).state, DEAD)
    writer = scene.writer()
    reader = scene.reader()
    scene.expect("state with the next one", reader.info().state, LIVE)
    writer.destroy()
    scene.expect("state for a reader that still has it", reader.info().state, CLOSED)


@promise
def tells_of_a_zombie_that_it_is_dead(scene: Scene) -> None:
    """A ring is dead when its writer was killed, even if nobody has waited for that process yet."""
    actor = scene.start_writer(1)
    os.kill(actor.pid, 9)
    until(lambda: Path(f"/proc/{actor.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    scene.expect("state", inspect(scene.library, scene.channel_name).state, DEAD)
    scene.expect("its follower is let in", str(Writer(scene.library).init_channel(scene.channel)), "0")


@promise
def shows_its_slots(scene: Scene) -> None:
    """inspect_slots reports each whole frame with its number, times, flags and metadata; any other slot is zero."""
    name = scene.new_name()
    writer = scene.writer(name, slots=5, slot_size=1000)
    for number in range(3):
        writer.place(FRAME[: 10 + number], {"capture_ns": 100 + number, "flags": 4}, is_keyframe=number == 1, width=7)
    count, slots = slots_of(scene, name, 5)
    scene.expect("slots", count, 5)
    seen = [(slot.whole, slot.frame, slot.capture_ns, slot.flags, slot.meta.size, slot.meta.width) for slot in slots]
    expected = [(1, 0, 100, 4, 10, 7), (1, 1, 101, 5, 11, 7), (1, 2, 102, 4, 12, 7), (0,) * 6, (0,) * 6]
    scene.expect("whole, frame, capture_ns, flags, size, width", seen, expected)
    scene.expect("publish_ns is known", [slot.publish_ns > 0 for slot in slots], [True] * 3 + [False] * 2)
    writer.reserve()
    scene.expect("whole while one is written", [slot.whole for slot in slots_of(scene, name, 5)[1]], [1, 1, 1, 0, 0])
    writer.commit(10)
    for _ in range(3):
        writer.write(FRAME)
    scene.expect("frames in their slots", [slot.frame for slot in slots_of(scene, name, 5)[1]], [5, 6, 2, 3, 4])
    for when in ("while a frame is written over another", "after its slot was given back"):
        writer.reserve() if when.startswith("while") else writer.abort()
        whole = [(slot.whole, slot.frame) for slot in slots_of(scene, name, 5)[1]]
        scene.expect(f"whole and frame {when}", whole, [(1, 5), (1, 6), (0, 0), (1, 3), (1, 4)])


@promise
def shows_no_more_slots_than_there_is_room_for(scene: Scene) -> None:
    """inspect_slots fills no more slots than its capacity, and no more than there are."""
    name = scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=1000)
    for _ in range(4):
        writer.write(FRAME)
    for capacity, count in ((1, 1), (3, 3), (4, 4), (9, 4)):
        scene.expect(f"answer with room for {capacity}", slots_of(scene, name, capacity)[0], count)
    wide = 128  # a newer struct: each element is as long as the first one says
    memory = Guarded(ctypes.c_uint8 * (4 * wide))
    ctypes.memmove(memory.address, wide.to_bytes(4, "little"), 4)
    scene.expect("answer for wider elements", scene.library("inspect_slots", name.encode(), memory, 4).result, 4)
    elements = [Slot.from_buffer_copy(memory.bytes, place * wide) for place in range(4)]
    seen = [(element.struct_size, element.whole, element.frame) for element in elements]
    scene.expect("struct_size, whole, frame of each", seen, [(wide, 1, number) for number in range(4)])


@promise
def looks_without_a_trace(scene: Scene) -> None:
    """inspect leaves no descriptor and no mapping, counts as no reader, and changes no byte of the ring."""
    writer = scene.writer()
    for _ in range(3):
        writer.write(FRAME)
    path = scene.path(scene.channel_name)

    inode = path.stat().st_ino
    before = len(descriptors()), len(mappings_of(inode))
    content = path.read_bytes()
    for _ in range(20):
        inspect(scene.library, scene.channel_name)
        slots_of(scene, scene.channel_name, 30)
    scene.expect("descriptors and mappings", (len(descriptors()), len(mappings_of(inode))), before)
    scene.expect("the ring is as it was", path.read_bytes() == content, True)


@promise
def takes_every_form_of_a_name(scene: Scene) -> None:
    """Writer, reader and inspect take a name with its slash or without."""
    name = scene.new_name()
    writer = scene.writer(name.removeprefix("/"), slots=2, slot_size=1000)
    writer.write(FRAME)
    for form in (name, name.removeprefix("/")):
        scene.expect(f"frames of a reader of {form}", scene.reader(form, start=2).numbers(), [0])
        scene.expect(f"frames in {form}", inspect(scene.library, form).frames, 1)
        scene.expect(f"slots of {form}", slots_of(scene, form, 2)[0], 2)


@promise
def keeps_counting_while_it_is_looked_at(scene: Scene) -> None:
    """The counts that inspect reports never go back while another process writes."""

    def write() -> Iterator[str]:
        writer = scene.writer(name, slots=8, slot_size=1000)
        yield "writes"
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            writer.write(FRAME, is_keyframe=1)
        yield str(writer.info().frames)
        await_cue()

    name = scene.new_name()
    actor = scene.start(write)
    scene.need("another process", actor.hear(), "writes")
    last, end = (0, 0), time.monotonic() + 0.4
    while time.monotonic() < end:
        info = inspect(scene.library, name)
        goes_on = info.frames >= last[0], info.keyframes >= last[1]
        scene.need("frames and keyframes go on", goes_on, (True, True))
        last = info.frames, info.keyframes
    written = actor.hear()
    scene.expect("frames at last", str(inspect(scene.library, name).frames), written)
