# SPDX-License-Identifier: Apache-2.0
"""Producer and Consumer: what a program does with them, and what it is told when something is wrong."""

import copy
import errno
import gc
import os
import pickle
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from header import ERRORS

from vshm_ctypes import (
    Codec,
    Consumer,
    Flag,
    FrameOverwritten,
    FrameTooLarge,
    HandleClosed,
    Producer,
    ProducerBusy,
    ProducerClosed,
    ProducerNotRunning,
    State,
    VideoShmError,
    inspect,
    inspect_slots,
    list_rings,
    ring_name,
)
from vshm_ctypes._library import library
from vshm_ctypes.errors import error_for


def test_frames_come_in_order_with_their_metadata(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        for number in range(50):
            payload = bytes([number]) * (number + 1)
            assert producer.write(payload, keyframe=number == 0, codec=Codec.H265, width=640, height=360, fps=25)
            frame = stream.receive(timeout=10)
            assert frame is not None
            assert (frame.data, frame.number, frame.sequence) == (payload, number, number)
            assert (frame.is_keyframe, frame.codec, frame.width, frame.height) == (number == 0, Codec.H265, 640, 360)
            assert frame.fps == 25
            assert 0 < frame.capture_ns <= frame.publish_ns <= time.monotonic_ns()
        assert stream.receive(timeout=0) is None
        assert stream.stats() == (50, 0, 0)


def test_iterating_ends_when_the_producer_closes(ring: str) -> None:
    producer = Producer(ring)
    with Consumer(ring, start="oldest") as stream:
        producer.write(b"one")
        producer.write(b"two")
        producer.close()
        assert [frame.data for frame in stream] == [b"one", b"two"]
        with pytest.raises(ProducerClosed):
            stream.receive()


def test_a_reader_that_was_lapped_is_told_how_many_it_missed(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=100) as producer, Consumer(ring) as stream:
        for number in range(10):
            producer.write(bytes([number]))
        frame = stream.receive(timeout=0)
        assert frame is not None
        assert (frame.number, frame.missed_before) == (6, 6)
        info = stream.info()
        assert info.received + info.missed + info.skipped == info.span == 7


def test_a_borrowed_frame_lies_in_the_ring_and_only_inside_its_block(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        producer.write(b"payload")
        with stream.borrow(timeout=10) as frame:
            assert bytes(frame.data) == b"payload"
            assert frame.data.readonly
            with pytest.raises(VideoShmError, match="a frame is borrowed already"):
                stream.receive(timeout=0)
        with pytest.raises(HandleClosed):
            _ = frame.data


def test_leaving_the_block_says_whether_the_producer_lapped_us(ring: str) -> None:
    with Producer(ring, slots=2, slot_size=100) as producer, Consumer(ring) as stream:
        producer.write(b"old")
        with pytest.raises(FrameOverwritten), stream.borrow(timeout=10):
            for _ in range(4):
                producer.write(b"new")
        while stream.receive(timeout=0) is not None:
            pass
        with pytest.raises(TimeoutError):
            stream.borrow(timeout=0)


def test_a_slice_kept_from_a_borrowed_frame_outlives_consumer_and_ring(ring: str) -> None:
    producer, stream = Producer(ring), Consumer(ring)
    producer.write(b"kept")
    with stream.borrow(timeout=10) as frame:
        kept = frame.data
    stream.close()
    producer.close()
    gc.collect()
    assert bytes(kept) == b"kept"


def test_a_reserved_slot_is_published_or_given_back(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        with producer.reserve() as slot:
            slot.data[:5] = b"fresh"
            with pytest.raises(ProducerBusy):
                producer.reserve()
            slot.commit(5, keyframe=True, capture_ns=7, flags=Flag.CORRUPT)
        with pytest.raises(HandleClosed):
            _ = slot.data
        with producer.reserve():
            pass
        producer.write(b"next")
        first, second = stream.receive(timeout=10), stream.receive(timeout=10)
        assert first is not None
        assert second is not None
        assert (first.data, first.capture_ns, first.flags) == (b"fresh", 7, Flag.CORRUPT | Flag.KEYFRAME)
        assert (second.data, second.number) == (b"next", 1)


def test_a_recovery_point_is_told_from_an_idr_picture(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        for flags in (Flag(0), Flag.RECOVERY_POINT):
            with producer.reserve() as slot:
                slot.commit(5, keyframe=True, flags=flags)
        idr, recovery_point = stream.receive(timeout=10), stream.receive(timeout=10)
        assert idr is not None
        assert recovery_point is not None
        assert (idr.is_keyframe, idr.is_recovery_point) == (True, False)
        assert (recovery_point.is_keyframe, recovery_point.is_recovery_point) == (True, True)
        assert [slot.is_recovery_point for slot in inspect_slots(ring)] == [False, True]
        with producer.reserve() as slot, pytest.raises(ValueError, match="keyframe=True"):
            slot.commit(5, flags=Flag.RECOVERY_POINT)


def test_a_library_older_than_the_recovery_point_writes_without_it(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = library.video_shm_producer_commit

    def older(handle: Any, size: int, meta: Any, timing: Any) -> int:
        if timing._obj.flags & Flag.RECOVERY_POINT:
            raise VideoShmError(errno.EINVAL)
        return commit(handle, size, meta, timing)  # type: ignore[no-any-return]

    monkeypatch.setattr(library, "video_shm_producer_commit", older)
    flags = Flag.RECOVERY_POINT | Flag.CORRUPT
    with Producer(ring) as producer, Consumer(ring) as stream:
        with producer.reserve() as slot:
            slot.commit(5, keyframe=True, capture_ns=7, flags=flags)
        frame = stream.receive(timeout=10)
        assert frame is not None
        assert (frame.capture_ns, frame.flags) == (7, Flag.KEYFRAME | Flag.CORRUPT)


def test_what_is_wrong_is_named(ring: str) -> None:
    with pytest.raises(ProducerNotRunning, match="start its producer"):
        Consumer(ring)
    with Producer(ring, slots=2, slot_size=10) as producer:
        with pytest.raises(ProducerBusy) as busy:
            Producer(ring)
        assert busy.value.pid == os.getpid()
        with pytest.raises(FrameTooLarge):
            producer.write(bytes(11))
        with pytest.raises(ValueError, match="width"):
            producer.write(b"x", width=70000)
        for empty in (b"", bytearray(), memoryview(b"")):
            with pytest.raises(ValueError, match="at least one byte"):
                producer.write(empty)
    with pytest.raises(HandleClosed):
        producer.write(b"x")
    producer.close()
    with pytest.raises(ValueError, match="start must be one of"):
        Consumer(ring, start="yesterday")  # type: ignore[arg-type]


def test_every_error_that_the_header_names_says_what_to_do() -> None:
    assert len(ERRORS) > 12
    # An argument is refused before the library sees it; EINTR is Interrupted, or no error at all.
    for name in set(ERRORS) - {"EINVAL", "EINTR"}:
        number = getattr(errno, name)
        text = str(error_for(number, "/ring"))
        assert os.strerror(number) not in text, name
        assert ": " in text.partition("] ")[2].removesuffix(": '/ring'"), name
        assert text.endswith("'/ring'"), name


def test_any_buffer_can_be_written(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        for data in (b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(bytearray(b"abc"))):
            producer.write(data)
            frame = stream.receive(timeout=10)
            assert frame is not None
            assert frame.data == b"abc"


def test_rings_are_named_by_channel_name_or_slash_name() -> None:
    assert ring_name() == "/video_stream"
    assert ring_name(0) == ring_name("0") == "/video_stream_ch0"
    assert ring_name("front") == ring_name("/front") == "/front"
    for bad in ("", "/", "a/b", "..", -1, "x" * 201):
        with pytest.raises(ValueError):
            ring_name(bad)


def test_a_look_from_outside(ring: str) -> None:
    with Producer(ring, slots=3, slot_size=100) as producer:
        for number in range(5):
            producer.write(b"x" * (number + 1), keyframe=number == 3)
        info = inspect(ring)
        assert (info.state, info.frames, info.keyframes, info.writer_pid) == (State.LIVE, 5, 1, os.getpid())
        assert {slot.number: slot.meta.size for slot in inspect_slots(ring)} == {2: 3, 3: 4, 4: 5}
        assert list_rings()[ring].frames == 5
    assert ring not in list_rings()


def descriptors() -> set[str]:
    return {str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()}


def test_a_forgotten_handle_warns_and_is_closed(ring: str) -> None:
    producer, stream = Producer(ring), Consumer(ring)
    producer.write(b"x")
    stream.receive(timeout=10)
    with pytest.warns(ResourceWarning, match=f"Consumer {ring}.* was never closed"):
        del stream
        gc.collect()
    with pytest.warns(ResourceWarning, match=f"Producer {ring}.* was never closed"):
        del producer
        gc.collect()
    assert ring not in list_rings()
    assert not [path for path in descriptors() if ring in path]


def test_a_forgotten_handle_is_closed_where_warnings_are_errors(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)  # which shows what is raised while an object is freed
    producer, stream = Producer(ring), Consumer(ring)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del stream, producer
        gc.collect()
    assert ring not in list_rings()
    assert not [path for path in descriptors() if ring in path]


def test_a_frame_in_memory_of_others_can_not_be_pickled_or_copied_and_says_what_to_do(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        for _ in range(2):
            producer.write(b"payload", keyframe=True)
        with stream.borrow(timeout=10) as borrowed:
            for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(TypeError, match=r"lies in the ring: take bytes\(frame.data\)"):
                    attempt(borrowed)
        frame = stream.receive_into(bytearray(100), timeout=10)
        with pytest.raises(TypeError, match=r"take bytes\(frame.data\)"):
            pickle.dumps(frame)
        with producer.reserve() as slot:
            for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(TypeError, match=r"lies in the ring: take bytes\(slot.data\)"):
                    attempt(slot)


def test_a_frame_can_be_pickled_and_is_the_same(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        producer.write(b"payload", keyframe=True, width=640)
        frame = stream.receive(timeout=10)
    assert frame is not None
    again = pickle.loads(pickle.dumps(frame))
    assert (again.data, again.meta, again.flags) == (b"payload", frame.meta, frame.flags)
