# SPDX-License-Identifier: Apache-2.0
"""Scenes of a Python binding and a library: run as a program, with the binding of one build and the library of another.

``python binding_scenes.py SCENE RING [BINDING LIBRARY]`` prints what was broken, and what the binding or the library
lacks, a line each. BINDING, LIBRARY: those that search for what this one publishes, and may lack something too.
"""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

FRAMES = 4
python = [sys.executable, "-S", "-P"]  # without this environment's packages, which have another binding
ENCODED = {"width": 640, "height": 480, "fps": 25}


def expect(what: str, seen: object, expected: object) -> None:
    """Expect that both are the same, else print that they are not."""
    if seen != expected:
        print(f"broken {what}: expected {expected}, seen {seen}", flush=True)


def exchange(binding: Any, ring: str) -> None:
    """Exchange frames, metadata, figures and errors between a writer and its readers."""
    with binding.Producer(ring, slots=8, slot_size=4096) as writer, binding.Consumer(ring) as reader:
        for number in range(FRAMES):
            data = bytes([number + 1]) * (100 + number)
            writer.write(data, keyframe=number == 2, codec=binding.Codec.H265, timestamp_ms=number + 1000, **ENCODED)
        for number in range(FRAMES):
            frame = reader.receive(1)
            expect(f"bytes of frame {number}", bytes(frame), bytes([number + 1]) * (100 + number))
            kind = frame.number, frame.is_keyframe, frame.codec
            expect("its number, keyframe, codec", kind, (number, number == 2, 1))
            told = frame.width, frame.height, frame.fps, frame.timestamp_ms
            expect("its width, height, fps, timestamp_ms", told, (640, 480, 25, number + 1000))
        look(binding, writer, reader)
        expect("a frame for asyncio", asyncio.run(wait(writer, reader)), b"later")
        expect("a second writer", error_of(lambda: binding.Producer(ring)), "ProducerBusy")
    expect("a reader without a ring", error_of(lambda: binding.Consumer(ring)), "ProducerNotRunning")


def lend(binding: Any, ring: str) -> None:
    """Write into a reserved slot, and borrow a frame."""
    with binding.Producer(ring, slots=8, slot_size=4096) as writer, binding.Consumer(ring) as reader:
        slot = writer.reserve()
        slot.data[:3] = b"abc"
        slot.commit(3, capture_ns=77, flags=binding.Flag.CORRUPT)
        with reader.borrow(timeout=1) as frame:
            seen = bytes(frame.data), frame.capture_ns, int(frame.flags), frame.missed_before
            expect("bytes, capture_ns, flags, missed_before of a reserved frame", seen, (b"abc", 77, 4, 0))


def look(binding: Any, writer: Any, reader: Any) -> None:
    """Compare the figures of writer, reader and inspection."""
    inside, outside = writer.info(), binding.inspect(writer.ring)
    expect("frames for the writer and from outside", (inside.frames, outside.frames), (FRAMES, FRAMES))
    told = outside.slots, outside.slot_size, outside.keyframes, outside.dropped, outside.writer_pid, outside.state.name
    expect("slots, slot_size, keyframes, dropped, writer_pid, state", told, (8, 4096, 1, 0, os.getpid(), "LIVE"))
    expect("stats of a reader", reader.stats(), (FRAMES, 0, 0))
    info = reader.info()
    books = info.received, info.missed, info.skipped, info.span
    expect("received, missed, skipped, span", books, (FRAMES, 0, 0, FRAMES))
    expect("numbers in the slots", [slot.number for slot in binding.inspect_slots(writer.ring)], list(range(FRAMES)))
    expect("it is listed", writer.ring in binding.list_rings(), True)
    with binding.Consumer(writer.ring, start="oldest", policy="keyframes") as other:
        expect("the keyframe", other.receive(1).number, 2)


async def wait(writer: Any, reader: Any) -> bytes:
    """Return a frame that comes while a coroutine waits."""
    waiting = asyncio.ensure_future(reader.wait_async(20))
    await asyncio.sleep(0)
    writer.write(b"later")
    return bytes(await waiting)


def error_of(act: Any) -> str:
    """Return the name of the exception that act raises."""
    try:
        act().close()
    except OSError as error:
        return type(error).__name__
    return "no error"


def publish(binding: Any, ring: str) -> None:
    """Publish a reader's counters, and let another build search for them."""
    try:
        from vshm_ctypes.published import list_published
    except ImportError:
        print("lacks readers that publish their counters", flush=True)
        return
    with binding.Producer(ring, slots=8, slot_size=4096) as writer, binding.Consumer(ring, publish=True) as reader:
        received = written = 0
        while received == 0:  # it publishes a few times a second
            writer.write(b"x")
            reader.receive(1)
            written += 1
            received = sum(one.received for one in list_published() if one.ring == ring)
        other = os.environ | {"PYTHONPATH": sys.argv[3], "VSHM_LIBRARY": sys.argv[4]}
        subprocess.run([*python, __file__, "find", ring, str(written), str(received)], env=other, check=True)


def find(binding: Any, ring: str) -> None:
    """Search for such a reader, and compare its counters and the ring's."""
    written, received = map(int, sys.argv[3:])
    seen = binding.inspect(ring)
    expect("frames of the ring", seen.frames, written)
    try:
        from vshm_ctypes.published import list_published
    except ImportError:
        print("misses a look at readers' counters", flush=True)
        return
    found = [(one.inode, one.alive, one.received, one.span) for one in list_published() if one.ring == ring]
    told = [(inode, alive, received <= count <= span) for inode, alive, count, span in found]
    expect("its reader: the ring's inode, alive, frames", told, [(seen.inode, True, True)])
    find_by_command(ring)


def find_by_command(ring: str) -> None:
    """Search with the vshm command."""
    if importlib.util.find_spec("vshm_ctypes.cli") is None:
        print("misses the command vshm", flush=True)
        return
    command = [*python, "-m", "vshm_ctypes", "list", "--json", "-s", "0.1"]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    seen = [(one["state"], one["writer"]["pid"]) for one in json.loads(told)["rings"] if one["name"] == ring]
    expect("state and writer by vshm list", seen, [("live", os.getppid())])


SCENES = {"exchange": exchange, "lend": lend, "publish": publish, "find": find}


def main(scene: str, ring: str) -> None:
    """Play a scene."""
    try:
        import vshm_ctypes

        expect("the binding", str(Path(vshm_ctypes.__file__).parent.parent), os.environ["PYTHONPATH"])
        SCENES[scene](vshm_ctypes, ring)
    except Exception as error:
        # A binding reports a call that its library lacks by ENOSYS; any other error means that they do not fit.
        lacks = type(error).__name__ == "LibraryError" and getattr(error, "errno", 0) == errno.ENOSYS
        print("lacks" if lacks else f"broken {type(error).__name__}:", " ".join(str(error).split()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
