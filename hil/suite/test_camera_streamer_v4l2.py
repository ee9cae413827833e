# SPDX-License-Identifier: Apache-2.0
"""camera-streamer on a real V4L2 device: it is found, listed, read without a copy and recorded, also two at once."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hil.streamer.clock import realtime_offset_ns
from hil.suite.streaming import WATCHDOG_S, frames_in, pictures_in, python, streaming, take, wait_until
from hil.workers.child import Child
from hil.workers.programs import find_program, loaded_library
from vshm_ctypes import Consumer, Flag, Producer, inspect

SECONDS = 10
CHANNEL = "640x360@30,slots=120,slot=128k"


@dataclass
class Result:
    """What a program printed, and its exit code."""

    code: int | None
    out: str
    err: str


def run(ring: str, module: str, *words: str) -> Result:
    with python(ring, module, words) as child:
        return Result(child.wait(WATCHDOG_S), child.output, child.complaints)


def streamer(ring: str, *words: str) -> Result:
    return run(ring, "hil.streamer.main", *words)


def test_the_list_shows_each_camera_with_formats_sizes_and_rates(vivid: Path, ring: str) -> None:
    """camera-streamer --list shows each camera with its formats, sizes and rates.

    Would catch: a driver's format that v4l2py has no name for, and that ends the listing.
    """
    result = streamer(ring, "--list", "--json")
    assert result.code == 0, result.err
    (camera,) = [each for each in json.loads(result.out) if each["path"] == str(vivid)]
    assert (camera["driver"], camera["why_not"]) == ("vivid", None)
    assert camera["bus"].startswith("platform:vivid-")
    offers = {(offer["fourcc"], tuple(offer["least"])): offer["rates"] for offer in camera["formats"]}
    assert {"YU12", "NV12", "YUYV"} <= {fourcc for fourcc, _ in offers}
    assert max(offers["YUYV", (640, 360)]) >= 30
    text = streamer(ring, "--list")
    assert text.code == 0
    assert f"{vivid}  vivid  driver vivid" in text.out
    assert "640x360 at" in text.out


def test_a_camera_that_is_not_there_is_answered_with_those_that_are(vivid: Path, ring: str) -> None:
    """A camera that is not there is refused, with the list of those that are.

    Would catch: an error that leaves the user to guess the camera's name.
    """
    result = streamer(ring, "--device", "nonesuch")
    assert (result.code, result.out) == (1, "")
    assert "nonesuch: no such camera; there is" in result.err
    assert f"{vivid} (vivid, vivid, platform:vivid-" in result.err


@pytest.mark.parametrize("words", ["vivid", "auto", "bus", "path"])
def test_a_camera_is_found_by_whatever_names_it(vivid: Path, words: str) -> None:
    """A camera is found by its driver's name, its bus, its path, and auto.

    Would catch: a name that finds no camera, or another one.
    """
    from hil.streamer.sources.modes import Size, Wanted
    from hil.streamer.sources.v4l2 import V4l2Source
    from hil.suite.vivid import vivid_cameras

    named = {"bus": vivid_cameras()[0].bus, "path": str(vivid)}.get(words, words)
    source = V4l2Source(named, Wanted(Size(640, 360), 30.0))
    source.open()
    try:
        captured = source.read(WATCHDOG_S)
        assert captured is not None
        assert captured.picture is not None
        assert (captured.picture.width, captured.picture.height, source.fps) == (640, 360, 30.0)
        assert str(vivid) in source.name
    finally:
        source.close()


def test_pictures_lie_in_the_drivers_buffers_until_they_are_gone(vivid: Path) -> None:
    """Pictures lie in the driver's own buffers, and can be read even after the camera was closed.

    Would catch: a copy of each picture, which would cost more than handing it to the ring.
    """
    import numpy

    from hil.streamer.sources.modes import Size, Wanted
    from hil.streamer.sources.v4l2 import V4l2Source

    source = V4l2Source(str(vivid), Wanted(Size(640, 360), 30.0, lanes=1))
    source.open()
    buffers: Any = source._buffers
    begins = [numpy.frombuffer(mapping, numpy.uint8).ctypes.data for (mapping,) in buffers.mappings]
    assert len(begins) == 4
    seen, kept = set(), None
    for _ in range(20):  # more than there are buffers: each comes back
        captured = source.read(WATCHDOG_S)
        assert captured is not None
        kept = captured.picture
        assert kept is not None
        seen.add(kept.planes[0].buffer_ptr)
    assert seen <= set(begins)
    assert len(seen) > 1
    assert kept is not None
    before = bytes(kept.planes[0])
    del buffers
    source.close()
    assert bytes(kept.planes[0]) == before


def decoded(path: Path) -> int:
    import av

    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return sum(1 for _ in container.decode(video=0))


def maps(pid: int, ring: str) -> bool:
    return ring in Path(f"/proc/{pid}/maps").read_text()


@contextmanager
def recording(ring: str, by_c: Path, by_vshm: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Child]]:
    """Record with the C consumer and vshm record, both started before the writer, so that they get its first frame."""
    c_words = [str(find_program("video_consumer", loaded_library())), "-n", ring, "-o", str(by_c), "-s"]
    words = ["record", ring, "-o", str(by_vshm), "--from", "oldest", "--reconnect", "--json"]
    with ExitStack() as stack:
        with Producer(ring):
            in_c = subprocess.Popen(c_words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(in_c.kill)
            in_python = stack.enter_context(python(ring, "vshm_ctypes.cli.main", words))
            wait_until(lambda: maps(in_c.pid, ring) and maps(in_python.pid, ring), "both are there")
        yield in_c, in_python


def test_what_is_recorded_decodes_whole_and_is_as_long_as_the_books(vivid: Path, ring: str, tmp_path: Path) -> None:
    """Recordings in C and in Python decode to their ends, and have as many pictures as were written.

    Would catch: a frame that is lost or torn between driver and file.
    """
    by_c, by_vshm = tmp_path / "c.h264", tmp_path / "vshm.h264"
    with recording(ring, by_c, by_vshm) as (in_c, in_python):
        with streaming(ring, "--device", str(vivid), "--channel", f"{ring}:{CHANNEL}") as streamer:
            begin, frames = time.monotonic(), frames_in(ring)
            time.sleep(SECONDS)
            print(f"{(frames_in(ring) - frames) / (time.monotonic() - begin):.2f} fps written")
            streamer.end()
        books = streamer.books(ring)
        for path in (by_c, by_vshm):
            wait_until(lambda path=path: path.stat().st_size >= books["written_bytes"], f"all is in {path.name}")  # type: ignore[misc]
        for process in (in_c, in_python):
            os.kill(process.pid, signal.SIGINT)
        assert (in_c.wait(WATCHDOG_S), in_python.wait(WATCHDOG_S)) == (0, 0), in_python.complaints
        recorded = json.loads(in_python.output)
    assert books["imbalance"] is None
    assert books["refused"] == books["ring_dropped"] == books["source_error"] == 0
    assert decoded(by_c) == decoded(by_vshm) == books["written"] == recorded["frames"]


def test_the_drivers_clock_dates_the_pictures_and_show_says_so(vivid: Path, ring: str) -> None:
    """Frames carry the driver's time of capture, and vshm show says that it is the driver's.

    Would catch: a time of dequeue or of writing that passes for one of capture.
    """
    with streaming(ring, "--device", str(vivid), "--channel", f"{ring}:{CHANNEL}") as streamer:
        with Consumer(ring) as stream:
            frames = take(stream, 10)
        shown = json.loads(run(ring, "vshm_ctypes.cli.main", "show", ring, "--json", "--seconds", "0.5").out)
        streamer.end()
    assert shown["capture_time"] == "driver"
    for frame in frames:
        assert frame.flags & Flag.CAPTURE_DRIVER
        assert 0 <= frame.publish_ns - frame.capture_ns < 2_000_000_000
        wall_ms = (realtime_offset_ns() + frame.capture_ns) // 1_000_000
        assert abs(frame.timestamp_ms - wall_ms) <= 50
    assert streamer.camera["own_times"] == 0


@pytest.mark.timed  # alone, since it takes another worker's camera too
@pytest.mark.vivids(2)
def test_two_cameras_stream_to_two_channels_at_once(vivid_paths: list[Path], ring: str) -> None:
    """Two cameras stream to two rings at once.

    Would catch: a camera-streamer that takes another one's ring or camera.
    """
    rings = [f"{ring}_{number}" for number in range(2)]
    small = "320x180@15,slots=120,slot=128k"
    with (
        streaming(rings[0], "--device", str(vivid_paths[0]), "--channel", f"{rings[0]}:{small}") as first,
        streaming(rings[1], "--device", str(vivid_paths[1]), "--channel", f"{rings[1]}:{small},codec=jpeg") as second,
        Consumer(rings[0], start="keyframe") as one,
        Consumer(rings[1]) as other,
    ):
        frames = [take(stream, 60) for stream in (one, other)]
        assert inspect(rings[0]).writer_pid != inspect(rings[1]).writer_pid
        for streamer in (first, second):
            streamer.end()
    assert [pictures_in(each) for each in frames] == [60, 60]
    for streamer, name in ((first, rings[0]), (second, rings[1])):
        assert streamer.books(name)["imbalance"] is None
        assert streamer.books(name)["written"] >= 60


def test_one_capture_feeds_several_channels(vivid: Path, ring: str) -> None:
    """One capture feeds several channels, each with its own size, rate and codec.

    Would catch: a channel that takes pictures away from another one.
    """
    small = f"{ring}_small"
    words = ["--channel", f"{ring}:{CHANNEL}", "--channel", f"{small}:320x180@10,codec=jpeg,slots=120,slot=128k"]
    with (
        streaming(small, "--device", str(vivid), *words) as streamer,
        Consumer(ring, start="keyframe") as large_stream,
        Consumer(small) as small_stream,
    ):
        large, little = take(large_stream, 60), take(small_stream, 20)
        streamer.end()
    assert (large[0].width, little[0].width, little[0].fps) == (640, 320, 10)
    assert pictures_in(large) == 60
    assert pictures_in(little) == 20
    for name in (ring, small):
        assert streamer.books(name)["imbalance"] is None
