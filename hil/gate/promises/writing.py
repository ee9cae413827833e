# SPDX-License-Identifier: Apache-2.0
"""Promises about writing: frame numbers, slots, reservations, and dropped frames."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from ..stage import await_cue
from .raw import Guarded, Meta
from .ring_object import RingObject
from .scene import FRAME, PATIENCE_MS, Scene, mappings_of, promise
from .semaphores import Semaphore
from .sides import Writer


@promise
def numbers_frames_from_nought(scene: Scene) -> None:
    """Frames are numbered from 0, and come in order, each once, with the bytes that were written."""
    writer, reader = scene.writer(), scene.reader()
    for number in range(100):
        data = number.to_bytes(4, "little") * (1 + number)
        scene.expect(f"write of frame {number}", str(writer.write(data)), "0")
        got = reader.wait()
        scene.expect("its number and size", (got.number, got.result), (number, len(data)))
        scene.expect(f"bytes of frame {number}", got.data == data, True)
    scene.expect("what comes then", reader.wait().result, 0)


@promise
def ignores_size_and_sequence_of_the_caller(scene: Scene) -> None:
    """The library sets size and sequence, and ignores what the caller gave."""
    writer, reader = scene.writer(), scene.reader()
    writer.write(FRAME, size=7, sequence=4711)
    meta = reader.wait().meta
    scene.expect("size and sequence", (meta.size, meta.sequence), (1000, 0))
    if scene.library.has("producer_reserve"):
        writer.reserve()
        scene.library("producer_commit", writer.handle, 9, Guarded(Meta, size=8, sequence=4711), None)
        meta = reader.wait().meta
        scene.expect("size and sequence of a commit", (meta.size, meta.sequence), (9, 1))


@promise
def takes_frames_of_every_size(scene: Scene) -> None:
    """A frame has from one byte to exactly the slot's size."""
    size = 512 * 1024
    writer, reader = scene.writer(), scene.reader()
    for length in (1, 2, 31, 32, 33, 4095, 4096, 4097, size - 1, size):
        data = bytes(range(256)) * (length // 256) + bytes(range(length % 256))
        scene.expect(f"write of {length} bytes", str(writer.write(data)), "0")
        got = reader.wait()
        scene.expect(f"size of {length} bytes", got.result, length)
        scene.expect(f"{length} bytes are the same", got.data == data, True)
    scene.expect("write of a byte more than a slot", str(writer.write(bytes(size + 1))), "-1 EMSGSIZE")


@promise
def leaves_frames_to_their_caller(scene: Scene) -> None:
    """A write copies its frame, so that the caller may change it at once."""
    writer, reader = scene.writer(), scene.reader()
    data = ctypes.create_string_buffer(b"\1" * 1000, 1000)
    scene.library("producer_write", writer.handle, data, 1000, bytes(32))
    ctypes.memset(data, 2, 1000)
    scene.expect("the frame's first byte", reader.wait().data[:1], b"\1")


@promise
def refuses_a_frame_larger_than_a_slot(scene: Scene) -> None:
    """A frame larger than a slot is refused with EMSGSIZE and counted, and the ring stays as it was."""
    size, name = 4096, scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=size)
    for number in range(4):
        writer.write(bytes([number]) * size)
    scene.expect("write of too large a frame", str(writer.write(b"x" * (size + 256))), "-1 EMSGSIZE")
    reader = scene.reader(name, start=2)
    for number in range(4):
        got = reader.wait()
        scene.expect("number and bytes", (got.number, got.data == bytes([number]) * size), (number, True))
    info = writer.info()
    scene.expect("booked as too large, and as dropped", (info.dropped_too_large, info.dropped), (1, 1))


@promise
def counts_what_it_drops(scene: Scene) -> None:
    """A frame that finds the semaphore taken is dropped and counted, for version 1 readers, too."""
    writer = scene.writer()
    with Semaphore(scene, "write") as semaphore:
        semaphore.take()
        scene.expect("write while the semaphore is taken", str(writer.write(FRAME)), "1")
        scene.expect("reserve likewise", str(writer.reserve()[0]), "-1 EBUSY")
        semaphore.give()
    scene.expect("write when it is free", str(writer.write(FRAME)), "0")
    info = writer.info()
    seen = info.dropped, info.dropped_busy, info.frames
    scene.expect("dropped, dropped since it was busy, written", seen, (2, 2, 1))
    scene.expect("a reader is told of", scene.reader().stats(), (1, 2, 0))
    scene.expect(
        "version 1 readers are told of", RingObject(scene.path(scene.channel_name)).header("dropped_frames"), 2
    )


@promise
def drops_what_comes_while_a_slot_is_reserved(scene: Scene) -> None:
    """While a slot is reserved, a write is dropped and counted, and a second reserve fails with EBUSY."""
    writer, reader = scene.writer(), scene.reader()
    scene.need("reserve", str(writer.reserve()[0]), "0")
    scene.expect("reserve again", str(writer.reserve()[0]), "-1 EBUSY")
    scene.expect("write meanwhile", str(writer.write(FRAME)), "1")
    scene.expect("dropped, dropped since it was busy", (writer.info().dropped, writer.info().dropped_busy), (1, 1))
    scene.expect("commit", str(writer.commit(10)), "0")
    scene.expect("write then", str(writer.write(FRAME)), "0")
    scene.expect("frames that came", reader.numbers(), [0, 1])
    scene.expect("a reader is told of", reader.stats(), (2, 1, 0))


@promise
def hands_out_the_slot_itself(scene: Scene) -> None:
    """reserve hands out the slot itself, whole and 32-byte aligned, and nobody reads it before its commit."""
    for slot_size in (1, 33, 4097, 65536):
        name = scene.new_name()
        writer = scene.writer(name, slots=3, slot_size=slot_size)
        reader = scene.reader(name)
        for number in range(7):
            answer, address, capacity = writer.reserve()
            scene.need("reserve", str(answer), "0")
            scene.expect("capacity", capacity, slot_size)
            scene.expect("address modulo 32", address % 32, 0)
            inside = any(begin <= address < end for begin, end, _ in mappings_of(scene.path(name).stat().st_ino))
            scene.expect("it lies in the ring", inside, True)
            data = bytes([number]) * slot_size
            ctypes.memmove(address, data, slot_size)
            scene.expect("what readers see of it", reader.wait().result, 0)
            scene.expect("commit", str(writer.commit(slot_size)), "0")
            got = reader.wait()
            scene.expect("number and bytes", (got.number, got.data == data), (number, True))


@promise
def takes_a_slot_back(scene: Scene) -> None:
    """abort publishes nothing: the frame that was in the slot is lost, and the next one gets the same number."""
    name = scene.new_name()
    writer = scene.writer(name, slots=3, slot_size=100)
    for number in range(3):
        writer.write(bytes([number]))
    writer.reserve()
    writer.abort()
    writer.abort()
    reader = scene.reader(name, start=2)
    scene.expect("frames that are left", reader.numbers(), [1, 2])
    scene.expect("commit of what was given back", str(writer.commit(10)), "-1 EINVAL")
    scene.expect("write", str(writer.write(b"\3")), "0")
    got = reader.wait()
    scene.expect("number and bytes of the next", (got.number, got.data), (3, b"\3"))
    writer.abort()
    scene.expect("frames after an abort of nothing", scene.reader(name, start=2).numbers(), [1, 2, 3])
    scene.expect("dropped", writer.info().dropped, 0)


@promise
def lets_any_thread_end_a_reservation(scene: Scene) -> None:
    """Any thread may commit or abort a reserved slot, which belongs to the handle."""
    writer, reader, said = scene.writer(), scene.reader(), list[str]()
    writer.reserve()
    thread = threading.Thread(target=lambda: said.append(str(writer.commit(10))))
    thread.start()
    thread.join()
    scene.expect("commit in another thread", said, ["0"])
    scene.expect("size of the frame", reader.wait(PATIENCE_MS).result, 10)
    writer.reserve()
    thread = threading.Thread(target=writer.abort)
    thread.start()
    thread.join()
    scene.expect("write once another thread has aborted", str(writer.write(FRAME)), "0")


@promise
def serves_several_threads_at_once(scene: Scene) -> None:
    """Threads that share a handle have each frame written, or dropped and counted; none is lost or torn."""
    name, each, threads = scene.new_name(), 500, 4
    writer = scene.writer(name, slots=4096, slot_size=2000)
    answers: list[int] = []

    def write(mark: int) -> None:
        answers.extend(writer.write(bytes([mark]) * 2000).result for _ in range(each))

    working = [threading.Thread(target=write, args=(mark,)) for mark in range(threads)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    reader, frames, torn = scene.reader(name, start=2), 0, 0
    while (got := reader.wait()).result > 0:
        frames += 1
        torn += got.data != got.data[:1] * 2000
    info = writer.info()
    scene.expect("answers other than written and dropped", set(answers) - {0, 1}, set())
    scene.expect("frames written", (info.frames, frames), (answers.count(0),) * 2)
    scene.expect("frames dropped", info.dropped_busy, answers.count(1))
    scene.expect("torn frames", torn, 0)


@promise
def serves_threads_with_handles_of_their_own(scene: Scene) -> None:
    """Any number of threads work at once, each with a ring and handles of its own."""
    found: list[tuple[int, ...]] = []

    def work(name: str) -> None:
        writer = scene.writer(name, slots=8, slot_size=64)
        reader = scene.reader(name)
        numbers: list[int] = []
        for number in range(300):
            writer.write(bytes([number % 256]))
            numbers += reader.numbers()
        found.append((len(numbers), numbers[-1]))
        reader.destroy()
        writer.destroy()

    working = [threading.Thread(target=work, args=(scene.new_name(),)) for _ in range(4)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    scene.expect("frames read in each, and the last one's number", found, [(300, 299)] * 4)


@promise
def gives_a_binding_the_reserved_slot(scene: Scene) -> None:
    """producer_descriptor returns the ring's own descriptor, and where in the object the payload lies."""
    name = scene.new_name()
    writer, offset = scene.writer(name, slots=4, slot_size=100), ctypes.c_uint64()
    writer.write(FRAME[:50])
    writer.reserve()
    told = scene.library("producer_descriptor", writer.handle, ctypes.byref(offset))
    scene.expect_in("the descriptor", told.result, 3, 2**20)
    ring, writers = RingObject(scene.path(name)), Path(f"/proc/self/fd/{told.result}")
    scene.expect("the object it leads to", scene.path(name).samefile(writers), True)
    scene.expect("offset of the payload", offset.value, ring.slot_offset(1) + 32)
    with writers.open("r+b", buffering=0) as file:
        file.seek(offset.value)
        file.write(b"\5" * 100)
    writer.commit(100)
    reader = scene.reader(name, start=1)
    scene.expect("what was written through it", reader.wait().data, b"\5" * 100)


@promise
def refuses_a_second_writer(scene: Scene) -> None:
    """A second writer gets EBUSY as long as the first one lives, and the first goes on undisturbed."""

    def second() -> Iterator[str]:
        writer = Writer(scene.library)
        yield str(writer.init_channel(scene.channel))
        yield str(writer.write(FRAME))
        writer.destroy()

    first = scene.writer()
    scene.expect("a second one in another process", scene.ask(second), ["-1 EBUSY", "-1 EBADF"])
    scene.expect("a second one in this process", str(Writer(scene.library).init_channel(scene.channel)), "-1 EBUSY")
    if scene.library.has("producer_open"):
        told = Writer(scene.library).open(scene.channel_name, slots=5, slot_size=1000)
        scene.expect("one with another geometry", str(told), "-1 EBUSY")
    scene.expect("the first one's write", str(first.write(FRAME)), "0")
    scene.expect("its ring is there", scene.path(scene.channel_name).exists(), True)
    if scene.library.has("producer_info"):
        info = first.info()
        scene.expect("frames and epoch", (info.frames, info.epoch), (1, 1))


@promise
def writes_on_while_others_are_stopped(scene: Scene) -> None:
    """A writer never waits for a reader, not even for one that is stopped in the middle of reading."""
    name = scene.new_name()
    writer = scene.writer(name, slots=3, slot_size=1 << 20)

    def read() -> Iterator[str]:
        reader = scene.reader(name)
        yield "reads"
        while True:
            if reader.receive(1 << 20, PATIENCE_MS).result <= 0:
                await_cue()

    actor = scene.start(read)
    scene.need("a reader", actor.hear(), "reads")
    data = bytes(1 << 20)
    for _ in range(20):
        os.kill(actor.pid, signal.SIGSTOP)
        for _ in range(4):
            scene.expect("write", str(writer.write(data)), "0")
        os.kill(actor.pid, signal.SIGCONT)
    scene.expect("written, dropped", (writer.info().frames, writer.info().dropped), (80, 0))
