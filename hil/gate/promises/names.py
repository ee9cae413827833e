# SPDX-License-Identifier: Apache-2.0
"""Promises about the original's names and calls, which have not changed."""

from __future__ import annotations

import os

from ...workers.shared_memory import SHARED_MEMORY
from .raw import Guarded, Info, ProducerHandle
from .scene import FRAME, PATIENCE_MS, Scene, at_home, promise
from .sides import Reader, Writer

VARIABLE = "VIDEO_SHM_POLICY"


@at_home
def has_the_originals_names(scene: Scene) -> None:
    """Ring and semaphores have the original's names; those of channel N end in _chN, those of channel 0, too."""
    library, shown = scene.library, list[list[str]]()
    for channel in (None, 0, 7):
        handle = Guarded(ProducerHandle)
        answer = (
            library("producer_init", handle) if channel is None else library("producer_init_channel", handle, channel)
        )
        scene.expect(f"a writer of channel {channel}", str(answer), "0")
        shown.append(sorted(path.name for path in SHARED_MEMORY.iterdir()))
        library("producer_destroy", handle)
    expected = [
        [f"sem.video_sem_read{end}", f"sem.video_sem_write{end}", f"video_stream{end}"] for end in ("", "_ch0", "_ch7")
    ]
    scene.expect("names", shown, expected)


@at_home
def opens_the_originals_ring_without_a_name(scene: Scene) -> None:
    """Without options, or a name in them, writer, reader and inspect take VIDEO_SHM_NAME and all defaults."""
    library = scene.library
    for how, given in {"NULL": None, "no name": "options"}.items():
        writer, reader = Writer(library), Reader(library)
        answer = library("producer_open", writer.handle, None) if given is None else writer.open(None)
        scene.need(f"a writer with {how}", str(answer), "0")
        answer = library("consumer_open", reader.handle, None) if given is None else reader.open(None)
        scene.need(f"a reader with {how}", str(answer), "0")
        writer.write(FRAME)
        scene.expect("its frame", reader.wait().number, 0)
        info = Guarded(Info)
        scene.expect("inspect of NULL", str(library("inspect", None, info)), "0")
        seen = info.value.frames, info.value.slots, info.value.slot_size, oct(info.value.mode)
        scene.expect("frames, slots, slot size, mode", seen, (1, 30, 524288, "0o660"))
        writer.destroy()
        scene.expect("its end", str(reader.wait(PATIENCE_MS).answer), "-1 EPIPE")
        scene.expect("which is final", str(reader.wait(1).answer), "-1 EPIPE")


@at_home
def joins_by_the_originals_calls(scene: Scene) -> None:
    """producer_init and consumer_init open the original's ring, and the reader goes over to the next one."""
    library = scene.library
    writer, reader = Writer(library), Reader(library)
    scene.need("a reader before there is a ring", str(library("consumer_init", reader.handle)), "-1 ENOENT")
    scene.need("a writer", str(library("producer_init", writer.handle)), "0")
    scene.need("a reader", str(library("consumer_init", reader.handle)), "0")
    for length in (10, 20):
        writer.write(FRAME[:length])
        scene.expect("size of its frame", reader.wait(PATIENCE_MS).result, length)
        writer.destroy()
        scene.expect("what comes then", str(reader.wait(20).answer), "0")
        scene.need("a writer again", str(library("producer_init", writer.handle)), "0")


@at_home
def joins_the_originals_ring_by_either_name(scene: Scene) -> None:
    """consumer_init joins /video_stream, else /video_stream_ch0, and goes over to the next of either name."""
    library, reader = scene.library, Reader(scene.library)
    scene.need("a reader before there is a ring", str(library("consumer_init", reader.handle)), "-1 ENOENT")
    newer = scene.writer("/video_stream_ch0", slots=4, slot_size=1000)
    scene.need("a reader where there is the newer name", str(library("consumer_init", reader.handle)), "0")
    newer.write(FRAME[:10])
    scene.expect("size of its frame", reader.wait(PATIENCE_MS).result, 10)
    older = scene.writer("/video_stream", slots=4, slot_size=1000)
    second = Reader(library)
    scene.need("a reader where there are both", str(library("consumer_init", second.handle)), "0")
    newer.write(FRAME[:20])
    older.write(FRAME[:30])
    scene.expect("size of each one's frame", [one.wait(PATIENCE_MS).result for one in (reader, second)], [20, 30])
    older.destroy()
    newer.destroy()
    for length, name in ((40, "/video_stream"), (50, "/video_stream_ch0"), (60, "/video_stream")):
        writer = scene.writer(name, slots=4, slot_size=1000)
        writer.write(FRAME[:length])
        sizes = [one.wait(PATIENCE_MS).result for one in (reader, second)]
        scene.expect(f"size of the frame of the next ring, {name}", sizes, [length] * 2)
        writer.destroy()


@promise
def takes_a_policy_from_the_environment(scene: Scene) -> None:
    """VIDEO_SHM_POLICY sets the policy of the original's calls alone; an unknown word is refused with EINVAL."""
    expected = {None: [0, 1, 2, 3, 4], "every": [0, 1, 2, 3, 4], "newest": [4], "keyframes": [0, 3]}
    writer = scene.writer()
    for word, numbers in expected.items():
        os.environ.pop(VARIABLE, None)
        if word is not None:
            os.environ[VARIABLE] = word
        reader, first = scene.reader(), writer.info().frames
        for number in range(5):
            writer.write(FRAME, is_keyframe=number % 3 == 0)
        seen = [number - first for number in reader.numbers()]
        scene.expect(f"frames of five, where it is {word}", seen, numbers)
        with_options = scene.reader(start=2).numbers()
        scene.expect(f"frames of a reader with options, where it is {word}", with_options, list(range(first + 5)))
    os.environ[VARIABLE] = "latest"
    scene.expect("a reader with another word", str(Reader(scene.library).init_channel(scene.channel)), "-1 EINVAL")


@at_home
def gives_sound_a_ring_without_semaphores(scene: Scene) -> None:
    """/audio_stream, and every other ring that is no channel's, has no semaphores."""
    for name in ("audio_stream", "video_stream2", "video_stream_chx", "video_stream_ch", "other"):
        writer = scene.writer(name, slots=2, slot_size=64, media=1)
        scene.expect(f"names beside {name}", [path.name for path in SHARED_MEMORY.iterdir()], [name])
        writer.destroy()
