# SPDX-License-Identifier: Apache-2.0
"""A reader in another language, written from lib/FORMAT.md alone: its steps in order, beside a writer that runs."""

import os
import struct
import time

import pytest
from writers import WATCHDOG_S, Channel, wait_until

ENOUGH = 300


class Reader:
    """Numbers in brackets are the steps of "Reading frame n". Each pread is a system call: none overtakes another."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        magic, version, *_, extension = self.numbers("<8I", 0)
        assert (magic, version) == (0x56494445, 1)
        self.extension = 64 * extension
        extension_magic, _, self.slots, self.slot_size = self.numbers("<4I", self.extension)
        assert extension_magic == 0x31585356
        self.slot_offset, self.slot_stride, self.line_offset = self.numbers("<3Q", self.extension + 16)
        self.next = self.frames()
        self.lost = 0
        self.reach = self.slots

    def numbers(self, layout: str, offset: int) -> tuple[int, ...]:
        return struct.unpack(layout, os.pread(self.descriptor, struct.calcsize(layout), offset))

    def frames(self) -> int:
        return self.numbers("<Q", self.extension + 128)[0]

    def look(self, frame: int) -> bytes | None:
        slot = frame % 2**32 % self.slots
        line, meta = self.line_offset + slot * 64, self.slot_offset + slot * self.slot_stride
        stamp, _, name = self.numbers("<2IQ", line)  # [4]
        if stamp != 2 * (frame + 1) % 2**32 or name != frame:
            return None
        size, sequence = self.numbers("<2I", meta + 8)  # [5]
        if not 0 < size <= self.slot_size:
            return None
        payload = os.pread(self.descriptor, size, meta + 32)
        if self.numbers("<I", line) != (stamp,):  # [6]
            return None
        assert sequence == frame % 2**32
        return payload

    def read(self) -> tuple[int, bytes] | None:
        """Return the next frame that is still whole, with its number, or None if there is none yet."""
        while (frames := self.frames()) > self.next:  # [3]
            oldest = max(self.next, frames - self.reach)
            self.lost += oldest - self.next
            self.next = oldest + 1
            payload = self.look(oldest)
            if payload is not None:
                self.reach = self.slots
                return oldest, payload
            self.lost += 1
            self.reach = max(1, self.reach // 2)
        return None


@pytest.mark.parametrize("fps", [200, 0], ids=["keeps up", "is lapped"])
def test_each_frame_comes_once_whole_and_in_order(channel: Channel, fps: int) -> None:
    writer = channel.start_writer(size=20_000, fps=fps)
    wait_until(channel.ring_path.exists, "the writer makes its ring")
    reader = Reader(os.fspath(channel.ring_path))
    first, last, received, deadline = reader.next, -1, 0, time.monotonic() + WATCHDOG_S
    while received < ENOUGH:
        assert time.monotonic() < deadline, f"{received} frames in {WATCHDOG_S} s"
        if (found := reader.read()) is None:
            time.sleep(0.001)
            continue
        number, payload = found
        assert number > last
        assert payload == bytes([number % 256]) * writer.size
        last, received = number, received + 1
    assert received + reader.lost == last + 1 - first
    os.close(reader.descriptor)
