# SPDX-License-Identifier: Apache-2.0
"""Promises about invalid arguments of the writer's calls: the errno, and that nothing changes."""

from __future__ import annotations

import ctypes

from .raw import Answer, ConsumerHandle, Guarded, Info, Meta, ProducerHandle, ProducerOptions
from .scene import FRAME, Calls, Scene, at_home, promise
from .sides import Writer

BAD_SIZES = (0, 1, 3, 2**32 - 1)  # of a struct
NO_NAMES = ("", "/", "a/b", "//a", ".", "/..", "n" * 201)
KEYFRAME, RECOVERY_POINT, UNKNOWN_FLAG = 1, 16, 32


def _calls(writer: Writer) -> Calls:
    """Return each call that reports whether the handle is open, with valid arguments."""
    library, handle = writer.library, writer.handle
    offset = ctypes.c_uint64()
    return {
        "write": lambda: writer.write(FRAME),
        "write_timed": lambda: writer.write_timed(FRAME),
        "reserve": lambda: writer.reserve()[0],
        "commit": lambda: writer.commit(1),
        "descriptor": lambda: library("producer_descriptor", handle, ctypes.byref(offset)),
        "info": lambda: library("producer_info", handle, Guarded(Info)),
    }


def _expect_closed(scene: Scene, writer: Writer, which: str, error: str = "EBADF") -> None:
    scene.expect_each(f"on {which}", _calls(writer), f"-1 {error}")
    writer.abort()
    writer.destroy()


@promise
def refuses_a_writer_that_is_not_open(scene: Scene) -> None:
    """Calls on a writer that is closed or was never opened fail with EBADF; another destroy does nothing."""
    writer = Writer(scene.library)
    _expect_closed(scene, writer, "a handle that was never opened")
    scene.expect("open under a bad name", str(writer.init_channel(-1)), "-1 EINVAL")
    _expect_closed(scene, writer, "a handle that could not be opened")
    scene.need("open", str(writer.init_channel(scene.channel)), "0")
    before = writer.handle.bytes
    writer.destroy()
    _expect_closed(scene, writer, "a closed handle")
    ctypes.memmove(writer.handle.address, before, len(before))
    _expect_closed(scene, writer, "a copy of what it was before it was closed")
    writer.destroy()
    scene.need("open again", str(writer.init_channel(scene.channel)), "0")
    scene.expect("write", str(writer.write(FRAME)), "0")


@promise
def refuses_a_writer_that_is_null(scene: Scene) -> None:
    """Calls on a writer that is NULL fail with EINVAL; abort and destroy do nothing."""
    library, offset = scene.library, ctypes.c_uint64()
    data, capacity = ctypes.c_void_p(), ctypes.c_uint32()
    calls: Calls = {
        "init": lambda: library("producer_init", None),
        "init_channel": lambda: library("producer_init_channel", None, scene.channel),
        "write": lambda: library("producer_write", None, FRAME, len(FRAME), Guarded(Meta)),
        "write_timed": lambda: library("producer_write_timed", None, FRAME, len(FRAME), Guarded(Meta), None),
        "open": lambda: library("producer_open", None, None),
        "reserve": lambda: library("producer_reserve", None, ctypes.byref(data), ctypes.byref(capacity)),
        "commit": lambda: library("producer_commit", None, 1, Guarded(Meta), None),
        "descriptor": lambda: library("producer_descriptor", None, ctypes.byref(offset)),
        "info": lambda: library("producer_info", None, Guarded(Info)),
    }
    scene.expect_each("of NULL", calls, "-1 EINVAL")
    library("producer_abort", None)
    library("producer_destroy", None)


@promise
def refuses_a_frame_that_is_none(scene: Scene) -> None:
    """A write of size 0, or with data or metadata NULL, fails with EINVAL; nothing is written or counted."""
    writer, library = scene.writer(), scene.library
    for what, arguments in {
        "data NULL": (None, 10, Guarded(Meta)),
        "size 0": (FRAME, 0, Guarded(Meta)),
        "metadata NULL": (FRAME, 10, None),
    }.items():
        scene.expect(f"write with {what}", str(library("producer_write", writer.handle, *arguments)), "-1 EINVAL")
    info = writer.info()
    scene.expect("written and dropped", (info.frames, info.dropped), (0, 0))


@promise
def refuses_a_commit_that_is_wrong(scene: Scene) -> None:
    """A commit with a wrong argument fails with EINVAL or EMSGSIZE, and the reservation stays as it was."""
    writer = scene.writer(slots=4, slot_size=1000)
    scene.expect("commit of what was never reserved", str(writer.commit(10)), "-1 EINVAL")
    answer, address, _ = writer.reserve()
    scene.need("reserve", str(answer), "0")
    ctypes.memset(address, 7, 1000)
    wrong = {
        "size 0": (writer.commit(0), "EINVAL"),
        "metadata NULL": (scene.library("producer_commit", writer.handle, 10, None, None), "EINVAL"),
        "a flag that nobody knows": (writer.commit(10, {"flags": UNKNOWN_FLAG}), "EINVAL"),
        "the highest flag": (writer.commit(10, {"flags": 1 << 31}), "EINVAL"),
        "the keyframe's flag, which is in the metadata": (writer.commit(10, {"flags": KEYFRAME}), "EINVAL"),
        "a recovery point that is no keyframe": (writer.commit(10, {"flags": RECOVERY_POINT}), "EINVAL"),
        "a reserved word that is not zero": (writer.commit(10, {"reserved": 1}), "EINVAL"),
        "a byte more than the slot": (writer.commit(1001), "EMSGSIZE"),
    }
    for what, (told, error) in wrong.items():
        scene.expect(f"commit with {what}", str(told), f"-1 {error}")
    reader = scene.reader(start=2)
    scene.expect("frames so far", reader.numbers(), [])
    scene.expect("commit at last", str(writer.commit(1000)), "0")
    scene.expect("its bytes", reader.wait().data, b"\7" * 1000)
    scene.expect("commit of it again", str(writer.commit(10)), "-1 EINVAL")


@promise
def refuses_a_frame_whose_times_are_wrong(scene: Scene) -> None:
    """A write_timed with a wrong argument fails with EINVAL; nothing is written, counted or left reserved."""
    writer, name = scene.writer(), "producer_write_timed"
    wrong = {
        "data NULL": scene.library(name, writer.handle, None, 10, Guarded(Meta), None),
        "size 0": writer.write_timed(b"", {"capture_ns": 1}),
        "metadata NULL": scene.library(name, writer.handle, FRAME, 10, None, None),
        "a flag that nobody knows": writer.write_timed(FRAME, {"flags": UNKNOWN_FLAG}),
        "the highest flag": writer.write_timed(FRAME, {"flags": 1 << 31}),
        "the keyframe's flag, which is in the metadata": writer.write_timed(FRAME, {"flags": KEYFRAME}),
        "a recovery point that is no keyframe": writer.write_timed(FRAME, {"flags": RECOVERY_POINT}),
        "a reserved word that is not zero": writer.write_timed(FRAME, {"reserved": 1}),
    }
    for what, told in wrong.items():
        scene.expect(f"write_timed with {what}", str(told), "-1 EINVAL")
    info = writer.info()
    scene.expect("written and dropped", (info.frames, info.dropped), (0, 0))
    scene.expect("write_timed at last", str(writer.write_timed(FRAME, {"flags": 8})), "0")


@promise
def refuses_a_reservation_it_can_not_tell(scene: Scene) -> None:
    """A reserve whose pointer for the data or the capacity is NULL fails with EINVAL."""
    writer, library = scene.writer(), scene.library
    data, capacity = ctypes.c_void_p(), ctypes.c_uint32()
    for what, arguments in {
        "data NULL": (None, ctypes.byref(capacity)),
        "capacity NULL": (ctypes.byref(data), None),
    }.items():
        scene.expect(f"reserve with {what}", str(library("producer_reserve", writer.handle, *arguments)), "-1 EINVAL")


@promise
def refuses_the_descriptor_of_what_is_not_reserved(scene: Scene) -> None:
    """producer_descriptor fails with EINVAL if no slot is reserved, or its pointer is NULL."""
    writer, library, offset = scene.writer(), scene.library, ctypes.c_uint64()
    told = library("producer_descriptor", writer.handle, ctypes.byref(offset))
    scene.expect("descriptor with nothing reserved", str(told), "-1 EINVAL")
    writer.reserve()
    scene.expect("descriptor to NULL", str(library("producer_descriptor", writer.handle, None)), "-1 EINVAL")
    writer.abort()
    told = library("producer_descriptor", writer.handle, ctypes.byref(offset))
    scene.expect("descriptor of what was given back", str(told), "-1 EINVAL")


@promise
def refuses_writer_options_out_of_bounds(scene: Scene) -> None:
    """Writer options beyond their bounds are refused with EINVAL; the bounds themselves are allowed."""
    wrong: list[dict[str, int]] = [
        {"slots": 1},
        {"slots": 4097},
        {"slots": 2**32 - 1},
        {"slot_size": (256 << 20) + 1},
        {"slot_size": 2**32 - 1},
        {"mode": 0o1000},
        {"mode": 2**31},
        {"media": 2},
        {"media": 2**32 - 1},
        {"reserved": 1},
    ]
    for options in wrong:
        name, writer = scene.new_name(), Writer(scene.library)
        usual = {"slots": 2, "slot_size": 64}
        scene.expect(f"open with {options}", str(writer.open(name, **usual | options)), "-1 EINVAL")
        scene.expect(f"a ring is left by {options}", scene.path(name).exists(), False)
        _expect_closed(scene, writer, f"a handle that {options} did not open")
    right: list[dict[str, int]] = [{"slots": 2}, {"slots": 4096}, {"slot_size": 1}, {"mode": 0o777}, {"media": 1}]
    for options in right:
        writer = scene.writer(scene.new_name(), **{"slots": 2, "slot_size": 64} | options)
        writer.destroy()


@promise
def refuses_writer_options_of_no_size(scene: Scene) -> None:
    """Writer options of a wrong size, or with an unknown option, are refused with EINVAL; newer structs are not."""
    options, name = ProducerOptions, scene.new_name().encode()
    text = ctypes.c_char_p(name)

    def opened(size: int, room: int, tail: int = 0) -> Answer:
        memory = (ctypes.c_uint8 * max(room, ctypes.sizeof(options)))()
        given = options.from_buffer(memory)
        given.struct_size, given.slots, given.slot_size = size, 2, 64
        given.name = ctypes.cast(text, ctypes.c_void_p).value
        if tail:
            memory[room - 1] = tail
        writer = Writer(scene.library)
        answer = scene.library("producer_open", writer.handle, memory)
        writer.destroy()
        return answer

    for size in BAD_SIZES:
        scene.expect(f"options of size {size}", str(opened(size, 64)), "-1 EINVAL")
    scene.expect("a newer struct, its options at their defaults", str(opened(96, 96)), "0")
    scene.expect("a newer struct with an option that is unknown", str(opened(96, 96, 1)), "-1 EINVAL")
    scene.expect("options of this size", str(opened(ctypes.sizeof(options), 64)), "0")


@at_home
def takes_older_writer_options(scene: Scene) -> None:
    """Options that an older struct does not have are at their defaults, the name, too."""
    given = Guarded(ProducerOptions, slots=3, slot_size=64)
    given.value.struct_size = 8
    writer = Writer(scene.library)
    answer = scene.library("producer_open", writer.handle, given)
    scene.need("open", str(answer), "0")
    info = writer.info()
    scene.expect("slots and slot size", (info.slots, info.slot_size), (3, 512 * 1024))
    scene.expect("/video_stream is there", scene.path("/video_stream").exists(), True)
    writer.destroy()


@promise
def refuses_names_that_can_not_be(scene: Scene) -> None:
    """A writer refuses a name that no ring can have with EINVAL, and takes one of up to 200 bytes."""
    for name in NO_NAMES:
        told = Writer(scene.library).open(name, slots=2, slot_size=64)
        scene.expect(f"a writer of {name[:20]!r}", str(told), "-1 EINVAL")
    longest = "n" * (200 - len(f"_ch{scene.channel}")) + f"_ch{scene.channel}"
    writer = scene.writer(longest, slots=2, slot_size=64)
    scene.expect("it is there", scene.path(longest).exists(), True)
    scene.expect("a second one with its slash", str(Writer(scene.library).open(f"/{longest}")), "-1 EBUSY")
    writer.destroy()


@promise
def refuses_negative_channels(scene: Scene) -> None:
    """Writers and readers refuse a negative channel with EINVAL."""
    for channel in (-1, -(2**31)):
        for side in ("producer", "consumer"):
            handle = Guarded(ProducerHandle if side == "producer" else ConsumerHandle)
            told = scene.library(f"{side}_init_channel", handle, channel)
            scene.expect(f"{side} of channel {channel}", str(told), "-1 EINVAL")


@promise
def refuses_info_without_its_size(scene: Scene) -> None:
    """producer_info fails with EINVAL if its struct is NULL or has no size."""
    writer = scene.writer()
    scene.expect("info to NULL", str(scene.library("producer_info", writer.handle, None)), "-1 EINVAL")
    unset = Guarded(Info)
    unset.value.struct_size = 0
    scene.expect("info of no size", str(scene.library("producer_info", writer.handle, unset)), "-1 EINVAL")
    scene.expect("what is in it", unset.bytes.strip(b"\0"), b"")
