# SPDX-License-Identifier: Apache-2.0
"""Promises about buffers of readers and other callers: their bounds and their contents."""

from __future__ import annotations

import ctypes

from .raw import MARK, Guarded, Info, Meta, Slot, View
from .scene import FRAME, Scene, promise
from .sides import NO_WAIT, Reader, Writer

HANDLE_BYTES = 32


@promise
def keeps_a_frame_that_the_buffer_is_too_small_for(scene: Scene) -> None:
    """A call whose buffer is too small fails with EMSGSIZE, reports the frame's size, and consumes nothing."""
    writer, reader = scene.writer(), scene.reader()
    writer.write(FRAME)
    writer.write(FRAME[:10])
    for capacity in (0, 1, 999):
        got = reader.receive(capacity)
        scene.expect(f"into {capacity} bytes", str(got.answer), "-1 EMSGSIZE")
        scene.expect("meta->size", got.meta.size, 1000)
        scene.expect("received so far", reader.info().received, 0)
    got = reader.receive(1000)
    scene.expect("into 1000 bytes", (got.number, got.data == FRAME), (0, True))
    scene.expect("the next one", reader.receive(10).number, 1)
    scene.expect("missed", reader.info().missed, 0)


@promise
def refuses_by_wait_what_is_larger_than_a_version_1_frame(scene: Scene) -> None:
    """wait and read refuse frames larger than VIDEO_SHM_MAX_FRAME_SIZE with EMSGSIZE; receive returns them."""
    name, size = scene.new_name(), 512 * 1024
    writer, reader = scene.writer(name, slots=3, slot_size=size + 1), scene.reader(name)
    writer.write(bytes(size))
    scene.expect("wait for 512 KiB", reader.wait().result, size)
    writer.write(bytes(size + 1))
    scene.expect("wait for a byte more", str(reader.wait().answer), "-1 EMSGSIZE")
    scene.expect("read of it", str(reader.read().answer), "-1 EMSGSIZE")
    scene.expect("receive with room for it", reader.receive(size + 1).result, size + 1)


@promise
def leaves_the_buffer_alone_where_nothing_comes(scene: Scene) -> None:
    """A call that returns 0 or -1 leaves the buffer as it was, unless a frame was lost on the way."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=4, slot_size=1000), scene.reader(name)
    ctypes.memset(reader.buffer.address, 9, 2000)
    scene.expect("an empty ring", reader.receive(timeout_ms=1).result, 0)
    writer.write(FRAME)
    scene.expect("too small a buffer", str(reader.receive(10).answer), "-1 EMSGSIZE")
    reader.interrupt()
    scene.expect("an interrupt", str(reader.receive(timeout_ms=1).answer), "-1 EINTR")
    scene.expect("what is in the buffer", ctypes.string_at(reader.buffer.address, 2000) == b"\t" * 2000, True)


@promise
def copies_from_and_to_any_address(scene: Scene) -> None:
    """Frames and buffers may begin at any address and have any length."""
    writer, reader, library = scene.writer(), scene.reader(), scene.library
    source = ctypes.create_string_buffer(bytes(range(1, 252)) * 40, 251 * 40)
    target = Guarded(ctypes.c_uint8 * 10_000)
    meta = Guarded(Meta)
    for begin in range(0, 65, 5):
        for length in (1, 3, 8, 31, 64, 65, 127, 255, 1000, 4096, 9001):
            library("producer_write", writer.handle, ctypes.addressof(source) + begin, length, meta)
            to = target.address + (begin * 7) % 61
            ctypes.memset(target.address, 0, 10_000)
            told = library("consumer_receive", reader.handle, to, length, Guarded(Meta), NO_WAIT)
            copied = ctypes.string_at(target.address, 10_000)
            at = to - target.address
            expected = bytes(at) + source.raw[begin : begin + length] + bytes(10_000 - at - length)
            seen = told.result, copied == expected
            scene.expect(f"size and bytes of {length} from address {begin} to {at}", seen, (length, True))


@promise
def writes_no_byte_beside_what_it_is_given(scene: Scene) -> None:
    """No call writes outside the handles, structs and buffers that it is given."""
    writer, reader = scene.writer(), scene.reader(start=2)
    library, name = scene.library, scene.channel_name.encode()
    writer.write(FRAME)
    data, meta, view = Guarded(ctypes.c_uint8 * 1000), Guarded(Meta), Guarded(View)
    library("consumer_receive", reader.handle, data, 1000, meta, NO_WAIT)
    writer.write(FRAME)
    library("consumer_receive", reader.handle, data, 999, meta, NO_WAIT)
    library("consumer_acquire", reader.handle, view, NO_WAIT)
    library("consumer_release", reader.handle, view)
    given = {"data": data, "metadata": meta, "a view": view, "a producer": writer.handle, "a consumer": reader.handle}
    for call, first in {
        "producer_info": (writer.handle,),
        "consumer_info": (reader.handle,),
        "inspect": (name,),
    }.items():
        info = Guarded(Info)
        library(call, *first, info)
        given[call] = info
    slots = Guarded(Slot * 5)
    slots.value[0].struct_size = ctypes.sizeof(Slot)
    scene.expect("slots told", library("inspect_slots", name, slots, 5).result, 5)
    given["slots"] = slots
    writer.reserve()
    writer.commit(1000)
    reader.destroy()
    writer.destroy()
    for what, memory in given.items():
        scene.expect(f"bytes that changed beside {what}", memory.overrun, 0)


@promise
def touches_the_beginning_of_a_handle_only(scene: Scene) -> None:
    """No call changes a handle behind its first 32 bytes, which may be all that the caller allocated."""
    writer, reader = Writer(scene.library), Reader(scene.library)
    handles = {"a producer": writer.handle, "a consumer": reader.handle}
    for handle in handles.values():
        ctypes.memset(handle.address, MARK, handle.size)
    scene.expect("a reader where there is no ring", str(reader.init_channel(scene.channel)), "-1 ENOENT")
    scene.expect("a writer", str(writer.init_channel(scene.channel)), "0")
    scene.expect("a reader", str(reader.init_channel(scene.channel)), "0")
    for _ in range(2):
        writer.write(FRAME)
    scene.expect("frames", [reader.wait().number, reader.read().number], [0, 1])
    writer.place(FRAME)
    reader.look()
    reader.interrupt()
    reader.destroy()
    writer.destroy()
    for what, handle in handles.items():
        changed = len(handle.bytes[HANDLE_BYTES:].replace(bytes([MARK]), b""))
        scene.expect(f"bytes of {what} that changed behind the first {HANDLE_BYTES}", changed, 0)


@promise
def fills_older_and_newer_structs(scene: Scene) -> None:
    """A struct is filled up to its struct_size and no further, with the same values whatever that size is."""
    writer, reader = scene.writer(), scene.reader(start=2)
    for _ in range(3):
        writer.write(FRAME, is_keyframe=1)
    reader.numbers()
    library, name = scene.library, scene.channel_name.encode()
    calls = {"producer_info": writer.handle, "consumer_info": reader.handle, "inspect": name}
    for call, first in calls.items():
        whole = Guarded(Info)
        library(call, first, whole)
        for size in (8, 24, 88, ctypes.sizeof(Info) - 8):
            memory = Guarded(ctypes.c_uint8 * 600)
            ctypes.memset(memory.address, 0xEE, 600)
            ctypes.memmove(memory.address, size.to_bytes(4, "little"), 4)
            scene.expect(f"{call} into {size} bytes", str(library(call, first, memory)), "0")
            scene.expect("they are as in the whole", memory.bytes[4:size] == whole.bytes[4:size], True)
            scene.expect("what lies behind them has changed", memory.bytes[size:].strip(b"\xee"), b"")
        newer = Guarded(ctypes.c_uint8 * 600)
        ctypes.memmove(newer.address, (600).to_bytes(4, "little"), 4)
        scene.expect(f"{call} into a newer struct", str(library(call, first, newer)), "0")
        scene.expect("it begins as this one", newer.bytes[4 : whole.size] == whole.bytes[4:], True)
