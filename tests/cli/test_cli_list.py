# SPDX-License-Identifier: Apache-2.0
"""vshm list and show: what is said of a ring, and that looking changes nothing."""

import os
import re
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from children import running
from hosts import ANOTHER_USER
from vshm import Camera, payload, vshm
from writers import BUILD, SHARED_MEMORY, Channel, wait_until

from vshm_ctypes import Consumer, Flag, Producer, inspect, list_rings
from vshm_ctypes.cli.survey import survey_one
from vshm_ctypes.processes import find_users
from vshm_ctypes.published import list_published

MAPS = """
import mmap, sys
with open(sys.argv[1], "r+b") as file:
    kept = mmap.mmap(file.fileno(), 4096)
print(flush=True)
sys.stdin.read()
"""


def listed(name: str) -> dict[str, Any]:
    (ring,) = [ring for ring in vshm("list", "--json").json["rings"] if ring["name"] == name]
    return dict(ring)


def listed_once(name: str, is_so: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
    """Return what list tells once it is so: a busy camera pauses, and who looks at all rings reads each."""
    told: list[dict[str, Any]] = []

    def are_told() -> bool:
        told.append(listed(name))
        return is_so(told[-1])

    wait_until(are_told, what)
    return told[-1]


def is_read_here(line: dict[str, Any]) -> bool:
    """Whether this process is told as a reader of the ring; others of the machine may look at it for a moment."""
    return os.getpid() in [process["pid"] for process in line["readers"]]


def test_list_tells_stream_writer_and_readers(ring: str) -> None:
    with Camera(ring, fps=100, gop=10) as camera, Consumer(ring):
        wait_until(lambda: camera.written > 30, "the ring is full")
        # This process writes too, and a writer is no reader of its own.
        line = listed_once(
            ring,
            lambda line: not is_read_here(line) and 50 < (line["fps"] or 0) < 150,
            "100 fps, not read by its writer",
        )
        wait_until(lambda: camera.written > 100, "looking disturbs nobody")
    assert (line["codec"], line["width"], line["height"], line["gop"]) == ("h264", 640, 360, 10)
    assert line["state"] == "live"
    assert not line["stalled"]
    assert line["bit_rate"] == pytest.approx(line["fps"] * 8000, rel=0.05)
    assert line["writer"] == {"pid": os.getpid(), "name": Path("/proc/self/comm").read_text().strip()}


def test_list_finds_readers_without_their_help(ring: str) -> None:
    program = (
        "import sys; from vshm_ctypes import Consumer\nwith Consumer(sys.argv[1]): print(flush=True); sys.stdin.read()"
    )
    with Producer(ring) as producer:
        producer.write(b"x")
        command = [sys.executable, "-c", program, ring]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None and reader.stdin is not None
            reader.stdout.readline()
            name = Path(f"/proc/{reader.pid}/comm").read_text().strip()
            told = {"pid": reader.pid, "name": name, "writes": False}
            listed_once(ring, lambda line: told in line["readers"], "the reader is told")
            reader.stdin.close()


def test_list_says_how_many_processes_could_not_be_looked_at(ring: str) -> None:
    """A user sees into its own processes only; this test's is root's."""
    with Producer(ring, mode=0o664) as producer:
        producer.write(b"x")
        told = vshm("list", "--json", host=ANOTHER_USER).json
        lines = vshm("list", host=ANOTHER_USER).out.splitlines()
        shown = vshm("show", ring, host=ANOTHER_USER).out
    assert told["hidden_processes"] >= 1
    (line,) = [line for line in lines if "could not be examined" in line]
    assert int(line.split()[0]) >= 1  # others come and go
    assert "could not be examined" in shown
    assert find_users().hidden < told["hidden_processes"]


@pytest.mark.parametrize(
    ("frames", "gop", "slots"), [(61, 30, 30), (200, 50, 30), (211, 50, 30), (29, 10, 8), (22, 10, 8), (12, 5, 30)]
)
def test_the_gop_is_told_whether_or_not_the_ring_holds_two_keyframes(
    ring: str, frames: int, gop: int, slots: int
) -> None:
    with Producer(ring, slots=slots) as producer:
        for number in range(frames):
            producer.write(payload(number), keyframe=number % gop == 0)
        told = vshm("show", ring, "--json", "-s", "0.01").json
        line = listed(ring)
    last_key_is_there = (frames - 1) % gop < slots
    assert told["gop"] == (gop if last_key_is_there else None)
    assert (line["gop"], line["gop_exceeds_ring"]) == (told["gop"], gop > slots)


def test_the_gop_is_seen_over_two_looks(ring: str) -> None:
    with Producer(ring, slots=30) as producer:

        def write(numbers: range) -> None:
            for number in numbers:
                producer.write(payload(number), keyframe=number in (0, 7, 27))

        write(range(28))
        seen = threading.Timer(0.3, write, [range(28, 47)])  # the ring holds 17 to 46 then
        seen.start()
        assert survey_one(ring, 1.0).gop == 20
        seen.join()


def test_a_dead_writer_is_told_with_its_pid(channel: Channel) -> None:
    writer = channel.start_writer()
    wait_until(channel.ring_path.exists, "the ring is there")
    writer.kill()
    outcome = vshm("show", str(channel.number))
    assert outcome.code == 1
    assert f"\nwriter:       {writer.pid} (gone)\n" in outcome.out
    assert "the writer died without closing the ring: start it again" in outcome.err
    line = listed(f"/{channel.ring_path.name}")
    assert (line["state"], line["writer"]) == ("dead", {"pid": writer.pid, "name": None})


def test_a_pid_of_another_process_is_not_taken_for_the_writer(ring: str) -> None:
    """Seen from outside of a container, its pids are other processes'."""
    with Producer(ring) as producer:
        producer.write(b"x")
        path = SHARED_MEMORY / ring[1:]
        info = inspect(ring)
        content = path.read_bytes()
        at = content.rindex(struct.pack("<Q", info.writer_start))
        with path.open("r+b") as file:
            file.seek(at)
            file.write(struct.pack("<Q", info.writer_start + 1))
        look = survey_one(ring, 0.01)
    assert look.writer_name is None


def test_show_tells_each_publishing_readers_missed_frames(ring: str) -> None:
    program = "import sys; from vshm_ctypes import Consumer\n"
    program += "with Consumer(sys.argv[1], publish=True, start='oldest') as c:\n"
    program += "    print(flush=True); sys.stdin.readline()\n"
    program += "    while True: c.receive(0.1)"
    with Producer(ring, slots=4) as producer, running(program, ring) as reader:
        assert reader.stdin is not None
        for _ in range(10):
            producer.write(b"x", keyframe=True)
        print(file=reader.stdin, flush=True)
        wait_until(lambda: any(own.span == 10 for own in list_published() if own.pid == reader.pid), "it tells of all")
        outcome = vshm("show", ring)
        (published,) = vshm("show", ring, "--json").json["published"]
    assert re.search(rf"^reader: +{reader.pid} \S+: 4 received, 6 missed$", outcome.out, flags=re.MULTILINE)
    assert (published["pid"], published["missed"]) == (reader.pid, 6)


@pytest.mark.parametrize(
    ("by_driver", "told"),
    [
        (0, "time of dequeue, or of the write"),
        (3, "driver for 3 of 8 frames, else time of dequeue, or of the write"),
        (8, "driver"),
    ],
)
def test_show_tells_whose_clock_dated_the_frames_of_the_ring(ring: str, by_driver: int, told: str) -> None:
    with Producer(ring, slots=8) as producer:
        for number in range(8):
            with producer.reserve() as slot:
                slot.commit(1, capture_ns=1, flags=Flag.CAPTURE_DRIVER if number < by_driver else Flag(0))
        assert vshm("show", ring, "--json", "-s", "0.01").json["capture_time"] == told


def test_list_is_aligned_text_where_it_is_piped(ring: str) -> None:
    with Camera(ring):
        time.sleep(0.1)
        outcome = vshm("list")
    header, *lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert header.split() == [
        "RING",
        "CODEC",
        "STREAM",
        "FPS",
        "BITRATE",
        "GOP",
        "SLOTS",
        "WRITER",
        "AGE",
        "STATE",
        "READERS",
    ]
    (line,) = [line for line in lines if line.startswith(ring)]
    assert line[header.index("CODEC") :].startswith("h264")
    assert "\x1b" not in outcome.out


def test_a_version_1_writer_is_told_as_one(channel: Channel) -> None:
    size = 64 + 30 * (32 + 524288)
    with channel.ring_path.open("xb") as object_:
        object_.truncate(size)
        object_.write(struct.pack("<II", 0x56494445, 1))
    with running(MAPS, str(channel.ring_path)) as peer:
        line = listed(f"/{channel.ring_path.name}")
    assert (line["state"], line["writer"], line["age_s"]) == ("v1", None, None)
    # Its writer, or a reader that signs in: both can write.
    assert (peer.pid, True) in [(process["pid"], process["writes"]) for process in line["readers"]]


def test_the_last_frame_of_a_version_1_writer_is_as_old_as_the_wall_clock_says(channel: Channel) -> None:
    command = [str(BUILD / "tests" / "v1" / "v1_writer"), "-c", str(channel.number), "-f", "100"]
    name = f"/{channel.ring_path.name}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as writer:
        try:
            wait_until(lambda: name in (rings := list_rings()) and rings[name].frames > 5, "it writes")
            line = listed(name)
        finally:
            writer.kill()
    assert isinstance(line["age_s"], float)
    assert 0 <= line["age_s"] < 600


def test_show_tells_every_slot(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=5000) as producer:
        for number in range(6):
            producer.write(bytes(100 + number), keyframe=number == 4, width=64, height=48)
        shown = vshm("show", ring, "--json").json
    assert not [warning for warning in shown["warnings"] if "has written nothing for" not in warning]  # it is slow here
    assert [(slot["number"], slot["slot"], slot["meta"]["size"]) for slot in shown["slots"]] == [
        (2, 2, 102),
        (3, 3, 103),
        (4, 0, 104),
        (5, 1, 105),
    ]
    assert (shown["info"]["slots"], shown["info"]["slot_size"], shown["info"]["frames"]) == (4, 5000, 6)
    assert shown["permissions"].startswith("-rw-rw----")


def test_show_warns_where_the_gop_is_longer_than_the_ring(ring: str) -> None:
    with Producer(ring, slots=4) as producer:
        for number in range(9):
            producer.write(b"x", keyframe=number == 0)
        outcome = vshm("show", ring)
    assert outcome.code == 1
    assert "the GOP is longer than the ring" in outcome.err


def test_looking_joins_nothing_and_changes_nothing(ring: str) -> None:
    with Producer(ring) as producer:
        producer.write(b"x", keyframe=True)
        path = SHARED_MEMORY / ring[1:]
        before = (path.read_bytes(), inspect(ring))
        for words in (["list"], ["show", ring], ["check", ring]):
            vshm(*words)
        assert (path.read_bytes(), inspect(ring)) == before


def test_what_a_stranger_puts_into_a_name_does_not_drive_the_terminal() -> None:
    name = f"vshm_pytest_\x1b[31m{os.getpid()}"
    with Producer(name) as producer:
        producer.write(b"x")
        outcome = vshm("list")
    assert f"/vshm_pytest_\\x1b[31m{os.getpid()}" in outcome.out
    assert "\x1b" not in outcome.out
