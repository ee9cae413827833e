# SPDX-License-Identifier: Apache-2.0
"""vshm record: what it writes can be played, from its first picture to its last."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from encoded import FPS, GOP, access_units, decoded
from processes import wait_until_reading
from vshm import vshm
from writers import BUILD, Channel, wait_until, wait_until_stopped
from written_streams import FRAMES, write

from vshm_ctypes import Producer, list_rings
from vshm_ctypes.identity import Identity


@contextmanager
def recording(ring: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """Yield vshm record once it reads."""
    ring_itself = Identity.of(Path(f"/dev/shm{ring}").stat())
    command = [sys.executable, "-m", "vshm_ctypes", "record", ring, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until_reading(process, ring_itself)
            yield process
        finally:
            process.kill()


def await_recorded(timing: Path, number: int) -> None:
    """Wait until a recording that also writes that file has recorded the frame of that number."""
    wait_until(
        lambda: timing.exists() and f'"number": {number},' in timing.read_text(), f"frame {number} is in {timing.name}"
    )


@pytest.mark.parametrize("ending", ["h264", "mp4", "mkv"])
def test_every_frame_is_in_the_file_and_plays(ring: str, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"clip.{ending}"
    with (
        Producer(ring, slots=120) as producer,
        recording(ring, "-o", str(path), "-c", str(FRAMES), "--json") as process,
    ):
        for number in range(FRAMES):
            write(producer, number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    told = json.loads(out)
    assert (told["frames"], told["missed"], told["gaps"], told["ended"]) == (FRAMES, 0, 0, "count")
    pictures = decoded(str(path))
    assert [number for _, number in pictures] == [number % 20 for number in range(FRAMES)]
    if ending == "h264":
        assert path.read_bytes() == b"".join(data for data, _ in access_units(FRAMES))
    else:  # the stream's own times, whenever the frames were written
        assert [time_s for time_s, _ in pictures] == pytest.approx([n / FPS for n in range(FRAMES)], abs=0.002)


@pytest.mark.parametrize(("start", "first"), [("keyframe", 20), ("oldest", 10), ("now", 30)])
def test_it_starts_where_it_is_told_and_at_a_keyframe(ring: str, tmp_path: Path, start: str, first: int) -> None:
    path = tmp_path / "clip.h264"
    with Producer(ring, slots=20) as producer:
        for number in range(25):
            write(producer, number)
        with recording(ring, "-o", str(path), "--from", start) as process:
            for number in range(25, 40):
                write(producer, number)
                time.sleep(0.01)
            producer.close()
            process.communicate(timeout=60)
    assert [number for _, number in decoded(str(path))] == [number % 20 for number in range(first, 40)]


def test_a_gap_is_reported_and_the_file_goes_on_at_a_keyframe(ring: str, tmp_path: Path) -> None:
    path, timing = tmp_path / "clip.mp4", tmp_path / "timing"
    words = ("-o", str(path), "--timing", str(timing), "--json")
    with Producer(ring, slots=4) as producer, recording(ring, *words) as process:
        for number in range(3):
            write(producer, number)
            await_recorded(timing, number)
        process.send_signal(signal.SIGSTOP)
        wait_until_stopped(process.pid)
        for number in range(3, 28):
            write(producer, number)
        process.send_signal(signal.SIGCONT)
        for number in range(28, 35):
            write(producer, number)
            if number >= 30:
                await_recorded(timing, number)
        producer.close()
        out, err = process.communicate(timeout=60)
    told = json.loads(out)
    assert process.returncode == 1
    assert told["missed"] > 15
    assert told["gaps"] == 1
    assert "gap before frame 30" in err
    assert [number for _, number in decoded(str(path))] == [0, 1, 2, 10, 11, 12, 13, 14]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_or_a_service_manager_ends_a_recording_that_plays(ring: str, tmp_path: Path, end: int) -> None:
    path, timing = tmp_path / "clip.mp4", tmp_path / "timing"
    with Producer(ring) as producer, recording(ring, "-o", str(path), "--timing", str(timing)) as process:
        for number in range(15):
            write(producer, number)
        await_recorded(timing, 14)
        process.send_signal(end)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "15 frames" in err
    assert len(decoded(str(path))) == 15


def test_a_killed_recording_plays_up_to_its_last_whole_gop(ring: str, tmp_path: Path) -> None:
    path, timing = tmp_path / "clip.mp4", tmp_path / "timing"
    with Producer(ring) as producer, recording(ring, "-o", str(path), "--timing", str(timing)) as process:
        for number in range(25):
            write(producer, number)
        await_recorded(timing, 24)
        process.kill()
    assert len(decoded(str(path))) >= GOP


def test_a_full_disk_leaves_whole_lines_of_timing(ring: str, small_disk: Path, tmp_path: Path) -> None:
    timing = small_disk / "timing"
    words = ("-o", str(tmp_path / "clip.h264"), "--timing", str(timing), "-t", "60")
    with Producer(ring, slots=4000, slot_size=1000) as producer, recording(ring, *words) as process:
        for number in range(4000):
            producer.write(b"picture", keyframe=number % GOP == 0)
            if process.poll() is not None:
                break
            time.sleep(0.001)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"{timing}: No space left on device" in err
    numbers = [json.loads(line)["number"] for line in timing.read_text().splitlines()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) and len(numbers) > 100


@pytest.mark.parametrize("ending", ["h264", "mp4", "mkv"])
def test_a_full_disk_is_an_error_and_what_was_written_plays(ring: str, small_disk: Path, ending: str) -> None:
    path = small_disk / f"clip.{ending}"
    with Producer(ring, slots=120) as producer, recording(ring, "-o", str(path), "-t", "60") as process:
        for number in range(2000):
            write(producer, number)
            if process.poll() is not None:
                break
            time.sleep(0.002)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"{path}: No space left on device: what is in the file plays; free some space" in err
    assert "Traceback" not in err
    assert len(decoded(str(path), cut=ending != "h264")) >= 4 * GOP
    if ending == "h264":  # no picture is cut in two
        assert path.read_bytes().endswith(tuple(data for data, _ in access_units(FRAMES)))


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_what_is_no_video_is_refused_with_advice_and_leaves_no_file(ring: str, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"clip.{ending}"
    with Producer(ring) as producer:
        producer.write(b"garbage", keyframe=True)
        outcome = vshm("record", ring, "-o", str(path), "-t", "1")
    assert outcome.code == 1
    assert f"frame 0 is none that .{ending} can hold: look at the writer's encoder" in outcome.err
    assert not path.exists()


def test_a_recording_of_nothing_is_a_finding_and_leaves_no_file(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.h264"
    with Producer(ring):
        for _ in range(2):
            outcome = vshm("record", ring, "-o", str(path), "-t", "0.3", "--json")
            assert (outcome.code, outcome.json["frames"]) == (1, 0)
            assert (
                outcome.err == "vshm: nothing was recorded: no frame came; look whether its writer's camera delivers\n"
            )
            assert not path.exists()


def test_a_file_that_is_there_is_not_overwritten_unless_forced(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.h264"
    path.write_text("precious")
    with Producer(ring) as producer:
        write(producer, 0)
        refused = vshm("record", ring, "-o", str(path), "-c", "1")
        assert (refused.code, path.read_text()) == (1, "precious")
        assert f"{path}: it exists: choose another name, or overwrite it with --force" in refused.err
        forced = vshm("record", ring, "-o", str(path), "-c", "1", "--force")
    assert (forced.code, path.read_bytes()) == (0, access_units(FRAMES)[0][0])


def test_a_timing_that_is_there_is_not_overwritten_and_no_half_recording_is_begun(ring: str, tmp_path: Path) -> None:
    path, timing = tmp_path / "clip.h264", tmp_path / "timing"
    timing.write_text("precious")
    words = ("record", ring, "-o", str(path), "--timing", str(timing), "-c", "1")
    with Producer(ring) as producer:
        write(producer, 0)
        refused = vshm(*words)
        assert (refused.code, timing.read_text(), path.exists()) == (1, "precious", False)
        assert f"{timing}: it exists: choose another name, or overwrite it with --force" in refused.err
        assert vshm(*words, "--force").code == 0
        assert json.loads(timing.read_text())["size"] == path.stat().st_size
        assert vshm("record", ring, "-o", str(path), "--timing", str(path), "--force").code == 2
    assert path.read_bytes() == access_units(FRAMES)[0][0]


def test_no_timing_is_made_up_for_a_version_1_writer(channel: Channel, tmp_path: Path) -> None:
    timing = tmp_path / "timing"
    name = f"/{channel.ring_path.name}"
    command = [str(BUILD / "tests" / "v1" / "v1_writer"), "-c", str(channel.number), "-f", "100"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as writer:
        try:
            wait_until(lambda: name in list_rings(), "it writes")
            outcome = vshm("record", name, "-o", str(tmp_path / "clip.h264"), "--timing", str(timing), "-c", "1")
        finally:
            writer.kill()
    assert outcome.code == 1
    assert f"{timing}: a version 1 writer does not say when it published: record it without --timing" in outcome.err
    assert "Traceback" not in outcome.err
    assert not timing.exists()


def test_to_stdout_goes_the_stream_and_nothing_else(ring: str) -> None:
    with Producer(ring) as producer:
        write(producer, 0)
        command = [sys.executable, "-m", "vshm_ctypes", "record", ring, "-o", "-", "-c", "1"]
        out = subprocess.run(command, capture_output=True, timeout=60, check=False).stdout
    assert out == access_units(FRAMES)[0][0]
    assert vshm("record", ring, "-o", "-", "--json").code == 2


def test_a_recording_ends_when_its_time_is_over(ring: str, tmp_path: Path) -> None:
    with Producer(ring) as producer:
        write(producer, 0)
        outcome = vshm("record", ring, "-o", str(tmp_path / "clip.h264"), "-t", "0.5", "--json")
    assert (outcome.code, outcome.json["ended"], outcome.json["frames"]) == (0, "time", 1)


def test_reconnecting_a_recording_goes_on_with_the_next_writer(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.h264"
    first = Producer(ring)
    timing = tmp_path / "timing"
    words = ("-o", str(path), "--timing", str(timing), "-c", "6", "--reconnect", "--json")
    with recording(ring, *words) as process:
        for number in range(3):
            write(first, number)
        await_recorded(timing, 2)
        first.close()
        with Producer(ring) as second:
            wait_until_reading(process, Identity.of(Path(f"/dev/shm{ring}").stat()))
            for number in range(10, 13):
                write(second, number)
            out, err = process.communicate(timeout=60)
    assert json.loads(out)["frames"] == 6
    assert "the stream was interrupted" in err
    assert [number for _, number in decoded(str(path))] == [0, 1, 2, 10, 11, 12]
