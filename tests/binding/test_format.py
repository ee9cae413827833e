# SPDX-License-Identifier: Apache-2.0
"""A live ring of the library, read with os.pread and struct and nothing of ours, byte for byte as the format says."""

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ring_bytes import (
    EXTENSION_BYTES,
    EXTENSION_MAGIC,
    EXTENSION_UNIT,
    FLAG_DISCONTINUITY,
    FLAG_KEYFRAME,
    LINE_BYTES,
    NO_FRAME,
    SLOT_BYTES,
    SLOTS,
    STATE_CLOSED,
    STATE_LIVE,
    V1_BYTES,
    Ring,
)
from writers import Channel, Writer, wait_until

FRAMES_AT_LEAST = 65  # twice round and a bit
KEYFRAME_INTERVAL = 30


def wait_for_frames(channel: Channel, writer: Writer, count: int) -> Ring:
    """Return the ring once count frames or more are written, with the writer stopped between two frames."""
    wait_until(channel.ring_path.exists, "the writer makes its ring")
    ring = Ring(channel.ring_path)
    wait_until(lambda: ring.header.frame_count >= count, f"{count} frames are written")
    writer.pause()
    while any(slot.line.stamp % 2 for slot in ring.slots()):
        writer.resume()
        time.sleep(0.001)
        writer.pause()
    return ring


@pytest.fixture
def writer(channel: Channel) -> Writer:
    return channel.start_writer()


@pytest.fixture
def started_ns() -> int:
    return time.monotonic_ns()


@pytest.fixture
def ring(started_ns: int, channel: Channel, writer: Writer) -> Iterator[Ring]:
    live = wait_for_frames(channel, writer, FRAMES_AT_LEAST)
    yield live
    live.close()


def test_header_has_every_word_where_version_1_has_it(ring: Ring) -> None:
    words = struct.unpack("<16I", ring.read(64, 0))
    frames = ring.extension.frames
    assert words[0] == 0x56494445
    assert words[1] == 1
    assert words[2] % SLOTS == frames % SLOTS
    assert words[4] == frames >= FRAMES_AT_LEAST
    assert words[5] == 0
    assert words[6] == 0  # a writer is no reader
    assert words[7] * EXTENSION_UNIT == V1_BYTES
    assert words[8:] == (0,) * 8


def test_extension_describes_the_version_1_geometry(ring: Ring) -> None:
    extension = ring.extension
    assert extension.magic == EXTENSION_MAGIC
    assert extension.size == EXTENSION_BYTES
    assert (extension.slots, extension.slot_size) == (SLOTS, SLOT_BYTES)
    assert (extension.slot_offset, extension.slot_stride) == (64, 32 + SLOT_BYTES)
    assert extension.line_offset == V1_BYTES + EXTENSION_BYTES
    assert extension.object_size == extension.line_offset + SLOTS * LINE_BYTES == ring.object_bytes
    assert extension.first_frame == 0
    assert extension.media == 0
    assert extension.reserved == bytes(len(extension.reserved))


def test_extension_names_the_writer_beyond_doubt(ring: Ring, writer: Writer) -> None:
    stat = Path(f"/proc/{writer.pid}/stat").read_text().rpartition(") ")[2].split()
    extension = ring.extension
    assert extension.epoch == 1
    assert extension.state == STATE_LIVE
    assert extension.writer_pid == writer.pid
    assert extension.writer_start == int(stat[22 - 3])
    assert extension.writer_pid_ns == Path(f"/proc/{writer.pid}/ns/pid").stat().st_ino
    assert extension.v1_signals in (0, 1)
    assert (extension.remade, extension.rearmed) == (0, 0)


def test_counters_are_64_bit_and_agree(ring: Ring, writer: Writer) -> None:
    extension = ring.extension
    frames = extension.frames
    assert extension.keyframes == -(-frames // KEYFRAME_INTERVAL)
    assert extension.payload_bytes == frames * writer.size
    assert extension.signal >= frames
    assert (extension.dropped_busy, extension.dropped_too_large, extension.dropped_no_space) == (0, 0, 0)


def test_each_slot_holds_the_frame_that_its_place_says(ring: Ring) -> None:
    write_idx, frames = ring.header.write_idx, ring.extension.frames
    for age in range(1, SLOTS + 1):
        frame, slot = frames - age, ring.slot((write_idx - age) % 2**32 % SLOTS)
        assert slot.line.frame == frame
        assert slot.line.stamp == 2 * (frame + 1)
        assert slot.meta.sequence == frame


def test_metadata_of_every_slot(ring: Ring, writer: Writer) -> None:
    for slot in ring.slots():
        is_keyframe = slot.line.frame % KEYFRAME_INTERVAL == 0
        assert slot.meta.size == writer.size
        assert (slot.meta.is_keyframe, slot.meta.codec) == (is_keyframe, 0)
        assert (slot.meta.width, slot.meta.height, slot.meta.fps) == (1920, 1080, 30)
        assert slot.meta.reserved == bytes(9)
        assert bool(slot.line.flags & FLAG_KEYFRAME) == is_keyframe
        assert slot.line.flags & ~FLAG_KEYFRAME == 0
        assert slot.line.keyframes == slot.line.frame // KEYFRAME_INTERVAL + 1
        assert slot.line.reserved == bytes(24)


def test_payload_follows_its_metadata(ring: Ring, writer: Writer) -> None:
    for slot in ring.slots():
        assert slot.payload == bytes([slot.line.frame % 256]) * writer.size


def test_times_are_monotonic_and_lie_between_start_and_now(ring: Ring, started_ns: int) -> None:
    slots, now_ns = ring.whole_slots(), time.monotonic_ns()
    published = [slot.line.publish_ns for slot in slots]
    assert published == sorted(published)
    assert started_ns < published[0] and published[-1] < now_ns
    for slot in slots:
        assert started_ns < slot.line.capture_ns <= slot.line.publish_ns


def test_wall_clock_is_capture_time_and_offset(ring: Ring) -> None:
    # Two clocks can't be read at once; a minute is far more than a stall and far less than any wrong unit or sign.
    offset_ns = time.time_ns() - time.monotonic_ns()
    assert abs(ring.extension.realtime_offset_ns - offset_ns) < 60e9
    for slot in ring.slots():
        wall_ms = (slot.line.capture_ns + ring.extension.realtime_offset_ns) // 1_000_000
        assert abs(slot.meta.timestamp_ms - wall_ms) < 60_000


def test_slots_never_written_are_zero(channel: Channel) -> None:
    writer = channel.start_writer(fps=2)
    ring = wait_for_frames(channel, writer, 1)
    written = ring.extension.frames
    assert written < SLOTS
    for slot in ring.slots()[written:]:
        assert (slot.line.stamp, slot.line.frame) == (0, NO_FRAME)
        assert ring.read(32, 64 + slot.index * (32 + SLOT_BYTES)) == bytes(32)
    ring.close()


def test_clean_end_says_closed_and_leaves_no_name(ring: Ring, channel: Channel, writer: Writer) -> None:
    before = ring.extension
    assert writer.finish() == 0
    after = ring.extension
    assert after.state == STATE_CLOSED
    assert after.signal != before.signal
    assert channel.paths == []


def test_restart_goes_on_in_the_same_object(ring: Ring, channel: Channel, writer: Writer) -> None:
    before, inode = ring.extension, channel.ring_path.stat().st_ino
    writer.kill()
    successor = channel.start_writer()
    again = wait_for_frames(channel, successor, before.frames + 5)
    assert channel.ring_path.stat().st_ino == inode
    assert again.extension.epoch == before.epoch + 1
    assert again.extension.writer_pid == successor.pid
    first = next(slot for slot in again.whole_slots() if slot.line.frame == before.frames)
    assert first.line.flags & FLAG_DISCONTINUITY
    assert first.meta.sequence == before.frames
    again.close()


def test_numbers_go_on_over_32_bits(ring: Ring, channel: Channel, writer: Writer) -> None:
    start = 2**32 - 5
    writer.kill()
    offset = ring.extension_offset
    patch = Ring(channel.ring_path, os.O_RDWR)
    patch.write(struct.pack("<I", start), 8)
    patch.write(struct.pack("<I", start), 16)
    patch.write(struct.pack("<Q", start), offset + 128)
    patch.close()

    successor = channel.start_writer()
    wait_until(lambda: ring.extension.frames >= 2**32 + 3, "the writer gets past 2^32 frames")
    successor.pause()
    header, extension = ring.header, ring.extension
    assert extension.frames > 2**32
    assert header.frame_count == header.write_idx == extension.frames % 2**32
    newest = [slot for slot in ring.whole_slots() if slot.line.frame >= start]
    assert newest[-1].line.frame == extension.frames - 1 >= 2**32
    for slot in newest:
        low_bits = slot.line.frame % 2**32
        assert (slot.index, slot.meta.sequence) == (low_bits % SLOTS, low_bits)
