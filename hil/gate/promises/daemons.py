# SPDX-License-Identifier: Apache-2.0
"""Promises about programs that become daemons and close every descriptor that they do not know."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from .raw import Answer
from .scene import FRAME, Scene, promise
from .sides import Writer


def _numbers() -> set[int]:
    """Return the open descriptors."""
    return {int(entry.name) for entry in Path("/proc/self/fd").iterdir() if os.path.lexists(entry)}


@promise
def keeps_its_ring_without_its_descriptors(scene: Scene) -> None:
    """A writer whose descriptors now belong to other files keeps its ring, and closes none of those files."""
    name, null = scene.new_name(), Path(os.devnull).stat()

    def play() -> Iterator[str]:
        known = _numbers()
        writer, reader = scene.writer(name, slots=4, slot_size=1000), scene.reader(name)
        others = os.open(os.devnull, os.O_RDWR)
        taken = _numbers() - known
        for number in taken - {others}:
            os.dup2(others, number)
        writer.write(FRAME)
        yield f"read {reader.numbers()}"
        yield str(Writer(scene.library).open(name, slots=4, slot_size=1000))
        yield "closed"
        reader.destroy()
        writer.destroy()
        lost = [number for number in taken if number not in _numbers() or not os.path.samestat(os.fstat(number), null)]
        yield f"lost {len(lost)}"

    actor = scene.start(play)
    scene.expect("frames read", actor.hear(), "read [0]")
    scene.expect("a second one in this process", actor.hear(), "-1 EBUSY")
    scene.expect("descriptors closed", actor.hear(), "closed")
    scene.expect("files of the program's that were closed", actor.hear(), "lost 0")


@promise
def opens_its_descriptors_anew(scene: Scene) -> None:
    """A descriptor that the program has closed is opened anew, if the name still leads to the ring."""
    name = scene.new_name()
    path, aside = scene.path(name), scene.path(name).with_suffix(".aside")

    def play() -> Iterator[str]:
        known = _numbers()
        writer, reader = scene.writer(name, slots=4, slot_size=100), scene.reader(name)
        writer.reserve()

        def asked() -> Iterator[Answer]:
            for number in _numbers() - known:
                os.close(number)
            yield scene.library("producer_descriptor", writer.handle, ctypes.byref(ctypes.c_uint64()))
            yield reader.descriptor()

        yield f"the ring's: {[path.samefile(f'/proc/self/fd/{answer.result}') for answer in asked()]}"
        path.rename(aside)
        yield f"of no name: {[str(answer) for answer in asked()]}"
        path.touch()
        yield f"of another's name: {[str(answer) for answer in asked()]}"
        aside.rename(path)

    actor = scene.start(play)
    scene.expect("the descriptors, which were closed", actor.hear(), "the ring's: [True, True]")
    scene.expect("without a name", actor.hear(), "of no name: ['-1 ENOENT', '-1 ENOENT']")
    scene.expect("with another one's", actor.hear(), "of another's name: ['-1 ESTALE', '-1 ESTALE']")


@promise
def keeps_no_writer_out_by_a_mapping(scene: Scene) -> None:
    """A mapping of the descriptor that a binding gets does not keep the ring's next writer out."""
    name = scene.new_name()
    writer, offset = scene.writer(name, slots=4, slot_size=100), ctypes.c_uint64()
    writer.reserve()
    told = scene.library("producer_descriptor", writer.handle, ctypes.byref(offset))
    with mmap.mmap(told.result, 0):
        aside = scene.path(name).with_suffix(".aside")
        os.link(scene.path(name), aside)  # so that the object still has a name when its writer is gone
        writer.destroy()
        aside.rename(scene.path(name))
        scene.expect("the next writer", str(Writer(scene.library).open(name, slots=4, slot_size=100)), "0")
