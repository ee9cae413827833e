# SPDX-License-Identifier: Apache-2.0
"""camera-streamer as a process, on the test pattern and on files: what it promises to readers, and how it ends."""

import itertools
import json
import signal
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any

import av
import pytest
from streamers import TIMEOUT_S, command, end, numbers, streaming, take
from writers import SHARED_MEMORY, wait_until

from hil.streamer.ledger import read_ledger
from hil.streamer.sources import barcode
from vshm_ctypes import Codec, Consumer, ProducerClosed, inspect


@pytest.mark.parametrize("codec", ["h264", "h265", "jpeg"])
def test_every_picture_of_the_pattern_arrives(ring: str, codec: str) -> None:
    with streaming(ring, "--device", "testsrc:320x240@30", "--channel", f"{ring}:codec={codec}", "--stats") as process:
        with Consumer(ring, start="keyframe") as stream:
            frames = take(stream, 60)
        books = end(process)[ring]
    found = [number or 0 for number in numbers(frames)]
    assert len(found) == 60
    assert all(later > earlier for earlier, later in itertools.pairwise(found))
    assert books["encoder_dropped"] >= found[-1] - found[0] - 59  # what is not there gave way to something newer
    assert (frames[0].width, frames[0].height, frames[0].fps) == (320, 240, 30)
    assert frames[0].is_keyframe
    assert books["imbalance"] is None
    assert books["refused"] == books["source_error"] == books["ring_dropped"] == 0
    assert books["ring_cpu_us_per_frame"] > 0
    assert 0 < books["ring_cpu_share"] < 1
    assert 30 * 512 * 1024 < books["ring_bytes"] < 16_000_000


def test_times_are_those_of_the_capture(ring: str) -> None:
    with streaming(ring, "--device", "testsrc:320x240@30", "--channel", f"{ring}:", "--stats") as process:
        with Consumer(ring) as stream:
            frames = take(stream, 10)
        end(process)
    for frame in frames:
        assert frame.capture_ns <= frame.publish_ns <= time.monotonic_ns()
        wall_ms = (time.time_ns() - time.monotonic_ns() + frame.capture_ns) // 1_000_000
        assert abs(frame.timestamp_ms - wall_ms) <= 5
    assert [frame.number for frame in frames] == list(range(frames[0].number, frames[0].number + 10))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing(ring: str, number: signal.Signals) -> None:
    before = {path.name for path in SHARED_MEMORY.iterdir()}
    words = ["--device", "testsrc:320x240@30", "--channel", f"{ring}:", "--stats"]
    with streaming(ring, *words) as process, Consumer(ring) as stream:
        take(stream, 3)
        end(process, number)
        with pytest.raises(ProducerClosed):
            while True:
                stream.receive(timeout=TIMEOUT_S)
    assert not [path for path in SHARED_MEMORY.iterdir() if ring[1:] in path.name and path.name not in before]


def test_sigusr1_forces_a_keyframe(ring: str) -> None:
    words = ["--device", "testsrc:320x240@30", "--channel", f"{ring}:gop=1000", "--stats"]
    with streaming(ring, *words) as process:
        with Consumer(ring) as stream:
            take(stream, 5)
            process.send_signal(signal.SIGUSR1)
            while not take(stream, 1)[0].is_keyframe:
                pass
        end(process)


def test_several_channels_have_their_own_size_rate_and_codec(ring: str) -> None:
    small = f"{ring}_small"
    words = ["--channel", f"{ring}:gop=10", "--channel", f"{small}:160x120@10,codec=jpeg,slots=8,slot=64k"]
    with streaming(small, "--device", "testsrc:320x240@30", *words, "--stats") as process:
        with Consumer(ring, start="keyframe") as first, Consumer(small) as second:
            large_frames, small_frames = take(first, 30), take(second, 10)
        books = end(process)
    assert (small_frames[0].width, small_frames[0].height, small_frames[0].codec) == (160, 120, Codec.JPEG)
    assert numbers(large_frames)[0] is not None
    found = [number or 0 for number in numbers(small_frames)]
    assert all(2 <= later - earlier <= 4 for earlier, later in itertools.pairwise(found))
    assert books[small]["written"] == pytest.approx(books[ring]["written"] / 3, abs=3)
    assert {books[name]["imbalance"] for name in (ring, small)} == {None}


def test_the_ledger_agrees_with_what_readers_got(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    words = ["--device", "testsrc:320x240@30", "--channel", f"{ring}:", "--ledger", str(path), "--stats"]
    with streaming(ring, *words) as process:
        with Consumer(ring, start="oldest") as stream:
            frames = take(stream, 20)
        books = end(process)[ring]
    records = {record.number: record for record in read_ledger(path)}
    assert len(records) == books["written"]
    for frame in frames:
        record = records[frame.number]
        assert (record.crc32, record.size) == (zlib.crc32(frame.data), frame.size)
        assert record.capture_ns == frame.capture_ns <= record.entry_ns <= frame.publish_ns
        assert (record.result, record.channel) == ("written", ring)
    assert numbers(frames) == [
        records[frame.number].v4l2_sequence for frame in frames
    ]  # from the pattern to the reader


def test_a_frame_larger_than_a_slot_is_refused_counted_and_advised(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    words = ["--device", "testsrc:640x480@30", "--channel", f"{ring}:codec=jpeg,quality=100,slot=4k", "--stats"]
    words += ["--ledger", str(path)]
    with subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(
                lambda: (SHARED_MEMORY / ring[1:]).exists() and inspect(ring).dropped_too_large > 2,
                "frames are refused",
            )
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
    books = json.loads(out)["channels"][ring]
    assert books["refused"] > 2
    assert books["written"] == 0
    assert books["imbalance"] is None
    assert err.count("does not fit into a slot of 4096: lower the bitrate") == 1
    records = list(read_ledger(path))
    assert len(records) == books["refused"]
    assert {(record.result, record.number) for record in records} == {("refused", -1)}


def test_a_slow_encoder_drops_the_older_picture_and_counts_it(ring: str) -> None:
    words = ["--device", "testsrc:1280x720@500", "--channel", f"{ring}:codec=h265", "--stats"]
    with streaming(ring, *words) as process:
        with Consumer(ring, start="keyframe") as stream:
            frames = take(stream, 15)
        books = end(process)[ring]
    assert books["encoder_dropped"] > 0
    assert books["imbalance"] is None
    found = [number or 0 for number in numbers(frames)]
    assert found == sorted(found)


def test_a_file_is_streamed_to_its_end(ring: str, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mkv"
    with av.open(str(clip), "w") as container:
        output: Any = container.add_stream("libx264", rate=20)
        output.width, output.height, output.pix_fmt = 320, 240, "yuv420p"
        for number in range(30):
            picture = av.VideoFrame(320, 240, "yuv420p")
            luma: Any = picture.to_ndarray()
            luma[:] = 128
            barcode.draw(luma[:240], number)
            container.mux(output.encode(av.VideoFrame.from_ndarray(luma, format="yuv420p")))
        container.mux(output.encode(None))
    words = ["--device", f"file:{clip}", "--channel", f"{ring}:slots=60", "--stats"]
    with streaming(ring, *words) as process:
        with Consumer(ring, start="oldest") as stream:
            frames = list(stream)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    books = json.loads(out)["channels"][ring]
    found = [number or 0 for number in numbers(frames)]
    assert found[-1] == 29
    assert len(found) == books["written"] == 30 - books["encoder_dropped"]
    assert found == sorted(set(found))


def test_a_taken_ring_is_named_with_its_writers_pid(ring: str) -> None:
    words = ["--device", "testsrc:320x240@30", "--channel", f"{ring}:", "--stats"]
    with streaming(ring, *words) as process:
        second = subprocess.run(command(*words), capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        assert second.returncode == 1
        assert f"{ring}: another producer, {process.pid} (hil.streamer), holds this ring" in second.stderr
        end(process)


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--device", "nonesuch"], 1, "nonesuch: no such camera"),
        (["--device", "file:/nowhere.mp4"], 1, "/nowhere.mp4"),
        (["--channel", "0:8x8"], 2, "from 16 to 8192"),
        (["--channel", "0:", "--channel", "0:"], 2, "two channels for one ring"),
        (["--codec", "vp9"], 2, "invalid choice"),
        (["--config", "/nowhere.toml"], 1, "No such file"),
    ],
)
def test_what_can_not_be_is_said_at_once(words: list[str], code: int, why: str) -> None:
    result = subprocess.run(command(*words), capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (result.returncode, result.stdout) == (code, "")
    assert why in result.stderr
    assert "Traceback" not in result.stderr


def test_the_log_is_json_where_it_is_asked_for(ring: str) -> None:
    words = ["--device", "testsrc:320x240@30", "--channel", f"{ring}:", "--log-format", "json"]
    with streaming(ring, *words) as process:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIMEOUT_S)
    events = [json.loads(line) for line in err.splitlines()]
    assert {"time", "level", "event"} == set(events[0])
    assert any("libx264" in event["event"] for event in events)
    assert len(events) < 10
