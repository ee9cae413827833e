# SPDX-License-Identifier: Apache-2.0
"""An ordinary sequence of events for promises that must always hold: rings come and go, and a writer dies."""

from __future__ import annotations

from .scene import FRAME, Scene, until
from .sides import Reader, Writer


def live(scene: Scene) -> None:
    """Run the whole sequence once."""
    writer, reader = scene.writer(), scene.reader()
    for number in range(40):
        writer.write(FRAME, is_keyframe=number % 10 == 0)
    while reader.wait().result != 0:
        pass
    reader.stats()
    Writer(scene.library).init_channel(scene.channel)  # this is refused, since there is one already
    _let_calls_fail(scene, writer)
    reader.destroy()
    writer.destroy()
    scene.write_and_die(3)
    scene.writer().destroy()
    if scene.library.has("producer_open"):
        _lose_rings(scene)


def _let_calls_fail(scene: Scene, writer: Writer) -> None:
    writer.write(b"")
    absent = Reader(scene.library)
    absent.init_channel(-1)
    absent.wait()
    name = scene.new_name()
    scene.path(name).write_bytes(b"no ring")
    absent.init_channel(2**31 - 1)
    if scene.library.has("producer_open"):
        Writer(scene.library).open(name)
    scene.path(name).unlink()


def _lose_rings(scene: Scene) -> None:
    """Replace a ring, remove another one's name so that it is created again, and give another one's name to a third."""
    name, other = scene.new_name(), scene.new_name()
    scene.write_and_die(3, name, slots=4, slot_size=1000)
    writer = scene.writer(name, slots=5, slot_size=1000)
    scene.path(name).unlink()
    until(lambda: writer.write(FRAME).result != 0 or scene.path(name).exists())
    second = scene.writer(other, slots=5, slot_size=1000)
    scene.path(other).rename(scene.path(name))
    until(lambda: writer.write(FRAME).result != 0)
    writer.destroy()
    second.destroy()
