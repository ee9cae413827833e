# SPDX-License-Identifier: Apache-2.0
"""vshm list and show: what is said of a ring, and that looking changes nothing."""

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from vshm import Camera, vshm
from writers import SHARED_MEMORY, Channel

from vshm_ctypes import Consumer, Producer, inspect


def listed(name: str) -> dict[str, object]:
    (ring,) = [ring for ring in vshm("list", "--json").json["rings"] if ring["name"] == name]
    assert isinstance(ring, dict)
    return ring


def test_list_tells_stream_writer_and_readers(ring: str) -> None:
    with Camera(ring, fps=100, gop=10) as camera, Consumer(ring):
        time.sleep(0.3)
        line = listed(ring)
    assert (line["codec"], line["width"], line["height"], line["gop"]) == ("h264", 640, 360, 10)
    assert line["state"] == "live"
    assert not line["stalled"]
    assert isinstance(line["fps"], float)
    assert 50 < line["fps"] < 150
    assert line["bit_rate"] == pytest.approx(line["fps"] * 8000, rel=0.05)
    assert line["writer"] == {"pid": os.getpid(), "name": Path("/proc/self/comm").read_text().strip()}
    assert line["readers"] == []  # this process writes too, and a writer is no reader of its own
    assert camera.written > 100


def test_list_finds_readers_without_their_help(ring: str) -> None:
    program = "import sys; from vshm_ctypes import Consumer\nwith Consumer(sys.argv[1]): print(); sys.stdin.read()"
    with Producer(ring) as producer:
        producer.write(b"x")
        command = [sys.executable, "-c", program, ring]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None and reader.stdin is not None
            reader.stdout.readline()
            readers = listed(ring)["readers"]
            assert readers == [{"pid": reader.pid, "name": Path(f"/proc/{reader.pid}/comm").read_text().strip()}]
            reader.stdin.close()


def test_list_is_aligned_text_where_it_is_piped(ring: str) -> None:
    with Camera(ring):
        time.sleep(0.1)
        outcome = vshm("list")
    header, *lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert header.split() == [
        "RING",
        "CODEC",
        "PICTURE",
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
    assert listed(f"/{channel.ring_path.name}")["state"] == "v1"


def test_show_tells_every_slot(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=5000) as producer:
        for number in range(6):
            producer.write(bytes(100 + number), keyframe=number == 4, width=64, height=48)
        outcome = vshm("show", ring, "--json")
    shown = outcome.json
    assert outcome.code == 0
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


@pytest.mark.parametrize("verb", ["show", "watch", "check", "record"])
def test_a_ring_that_is_not_there_is_exit_3_and_says_what_to_do(verb: str) -> None:
    words = ["-o", "/dev/null"] if verb == "record" else []
    outcome = vshm(verb, "/vshm_pytest_nothing", *words)
    assert outcome.code == 3
    assert "start its producer" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("words", [["show", "a/b"], ["nonsense"], ["show", "--seconds", "-1"], [], ["record"]])
def test_nonsense_on_the_command_line_is_exit_2(words: list[str]) -> None:
    outcome = vshm(*words)
    assert outcome.code == 2
    assert outcome.err
    assert "Traceback" not in outcome.err


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
    assert f"/vshm_pytest_?[31m{os.getpid()}" in outcome.out
    assert "\x1b" not in outcome.out


def test_completion_is_a_script_of_the_shell() -> None:
    outcome = vshm("completion", "bash")
    assert outcome.code == 0
    assert "complete -o" in outcome.out
    assert "record" in outcome.out
    subprocess.run(["bash", "-n"], input=outcome.out, text=True, check=True)


def test_every_verb_takes_json() -> None:
    for verb in ("list", "show", "watch", "record", "check", "completion"):
        assert "--json" in vshm(verb, "--help").out
