# SPDX-License-Identifier: Apache-2.0
"""Promises about a reader's views: that a torn one is detected, and that the reader only reads."""

from __future__ import annotations

import ctypes
import fcntl
import os

from .raw import Guarded, View
from .scene import FRAME, Scene, mappings_of, promise
from .sides import NO_WAIT


@promise
def shows_a_frame_where_it_lies(scene: Scene) -> None:
    """acquire makes no copy: data points into a read-only mapping of the ring, at offset."""
    name = scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=5000)
    reader = scene.reader(name)
    for number in range(6):
        data = bytes([number + 1]) * 5000
        writer.write(data)
        answer, view = reader.acquire()
        scene.need("acquire", answer.result, 5000)
        told = view.value
        places = [place for place in mappings_of(scene.path(name).stat().st_ino) if place[0] <= told.data < place[1]]
        scene.need("mappings of the ring around its data", len(places), 1)
        scene.expect("it may be written to", "w" in places[0][2], False)
        scene.expect("frame, sequence", (told.frame, told.meta.sequence), (number, number))
        scene.expect("bytes", ctypes.string_at(told.data, 5000) == data, True)
        with scene.path(name).open("rb") as file:
            file.seek(told.offset)
            scene.expect("bytes at its offset in the object", file.read(5000) == data, True)
        scene.expect("release", str(reader.release(view)), "0")
    scene.expect("attachment", told.attachment, 0)
    writer.write(data)
    newer = Guarded(ctypes.c_uint8 * 256)
    ctypes.memmove(newer.address, (256).to_bytes(4, "little"), 4)
    answer = scene.library("consumer_acquire", reader.handle, newer, NO_WAIT)
    scene.expect("acquire into a newer struct", (answer.result, newer.overrun), (5000, 0))


@promise
def lends_one_view_at_a_time(scene: Scene) -> None:
    """While a view is out, reading fails with EBUSY, and releasing any other view fails with EINVAL."""
    writer, reader = scene.writer(), scene.reader(start=2)
    for _ in range(3):
        writer.write(FRAME)
    answer, view = reader.acquire()
    scene.need("acquire", answer.result, 1000)
    refused = {
        "acquire": reader.acquire()[0],
        "wait": reader.wait().answer,
        "read": reader.read().answer,
        "receive": reader.receive().answer,
    }
    for call, told in refused.items():
        scene.expect(f"{call} while a view is out", str(told), "-1 EBUSY")
    scene.expect("received so far", reader.info().received, 0)
    scene.expect("written, as told meanwhile", reader.stats()[0], 3)
    scene.expect("release of another one", str(reader.release(Guarded(View))), "-1 EINVAL")
    scene.expect("release", str(reader.release(view)), "0")
    scene.expect("release again", str(reader.release(view)), "-1 EINVAL")
    scene.expect("received, and what is left", (reader.info().received, reader.numbers()), (1, [1, 2]))


@promise
def says_whether_a_view_stayed_whole(scene: Scene) -> None:
    """release returns 1 once the writer has lapped the view, and 0 before; the frame then counts as missed."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=3, slot_size=1000), scene.reader(name)
    for later, expected in ((0, 0), (2, 0), (3, 1), (7, 1)):
        before = reader.info()
        writer.write(FRAME)
        while reader.info().next_frame < writer.info().frames - 1:
            reader.wait()
        _, view = reader.acquire()
        for _ in range(later):
            writer.write(FRAME)
        scene.expect(f"release {later} frames later", reader.release(view).result, expected)
        after = reader.info()
        what = f"received and missed by that view, {later} frames later"
        seen = after.missed - before.missed >= expected, after.received + after.missed + after.skipped == after.span
        scene.expect(what, seen, (True, True))
        reader.numbers()
    writer.write(FRAME)
    _, view = reader.acquire()
    writer.reserve()
    writer.abort()
    scene.expect("release while the writer is elsewhere", reader.release(view).result, 0)


@promise
def counts_a_torn_view_as_missed(scene: Scene) -> None:
    """A view that was overwritten counts as missed, not as received."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=2, slot_size=1000), scene.reader(name)
    writer.write(FRAME)
    _, view = reader.acquire()
    for _ in range(2):
        writer.write(FRAME)
    scene.expect("release", reader.release(view).result, 1)
    info = reader.info()
    scene.expect("received, missed, span", (info.received, info.missed, info.span), (0, 1, 1))
    following = reader.look()
    scene.expect("missed before the next one", following.missed_before, following.frame)


@promise
def resynchronises_after_a_torn_view(scene: Scene) -> None:
    """With resync, a reader whose view was overwritten gets nothing until a keyframe: it has missed that frame."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=2, slot_size=1000), scene.reader(name, resync=1)
    writer.write(FRAME, is_keyframe=1)
    scene.expect("the first", reader.numbers(), [0])
    writer.write(FRAME, is_keyframe=1)
    _, view = reader.acquire()
    writer.write(FRAME)
    writer.reserve()  # in the view's slot
    scene.expect("release", reader.release(view).result, 1)
    scene.expect("the next, which is no keyframe", reader.numbers(), [])
    writer.commit(100, is_keyframe=1)
    scene.expect("the next keyframe", reader.numbers(), [3])


@promise
def keeps_a_view_of_a_closed_handle(scene: Scene) -> None:
    """A view that is out when its handle is destroyed stays mapped until its release."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=2, slot_size=1000), scene.reader(name)
    writer.write(FRAME)
    _, view = reader.acquire()
    reader.destroy()
    scene.expect("its bytes", ctypes.string_at(view.value.data, 1000) == FRAME, True)
    scene.expect("wait on that handle", str(reader.wait().answer), "-1 EBADF")
    scene.expect("release", reader.release(view).result, 0)
    mapped = [place for place in mappings_of(scene.path(name).stat().st_ino) if place[2][:2] == "r-"]
    scene.expect("mappings that are left of it", mapped, [])
    scene.expect("its descriptor", str(reader.descriptor()), "-1 EBADF")


@promise
def opens_a_ring_to_read_only(scene: Scene) -> None:
    """A reader changes nothing in a ring; its descriptor is read-only, close-on-exec, and the ring's own."""
    name = scene.channel_name
    writer = scene.writer()
    for _ in range(5):
        writer.write(FRAME)
    before = scene.path(name).read_bytes()
    reader = scene.reader(start=2)
    reader.numbers()
    reader.look()
    fd = reader.descriptor().result
    scene.expect("access", fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE, os.O_RDONLY)
    scene.expect("close-on-exec", fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC, fcntl.FD_CLOEXEC)
    scene.expect("it is the ring's", os.fstat(fd).st_ino, scene.path(name).stat().st_ino)
    reader.destroy()
    scene.expect("the ring's bytes are as they were", scene.path(name).read_bytes() == before, True)
