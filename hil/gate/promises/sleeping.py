# SPDX-License-Identifier: Apache-2.0
"""Promises about wake-ups of processes that sleep on the futex word, with any library or none."""

from __future__ import annotations

import ctypes
import mmap
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..stage import Actor
from .raw import Answer
from .ring_object import RingObject
from .scene import FRAME, Scene, Unasked, promise, until_asleep

SYSTEM_CALL = {"x86_64": 202, "aarch64": 98, "riscv64": 98}
FUTEX_WAIT_BITSET = 9
BIT_FRAME, BIT_KEYFRAME, BIT_STATE = 1, 2, 4
SLEEP_S = 10


def _sleep_on(path: Path, bits: int) -> bool:
    """Sleep on the present word through a read-only mapping. Returns whether it was woken."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    ring = RingObject(path)
    with path.open("rb") as file:
        arguments = ctypes.c_size_t(ring.size), mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), ctypes.c_long(0)
        at = libc.mmap(None, *arguments)
    latest = (ctypes.c_long * 2)(int(time.monotonic()) + SLEEP_S, 0)
    word, expected = ctypes.c_void_p(at + ring.extension_offset + 152), ctypes.c_uint32(ring.extension("signal"))
    number = ctypes.c_long(SYSTEM_CALL[platform.machine()])
    return bool(libc.syscall(number, word, FUTEX_WAIT_BITSET, expected, latest, None, bits) == 0)


@promise
def wakes_sleepers_by_their_bits(scene: Scene) -> None:
    """The futex word wakes all sleepers with bit 1 at a frame, with bit 2 at a keyframe, and all at the end."""
    if platform.machine() not in SYSTEM_CALL:
        raise Unasked(f"the number of the futex call on {platform.machine()} is not known")

    def sleeper(bits: int) -> Callable[[], Iterator[str]]:
        def play() -> Iterator[str]:
            yield "sleeps"
            yield "woken" if _sleep_on(scene.path(name), bits) else "not woken"

        return play

    def start(*bits: int) -> list[Actor]:
        actors = [scene.start(sleeper(bit)) for bit in bits]
        for actor in actors:
            scene.need("a sleeper", actor.hear(), "sleeps")
        time.sleep(0.1)  # it opens and maps the ring first
        for actor in actors:
            until_asleep(actor.pid)
        return actors

    name = scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=1000)
    by: dict[str, Callable[[int], Answer]] = {
        "write": lambda keyframe: writer.write(FRAME, is_keyframe=keyframe),
        "commit": lambda keyframe: writer.place(FRAME, is_keyframe=keyframe),
        "commit with a time": lambda keyframe: writer.place(FRAME, {"capture_ns": 1}, is_keyframe=keyframe),
    }
    keyframe, end = start(BIT_KEYFRAME), start(BIT_STATE)
    for how, publish in by.items():
        frames = start(BIT_FRAME, BIT_FRAME)
        publish(0)
        scene.expect(f"who waits for frames, at a {how}", [actor.hear() for actor in frames], ["woken"] * 2)
        frames = start(BIT_FRAME)
        publish(1)
        told = [actor.hear() for actor in (*frames, *keyframe)]
        scene.expect(f"who waits for frames, and for keyframes, at a keyframe's {how}", told, ["woken"] * 2)
        keyframe = start(BIT_KEYFRAME)
    rest = start(BIT_FRAME)
    writer.destroy()
    scene.expect("everybody, at the end", [actor.hear() for actor in (*rest, *keyframe, *end)], ["woken"] * 3)
