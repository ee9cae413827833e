# SPDX-License-Identifier: Apache-2.0
"""Hosts that lack something, or hide it: what could not be seen is said, and never taken for gone."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vshm import Camera, vshm
from writers import BUILD, Channel, wait_until

from hosts import (
    ANOTHER_USER,
    HIDDEN_PROCESSES,
    JEMALLOC,
    NO_DEVICES,
    NO_LOCAL_TIME,
    NO_PROC,
    NO_SHARED_MEMORY,
    NOTHING_EXECUTABLE,
    OVERLAY,
    PLAIN,
    SLOW_NAMES,
    Host,
    closed,
    on,
    refusing_locks,
    refusing_locks_of_whole_files,
    refusing_nameless_files,
    refusing_rare_calls,
    refusing_reads_of_rings,
    refusing_threads,
    umask,
)
from vshm_ctypes import Consumer, Producer, ProducerNotRunning, inspect

NOBODY = 65534


def writes(name: str) -> bool:
    try:
        return inspect(name).frames > 2
    except ProducerNotRunning:
        return False


@pytest.fixture
def old_camera(channel: Channel, alone: None) -> Iterator[str]:
    """The ring of a live writer of version 1, that nobody may read and remove, the user of this name."""
    name = f"/{channel.ring_path.name}"
    command = [str(BUILD / "tests" / "v1" / "v1_writer"), "-c", str(channel.number), "-f", "20"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as writer:
        try:
            wait_until(lambda: writes(name), "the writer writes")
            for path in channel.paths:
                os.chown(path, NOBODY, NOBODY)
            yield name
        finally:
            writer.terminate()


@pytest.mark.parametrize("proc", [HIDDEN_PROCESSES, NO_PROC], ids=lambda host: host.name)
@pytest.mark.parametrize("user", [PLAIN, ANOTHER_USER], ids=lambda host: host.name)
def test_clean_leaves_the_ring_of_a_writer_that_it_can_not_see(
    channel: Channel, old_camera: str, proc: Host, user: Host
) -> None:
    there = channel.paths
    assert old_camera
    outcome = vshm("check", "--clean", "--json", host=proc | user)
    assert outcome.out, outcome.err
    told = outcome.json
    assert told["removed"] == []
    assert channel.paths == there
    if proc is NO_PROC or user is ANOTHER_USER:
        assert "/proc" in told["unseen"]
    assert not [found for found in told["findings"] if found["code"] == "abandoned-ring"]


def test_without_shared_memory_a_host_is_told_what_it_lacks() -> None:
    for verb in ("list", "show", "check"):
        outcome = vshm(verb, host=NO_SHARED_MEMORY)
        assert outcome.code == 1, (verb, outcome.err)
        assert "mount a tmpfs at /dev/shm" in outcome.err
        assert "camera-streamer" not in outcome.err
    outcome = vshm("show", "/vshm_pytest_nothing")
    assert "start its producer" in outcome.err


def test_a_ring_of_any_name_that_this_user_may_not_read_is_not_called_absent(ring: str, alone: None) -> None:
    with Camera(ring):
        for words, code in ((["list"], 3), (["watch"], 3), (["check"], 1)):
            outcome = vshm(*words, host=ANOTHER_USER)
            told = outcome.out + outcome.err
            assert outcome.code == code, told
            assert ring in told
            assert "join" in told
            assert "start a producer" not in told


@pytest.mark.parametrize("mode", ["0711", "0744", "0700"])
def test_a_folder_that_this_user_may_not_look_into_is_told_with_what_to_do(mode: str) -> None:
    prepare = (f"mount -t tmpfs -o mode={mode} tmpfs /dev/shm", "touch /dev/shm/anything")
    host = Host("a closed /dev/shm", "root's alone", of=frozenset({"shm"}), prepare=prepare) | ANOTHER_USER
    for verb in ("list", "check", "watch"):
        outcome = vshm(verb, host=host)
        assert outcome.code == 1, outcome.err
        assert f"may not look into /dev/shm (uid 0, gid 0, mode {mode}): give that mode 1777" in outcome.err
    outcome = vshm("show", "nothing", host=host)
    assert outcome.code in (1, 3)
    assert "may not look into /dev/shm" in outcome.err
    assert "Traceback" not in outcome.err


WRITES_AND_READS = """
import sys
from vshm_ctypes import Consumer, Producer
with Producer(sys.argv[1], slots=4, slot_size=4096) as ring, Consumer(sys.argv[1], publish=True) as stream:
    ring.write(b"x")
    print(stream.receive().size)
"""
READS = """
import sys
from vshm_ctypes import Consumer
with Consumer(sys.argv[1], start="oldest", publish=True) as stream:
    assert stream.receive(60).size == 1
"""


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS])
@pytest.mark.parametrize("refusing", [refusing_locks, refusing_nameless_files])
def test_a_sandbox_that_forbids_what_a_writer_needs_is_told(
    ring: str, refusing: Callable[[int], Host], error: int
) -> None:
    host = refusing(error)
    result = on(host, sys.executable, "-c", WRITES_AND_READS, ring)
    assert result.returncode == 1
    assert "seccomp" in result.stderr, result.stderr
    assert "mount proc" not in result.stderr
    with Camera(ring):
        assert vshm("show", ring, host=host).code == 0  # readers need nothing of it


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOMEM])
def test_a_ring_that_can_not_be_read_is_its_writer_s_and_is_not_called_none(ring: str, alone: None, error: int) -> None:
    host = refusing_reads_of_rings(error)
    with Camera(ring):
        before = inspect(ring)
        result = on(host, sys.executable, "-c", WRITES_AND_READS, ring)
        assert "ProducerBusy" in result.stderr, result.stderr
        for words in (["show", ring], ["list"], ["check", "--clean"]):
            looked = vshm(*words, host=host)
            assert looked.code == 1, looked.err
            assert "no ring" not in looked.out + looked.err
            assert "remove" not in looked.out + looked.err
        assert inspect(ring).inode == before.inode


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS, errno.ENOLCK])
def test_a_reader_whose_lock_nobody_may_ask_for_lives(ring: str, alone: None, error: int) -> None:
    host = refusing_locks_of_whole_files(error)
    with Camera(ring) as camera, Consumer(ring, publish=True) as stream:
        wait_until(lambda: camera.written > 2 and stream.receive(1) is not None, "its counters are published")
        outcome = vshm("check", "--clean", "--json", host=host)
        assert outcome.out, outcome.err
        assert outcome.json["removed"] == []
        assert "stale-publication" not in [one["code"] for one in outcome.json["findings"]]
        shown = vshm("show", ring, "--json", host=host)
        assert shown.code == 0, shown.err
        assert [one["pid"] for one in shown.json["published"]] == [os.getpid()]


@pytest.mark.parametrize("error", [errno.EOPNOTSUPP, errno.EISDIR])
def test_a_file_system_without_nameless_files_is_told(ring: str, error: int) -> None:
    host = refusing_nameless_files(error)
    result = on(host, sys.executable, "-c", WRITES_AND_READS, ring)
    assert result.returncode == 1
    assert "no files without a name (O_TMPFILE), which a writer needs: mount a tmpfs at /dev/shm" in result.stderr
    with Producer(ring, slots=4, slot_size=4096) as producer:
        producer.write(b"x")
        read = on(host, sys.executable, "-c", READS, ring)
        assert read.returncode == 0, read.stderr


def test_a_host_without_devices_has_no_need_of_them(ring: str) -> None:
    result = on(NO_DEVICES, sys.executable, "-c", WRITES_AND_READS, ring)
    assert (result.returncode, result.stdout) == (0, "1\n"), result.stderr
    with Camera(ring):
        shown = [vshm("show", ring, host=NO_DEVICES | closed(*numbers)) for numbers in ((0,), (2,), (1,), (0, 1, 2))]
        assert [(one.code, one.err) for one in shown] == [(0, "")] * len(shown)
        assert ring[1:] in shown[0].out
        piped = on(NO_DEVICES, "sh", "-c", '"$0" -m vshm_ctypes show "$1" | :', sys.executable, ring)
        assert (piped.returncode, piped.stderr) == (0, "")


@pytest.mark.parametrize("words", ["vshm_ctypes demo --no-browser", "hil run --camera testsrc --report FOLDER"])
def test_what_needs_a_device_names_it(tmp_path: Path, words: str) -> None:
    for name in ("aiohttp", "av", "numpy"):
        pytest.importorskip(name)
    given = words.replace("FOLDER", str(tmp_path)).split()
    result = on(NO_DEVICES, sys.executable, "-m", *given)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1), result.stderr
    assert "/dev/null: No such file or directory: this needs it, and this host's /dev lacks it" in result.stderr


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS])
def test_rare_system_calls_are_not_needed(ring: str, error: int) -> None:
    result = on(refusing_rare_calls(error), sys.executable, "-c", WRITES_AND_READS, ring)
    assert (result.returncode, result.stdout) == (0, "1\n"), result.stderr


@pytest.mark.parametrize(
    "host",
    [JEMALLOC, NO_LOCAL_TIME, SLOW_NAMES, refusing_threads(errno.EPERM), umask(0o777)],
    ids=lambda host: host.name,
)
def test_a_writer_and_a_reader_need_none_of_that(ring: str, host: Host) -> None:
    result = on(host, sys.executable, "-c", WRITES_AND_READS, ring)
    assert (result.returncode, result.stdout) == (0, "1\n"), result.stderr
    with Camera(ring):
        assert vshm("show", ring, host=host).code == 0


# Into the folder that HOME is there: what is written, and that nothing of an unfinished file is left.
KEEPS = """
"$0" -m vshm_ctypes record "$1" -o "$HOME/clip.h264" --seconds 1 &&
"$0" -m vshm_ctypes bundle -o "$HOME/case.tar.zst" --seconds 1 >/dev/null &&
find "$HOME" -mindepth 1 -type f -printf '%f %m\\n' | sort
"""


@pytest.mark.parametrize(
    ("host", "mode"),
    [(OVERLAY, "644"), (NOTHING_EXECUTABLE, "644"), (OVERLAY | umask(0o077), "600"), (OVERLAY | umask(0), "666")],
    ids=lambda value: value.name if isinstance(value, Host) else "",
)
def test_what_is_written_is_whole_in_whichever_folder(ring: str, host: Host, mode: str) -> None:
    with Camera(ring, slots=2000, slot_size=2000):  # twenty seconds: nothing is missed on a busy machine
        result = on(host, "sh", "-c", KEEPS, sys.executable, ring, timeout=240)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [f"{name} {mode}" for name in ("case.tar.zst", "clip.h264")]
