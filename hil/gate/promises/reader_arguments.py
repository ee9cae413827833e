# SPDX-License-Identifier: Apache-2.0
"""Promises about invalid arguments of the reader's calls and of inspection: the errno, and that nothing changes."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import Any

from .raw import ConsumerHandle, ConsumerOptions, Guarded, Info, Meta, Slot, View
from .scene import FRAME, Calls, Scene, asleep, promise, until, until_asleep
from .sides import NO_WAIT, Reader, Writer
from .writer_arguments import BAD_SIZES, NO_NAMES

V1_BYTES = 15729664


def _calls(reader: Reader) -> Calls:
    """Return each call that reports whether the handle is open, with valid arguments."""
    library, handle = reader.library, reader.handle
    return {
        "read": lambda: reader.read().answer,
        "wait": lambda: reader.wait().answer,
        "stats": lambda: library("consumer_stats", handle, None, None, None),
        "receive": lambda: reader.receive().answer,
        "acquire": lambda: reader.acquire()[0],
        "release": lambda: reader.release(Guarded(View)),
        "info": lambda: library("consumer_info", handle, Guarded(Info)),
        "descriptor": lambda: reader.descriptor(),
    }


def _expect_closed(scene: Scene, reader: Reader, which: str) -> None:
    scene.expect_each(f"on {which}", _calls(reader), "-1 EBADF")
    reader.interrupt()
    reader.destroy()


@promise
def refuses_a_reader_that_is_not_open(scene: Scene) -> None:
    """Calls on a reader that is closed or was never opened fail with EBADF; another destroy does nothing."""
    writer, reader = scene.writer(), Reader(scene.library)
    _expect_closed(scene, reader, "a handle that was never opened")
    scene.expect("open under a bad name", str(reader.init_channel(-1)), "-1 EINVAL")
    _expect_closed(scene, reader, "a handle that could not be opened")
    scene.need("open", str(reader.init_channel(scene.channel)), "0")
    before = reader.handle.bytes
    reader.destroy()
    _expect_closed(scene, reader, "a closed handle")
    ctypes.memmove(reader.handle.address, before, len(before))
    _expect_closed(scene, reader, "a copy of what it was before it was closed")
    scene.need("open again", str(reader.init_channel(scene.channel)), "0")
    writer.write(FRAME)
    scene.expect("size of a frame", reader.wait().result, len(FRAME))


@promise
def refuses_a_reader_that_is_null(scene: Scene) -> None:
    """Calls on a reader that is NULL fail with EINVAL; interrupt and destroy do nothing."""
    library, data = scene.library, ctypes.create_string_buffer(10)
    scene.writer()
    calls: Calls = {
        "init": lambda: library("consumer_init", None),
        "init_channel": lambda: library("consumer_init_channel", None, scene.channel),
        "read": lambda: library("consumer_read", None, data, Guarded(Meta)),
        "wait": lambda: library("consumer_wait", None, data, Guarded(Meta), NO_WAIT),
        "stats": lambda: library("consumer_stats", None, None, None, None),
        "open": lambda: library("consumer_open", None, None),
        "receive": lambda: library("consumer_receive", None, data, 10, Guarded(Meta), NO_WAIT),
        "acquire": lambda: library("consumer_acquire", None, Guarded(View), NO_WAIT),
        "release": lambda: library("consumer_release", None, Guarded(View)),
        "info": lambda: library("consumer_info", None, Guarded(Info)),
        "descriptor": lambda: library("consumer_descriptor", None),
    }
    scene.expect_each("of NULL", calls, "-1 EINVAL")
    library("consumer_interrupt", None)
    library("consumer_destroy", None)


@promise
def refuses_to_read_into_nothing(scene: Scene) -> None:
    """A call whose data, metadata, view or info is NULL or has no size fails with EINVAL, and consumes nothing."""
    writer, reader, library = scene.writer(), scene.reader(), scene.library
    writer.write(FRAME)
    data, meta, unset = ctypes.create_string_buffer(1000), Guarded(Meta), Guarded(View)
    unset.value.struct_size = 0
    info = Guarded(Info)
    info.value.struct_size = 0
    calls: dict[str, tuple[Any, ...]] = {
        "read to NULL": ("consumer_read", None, meta),
        "read without metadata": ("consumer_read", data, None),
        "wait to NULL": ("consumer_wait", None, meta, NO_WAIT),
        "wait without metadata": ("consumer_wait", data, None, NO_WAIT),
        "receive to NULL": ("consumer_receive", None, 1000, meta, NO_WAIT),
        "receive without metadata": ("consumer_receive", data, 1000, None, NO_WAIT),
        "acquire to NULL": ("consumer_acquire", None, NO_WAIT),
        "acquire to a view of no size": ("consumer_acquire", unset, NO_WAIT),
        "release of NULL": ("consumer_release", None),
        "release of what was never had": ("consumer_release", Guarded(View)),
        "info to NULL": ("consumer_info", None),
        "info of no size": ("consumer_info", info),
    }
    for what, (call, *arguments) in calls.items():
        scene.expect(what, str(library(call, reader.handle, *arguments)), "-1 EINVAL")
    scene.expect("the frame is still to be had", reader.wait().number, 0)


@promise
def refuses_reader_options_out_of_bounds(scene: Scene) -> None:
    """Reader options that are out of bounds, unknown or of a wrong size are refused with EINVAL."""
    scene.writer()
    wrong: list[dict[str, int]] = [{"start": 4}, {"policy": 3}, {"resync": 2}, {"reconnect": 2}, {"start": 2**32 - 1}]
    wrong += [{"struct_size": size} for size in BAD_SIZES]
    for options in wrong:
        reader = Reader(scene.library)
        scene.expect(f"open with {options}", str(reader.open(scene.channel_name, **options)), "-1 EINVAL")
        scene.expect("descriptor of that handle", str(reader.descriptor()), "-1 EBADF")
    memory = (ctypes.c_uint8 * 96)()
    given = ConsumerOptions.from_buffer(memory)
    name = ctypes.c_char_p(scene.channel_name.encode())
    given.struct_size, given.name = 96, ctypes.cast(name, ctypes.c_void_p).value
    handle = Guarded(ConsumerHandle)
    scene.expect("a newer struct", str(scene.library("consumer_open", handle, memory)), "0")
    memory[95] = 1
    scene.expect("an option that is unknown", str(scene.library("consumer_open", handle, memory)), "-1 EINVAL")


@promise
def refuses_names_that_no_ring_can_have(scene: Scene) -> None:
    """Readers, inspect and inspect_slots refuse a name that no ring can have with EINVAL."""
    info, slots = Guarded(Info), Guarded(Slot * 2)
    for name in NO_NAMES:
        text = name.encode()
        scene.expect(f"a reader of {name[:20]!r}", str(Reader(scene.library).open(name)), "-1 EINVAL")
        scene.expect(f"inspect of {name[:20]!r}", str(scene.library("inspect", text, info)), "-1 EINVAL")
        slots.value[0].struct_size = ctypes.sizeof(Slot)
        told = scene.library("inspect_slots", text, slots, 2)
        scene.expect(f"inspect_slots of {name[:20]!r}", str(told), "-1 EINVAL")


@promise
def refuses_to_inspect_into_nothing(scene: Scene) -> None:
    """inspect and inspect_slots fail with EINVAL if their struct is NULL, has no size, or has no room."""
    scene.writer()
    name, library = scene.channel_name.encode(), scene.library
    unset = Guarded(Info)
    unset.value.struct_size = 0
    scene.expect("inspect to NULL", str(library("inspect", name, None)), "-1 EINVAL")
    scene.expect("inspect to a struct of no size", str(library("inspect", name, unset)), "-1 EINVAL")
    slots = Guarded(Slot * 2)
    scene.expect("inspect_slots to NULL", str(library("inspect_slots", name, None, 2)), "-1 EINVAL")
    scene.expect("inspect_slots to a struct of no size", str(library("inspect_slots", name, slots, 2)), "-1 EINVAL")
    slots.value[0].struct_size = ctypes.sizeof(Slot)
    scene.expect("inspect_slots with no room", str(library("inspect_slots", name, slots, 0)), "-1 EINVAL")


def _outcomes(scene: Scene, name: str) -> dict[str, str]:
    """Return what readers and inspection answer for that name."""
    slots = Guarded(Slot)
    return {
        "a reader": str(Reader(scene.library).open(name)),
        "inspect": str(scene.library("inspect", name.encode(), Guarded(Info))),
        "inspect_slots": str(scene.library("inspect_slots", name.encode(), slots, 1)),
    }


@promise
def tells_that_there_is_no_ring(scene: Scene) -> None:
    """Joining or inspecting a ring that does not exist fails with ENOENT, and makes none."""
    name = scene.new_name()
    for who, told in _outcomes(scene, name).items():
        scene.expect(f"{who} at an absent ring", told, "-1 ENOENT")
    scene.expect("a ring is there now", scene.path(name).exists(), False)
    scene.expect("a reader of the channel", str(Reader(scene.library).init_channel(scene.channel)), "-1 ENOENT")


@promise
def tells_that_a_ring_is_being_made(scene: Scene) -> None:
    """Joining or inspecting a version 1 ring that its writer has not filled yet fails with EAGAIN."""
    magic = (0x56494445).to_bytes(4, "little")
    for what, content in {"empty": b"", "all zero": bytes(V1_BYTES), "no version": magic + bytes(V1_BYTES - 4)}.items():
        name = scene.channel_name  # version 1 uses no others
        scene.path(name).write_bytes(content)
        for who, told in _outcomes(scene, name).items():
            scene.expect(f"{who} at an object that is {what}", told, "-1 EAGAIN")
        scene.path(name).unlink()


@promise
def tells_that_it_is_no_ring(scene: Scene) -> None:
    """A file, folder, link or FIFO that is no ring is refused with EPROTO, by writers, too, and left as it was."""
    text, other = b"no ring at all", b"\3" * V1_BYTES
    made = {name: scene.path(scene.new_name()) for name in ("short", "other", "zeros", "folder", "link", "fifo")}
    made["short"].write_bytes(text)
    made["other"].write_bytes(other)
    made["zeros"].write_bytes(bytes(V1_BYTES))  # by which version 1 begins a ring, but under no such name
    made["folder"].mkdir()
    made["link"].symlink_to(made["short"])
    os.mkfifo(made["fifo"])
    for what, path in made.items():
        for who, told in _outcomes(scene, f"/{path.name}").items():
            scene.expect(f"{who} at a {what}", told, "-1 EPROTO")
        told = str(Writer(scene.library).open(path.name, slots=2, slot_size=64))
        scene.expect(f"a writer at a {what}", told, "-1 EPROTO")
    scene.expect("the short file", made["short"].read_bytes(), text)
    scene.expect("the file of other bytes is as it was", made["other"].read_bytes() == other, True)
    scene.expect("the link", made["link"].is_symlink(), True)
    made["folder"].rmdir()


@promise
def wakes_nobody_at_the_other_end_of_a_fifo(scene: Scene) -> None:
    """A FIFO under a ring's name is not even opened: whoever sleeps at its other end sleeps on."""

    def sleep() -> Iterator[str]:
        yield "sleeps"
        with path.open("wb"):
            yield "woken"

    path = scene.path(scene.new_name())
    os.mkfifo(path)
    actor = scene.start(sleep)
    scene.need("who opens its other end", actor.hear(), "sleeps")
    until_asleep(actor.pid)
    for _ in range(3):
        _outcomes(scene, path.name)
        Writer(scene.library).open(path.name, slots=2, slot_size=64)
    scene.expect("whether it still sleeps", until(lambda: not asleep(actor.pid), 0.2), False)
