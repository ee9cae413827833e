# SPDX-License-Identifier: Apache-2.0
"""The original's names and calls: they stay as they were."""

from __future__ import annotations

from ...shared_memory import SHARED_MEMORY
from .raw import Guarded, Info, ProducerHandle
from .scene import FRAME, PATIENCE_MS, Scene, at_home
from .sides import Reader, Writer


@at_home
def has_the_originals_names(scene: Scene) -> None:
    """/video_stream, /video_sem_write and /video_sem_read; those of channel N end in _chN, 0 too."""
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
    """Options NULL, or without a name: VIDEO_SHM_NAME, all defaults, for writer, reader and who looks."""
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
    """init of both sides, and a wait; the reader goes over to the next ring."""
    library = scene.library
    writer, reader = Writer(library), Reader(library)
    scene.need("a reader before there is a ring", str(library("consumer_init", reader.handle)), "-1 ENOENT")
    scene.need("a writer", str(library("producer_init", writer.handle)), "0")
    scene.need("a reader", str(library("consumer_init", reader.handle)), "0")
    for length in (10, 20):
        writer.write(FRAME[:length])
        scene.expect("size of its frame", reader.wait(PATIENCE_MS).result, length)
        writer.destroy()
        scene.expect("its end", str(reader.wait(PATIENCE_MS).answer), "-1 EPIPE")
        scene.need("a writer again", str(library("producer_init", writer.handle)), "0")


@at_home
def gives_sound_a_ring_without_semaphores(scene: Scene) -> None:
    """/audio_stream, and any name that is no channel's: the ring alone."""
    for name in ("audio_stream", "video_stream2", "video_stream_chx", "video_stream_ch", "other"):
        writer = scene.writer(name, slots=2, slot_size=64, media=1)
        scene.expect(f"names beside {name}", [path.name for path in SHARED_MEMORY.iterdir()], [name])
        writer.destroy()
