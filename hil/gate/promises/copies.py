# SPDX-License-Identifier: Apache-2.0
"""The promise about a reader's copies: it never gives out one that its writer has run into."""

from __future__ import annotations

import ctypes
import mmap
import signal
from collections.abc import Callable
from functools import partial

from .handlers import Handler, handle
from .raw import Guarded, Meta
from .scene import Scene, promise
from .sides import NO_WAIT, Reader, Writer

PAGE = mmap.PAGESIZE
PAGES = 32
SLOTS = 6
NO_ACCESS = 0  # PROT_NONE, which mmap does not have


class _Halting:
    """Memory for a frame, of which one page is out of reach: whoever copies to it is halted there, by SIGSEGV.

    So the copy is interrupted where one wants it, however busy the host is.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, PAGES * PAGE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._libc = ctypes.CDLL(None)
        self._libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self._handler = Handler(self._halted)  # kept, since the kernel keeps its address
        self.halts = 0

    def arm(self, page: int, meanwhile: Callable[[], None]) -> None:
        """Halt the next access to a page, once, and call meanwhile before it goes on."""
        self._place, self._meanwhile, self.halts = self.address + page * PAGE, meanwhile, 0
        handle(signal.SIGSEGV, self._handler)
        self._libc.mprotect(self._place, PAGE, NO_ACCESS)

    def _halted(self, number: int) -> None:
        handle(signal.SIGSEGV, None)  # the next one is a crash
        self._libc.mprotect(self._place, PAGE, mmap.PROT_READ | mmap.PROT_WRITE)
        self.halts += 1
        self._meanwhile()

    def content(self) -> bytes:
        """Return all of it."""
        return self._memory[:]


@promise
def keeps_back_what_was_overwritten_meanwhile(scene: Scene) -> None:
    """A reader that is stopped in the middle of a copy and lapped never returns bytes of two frames."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=SLOTS, slot_size=PAGES * PAGE), scene.reader(name)
    halting = _Halting()

    def write(frames: int) -> None:
        for _ in range(frames):
            writer.write(_payload(writer.info().frames))

    def one_more_begun() -> None:
        write(SLOTS - 1)
        writer.reserve()

    for page in (0, PAGES // 2, PAGES - 1):
        for later in (0, 1, SLOTS - 1, SLOTS, SLOTS + 1, 3 * SLOTS):
            goes_on = later - SLOTS // 2 if later >= SLOTS else 0
            _ask(scene, writer, reader, halting, page, f"{later} frames", partial(write, later), goes_on)
        _ask(scene, writer, reader, halting, page, "a begun frame", one_more_begun, SLOTS - 1 - SLOTS // 2)
        writer.abort()


def _ask(
    scene: Scene,
    writer: Writer,
    reader: Reader,
    halting: _Halting,
    page: int,
    called: str,
    meanwhile: Callable[[], None],
    goes_on: int,
) -> None:
    """Ask what a copy returns that was halted at a page while something else happened.

    called: what happened. goes_on: how many frames later than the one copied it must be.
    """
    reader.numbers()
    first, meta = writer.info().frames, Guarded(Meta)
    writer.write(_payload(first))
    halting.arm(page, meanwhile)
    size = scene.library("consumer_receive", reader.handle, halting.address, PAGES * PAGE, meta, NO_WAIT).result
    where = f"with a copy that was halted at page {page} of {PAGES} for {called}"
    scene.need(f"halts {where}", halting.halts, 1)
    scene.expect(f"size {where}", size, PAGES * PAGE)
    got = meta.value.sequence
    scene.expect(f"frames further {where}", got - first, goes_on)
    scene.expect(f"bytes {where}: they are the frame's", halting.content() == _payload(got), True)
    info = reader.info()
    scene.expect(f"received + missed {where}", info.received + info.missed, info.span)


def _payload(frame: int) -> bytes:
    return bytes([frame % 251]) * (PAGES * PAGE)
