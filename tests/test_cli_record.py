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
from encoded import FPS, GOP, HEIGHT, WIDTH, access_units, decoded
from vshm import vshm
from writers import wait_until

from vshm_ctypes import Producer
from vshm_ctypes.processes import find_users

FRAMES = 60
FRAME_NS = 1_000_000_000 // FPS


def write(producer: Producer, number: int) -> None:
    """Picture number, captured when it is its turn, whenever it is written."""
    data, keyframe = access_units(FRAMES)[number]
    with producer.reserve() as slot:
        slot.data[: len(data)] = data
        capture_ns = 1_000_000_000 + number * FRAME_NS
        slot.commit(len(data), keyframe=keyframe, width=WIDTH, height=HEIGHT, fps=FPS, capture_ns=capture_ns)


@contextmanager
def recording(ring: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """vshm record, once it reads."""
    inode = Path(f"/dev/shm{ring}").stat().st_ino
    command = [sys.executable, "-m", "vshm_ctypes", "record", ring, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: any(user.pid == process.pid for user in find_users().of(inode)), "it joins the ring")
            time.sleep(0.2)  # it is joined before it opens its file
            yield process
        finally:
            process.kill()


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
    path = tmp_path / "clip.mp4"
    with Producer(ring, slots=4) as producer, recording(ring, "-o", str(path), "--json") as process:
        for number in range(3):
            write(producer, number)
            time.sleep(0.05)
        process.send_signal(signal.SIGSTOP)
        for number in range(3, 28):
            write(producer, number)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        for number in range(28, 35):
            write(producer, number)
            time.sleep(0.05)
        producer.close()
        out, err = process.communicate(timeout=60)
    told = json.loads(out)
    assert process.returncode == 1
    assert told["missed"] > 15
    assert told["gaps"] == 1
    assert "gap before frame 30" in err
    assert [number for _, number in decoded(str(path))] == [0, 1, 2, 10, 11, 12, 13, 14]


def test_ctrl_c_ends_a_recording_that_plays(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with Producer(ring) as producer, recording(ring, "-o", str(path)) as process:
        for number in range(15):
            write(producer, number)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "15 frames" in err
    assert len(decoded(str(path))) == 15


def test_a_killed_recording_plays_up_to_its_last_whole_gop(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with Producer(ring) as producer, recording(ring, "-o", str(path)) as process:
        for number in range(25):
            write(producer, number)
        time.sleep(0.5)
        process.kill()
    assert len(decoded(str(path))) >= GOP


@pytest.mark.parametrize(("ending", "limit"), [("h264", 1200), ("mp4", 2500)])
def test_a_full_disk_is_an_error_and_what_was_written_plays(ring: str, tmp_path: Path, ending: str, limit: int) -> None:
    path = tmp_path / f"clip.{ending}"
    inner = f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    inner += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    inner += "from vshm_ctypes.cli.main import main; sys.exit(main(sys.argv[1:]))"
    with Producer(ring, slots=120) as producer:
        for number in range(FRAMES):
            write(producer, number)
        command = [sys.executable, "-c", inner, "record", ring, "-o", str(path), "--from", "oldest", "-t", "2"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "File too large" in result.stderr
    assert path.stat().st_size <= limit
    assert GOP <= len(decoded(str(path), cut=ending == "mp4")) < FRAMES


def test_a_file_that_is_there_is_not_overwritten_unless_forced(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.h264"
    path.write_text("precious")
    with Producer(ring) as producer:
        write(producer, 0)
        refused = vshm("record", ring, "-o", str(path), "-c", "1")
        assert (refused.code, path.read_text()) == (1, "precious")
        assert "exists" in refused.err
        forced = vshm("record", ring, "-o", str(path), "-c", "1", "--force")
    assert (forced.code, path.read_bytes()) == (0, access_units(FRAMES)[0][0])


def test_to_stdout_goes_the_stream_and_nothing_else(ring: str) -> None:
    with Producer(ring) as producer:
        write(producer, 0)
        command = [sys.executable, "-m", "vshm_ctypes", "record", ring, "-o", "-", "-c", "1"]
        out = subprocess.run(command, capture_output=True, timeout=60, check=False).stdout
    assert out == access_units(FRAMES)[0][0]
    assert vshm("record", ring, "-o", "-", "--json").code in (2, 3)


def test_a_recording_ends_when_its_time_is_over(ring: str, tmp_path: Path) -> None:
    with Producer(ring) as producer:
        write(producer, 0)
        outcome = vshm("record", ring, "-o", str(tmp_path / "clip.h264"), "-t", "0.5", "--json")
    assert (outcome.code, outcome.json["ended"], outcome.json["frames"]) == (0, "time", 1)


def test_reconnecting_a_recording_goes_on_with_the_next_writer(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.h264"
    first = Producer(ring)
    with recording(ring, "-o", str(path), "-c", "6", "--reconnect", "--json") as process:
        for number in range(3):
            write(first, number)
        time.sleep(0.2)
        first.close()
        with Producer(ring) as second:
            time.sleep(0.5)
            for number in range(10, 13):
                write(second, number)
            out, err = process.communicate(timeout=60)
    assert json.loads(out)["frames"] == 6
    assert "the stream was interrupted" in err
    assert [number for _, number in decoded(str(path))] == [0, 1, 2, 10, 11, 12]
