# SPDX-License-Identifier: Apache-2.0
"""What a disk or a limit refuses is said rightly, and nothing is counted that is not there."""

import errno
import itertools
import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from encoded import decoded
from hosts import PLAIN, Host, mount_tmpfs, on
from vshm import Camera, vshm
from writers import ROOT, meanwhile
from written_streams import write

from vshm_ctypes import Producer, RingFull, VideoShmError
from vshm_ctypes.cli.watch.log import RotatedFile
from vshm_ctypes.commandline.disk_advice import disk_advice

RUN = ROOT / "tests" / "runs" / "small.json"
SAID = {
    "full": "No space left on device: what is in the file plays; free some space, or write to another disk",
    "limited": "File too large: what is in the file plays; the file system (FAT32: up to 4 GiB) or ulimit -f",
}


def files_up_to(size: int) -> Host:
    return Host(f"files up to {size}", "no larger file, in bytes", before=("prlimit", f"--fsize={size}"))


@pytest.mark.parametrize("refusal", ["full", "limited"])
@pytest.mark.parametrize("ending", ["h264", "mp4", "mkv"])
def test_a_recording_counts_what_is_in_its_file(ring: str, small_disk: Path, ending: str, refusal: str) -> None:
    folder, host = (small_disk, PLAIN) if refusal == "full" else (small_disk.parent, files_up_to(40_000))
    path, timing, numbers = folder / f"clip.{ending}", small_disk.parent / "timing", itertools.count()
    words = ["-o", str(path), "-t", "60", "--json", *(["--timing", str(timing)] if refusal == "full" else [])]
    with Producer(ring, slots=120) as producer, meanwhile(lambda: write(producer, next(numbers)), 0.002):
        outcome = vshm("record", ring, *words, host=host)
    assert outcome.code == 1, outcome.err
    assert outcome.json["ended"] == "error"
    assert f"{path}: {SAID[refusal]}" in outcome.err
    assert outcome.json["frames"] == len(decoded(str(path), cut=True)) > 0
    assert outcome.json["bytes"] <= path.stat().st_size
    if refusal == "full":
        assert len(timing.read_text().splitlines()) == outcome.json["frames"]


@pytest.mark.parametrize("ending", ["h264", "mp4", "mkv"])
def test_a_recording_of_nothing_leaves_no_file(ring: str, tmp_path: Path, ending: str) -> None:
    path, numbers = tmp_path / f"clip.{ending}", itertools.count()
    with Producer(ring, slots=120) as producer, meanwhile(lambda: write(producer, next(numbers)), 0.002):
        outcome = vshm("record", ring, "-o", str(path), "-t", "60", "--json", host=files_up_to(10))
    assert outcome.out, outcome.err
    assert (outcome.code, outcome.json["frames"]) == (1, 0)
    assert not path.exists()
    assert "File too large: the file system" in outcome.err  # and not that what is in it plays


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO])
def test_what_a_disk_refuses_is_told_with_what_to_do(number: int) -> None:
    advice = disk_advice(OSError(number, os.strerror(number)))
    assert advice
    assert "another disk" in advice
    assert disk_advice(VideoShmError(number)) is None  # it is about /dev/shm, and says what to do there
    assert disk_advice(OSError(number, "said already")) is None


@pytest.mark.parametrize("number", [errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.EHOSTDOWN])
def test_a_mount_that_is_gone_is_told_as_such(number: int) -> None:
    """NFS whose server was set up anew, sshfs or ntfs-3g that died, a disk that was pulled."""
    assert "gone" in (disk_advice(OSError(number, os.strerror(number))) or "")


def test_a_name_that_a_file_system_refuses_is_told_as_such() -> None:
    for name in ("08:30.h264", "what?.mp4", "a/b|c.prom"):
        assert "FAT" in (disk_advice(OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)) or "")
    assert disk_advice(OSError(errno.EINVAL, os.strerror(errno.EINVAL), "of:folder/plain.h264")) is None


@pytest.mark.parametrize("words", [["record", "-o", "clip.h264"], ["bundle", "--seconds", "0.1", "-o", "b.tar.zst"]])
def test_a_disk_that_is_full_of_files_is_told_as_such(
    ring: str, small_disk: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mount_tmpfs(small_disk, "size=1m,nr_inodes=2")
    (small_disk / "other").touch()
    monkeypatch.chdir(small_disk)
    with Camera(ring):
        outcome = vshm(words[0], *([ring, "-c", "1"] if words[0] == "record" else []), *words[1:])
    assert outcome.code == 1
    assert f"{words[-1]}: No space left on device: there is room, but for no further file" in outcome.err
    assert [path.name for path in small_disk.iterdir()] == ["other"]


def test_a_ring_beyond_the_limit_of_files_is_told_as_such(ring: str) -> None:
    program = f"from vshm_ctypes import Producer\nProducer({ring!r})"
    result = on(files_up_to(1_000_000), sys.executable, "-c", program)
    assert f"RingFull: [Errno {errno.EFBIG}] {RingFull(errno.EFBIG).strerror}" in result.stderr
    assert "ulimit -f" in str(RingFull(errno.EFBIG).strerror)


def test_a_log_that_can_not_be_rotated_keeps_what_it_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "watch.log"
    log = RotatedFile(path, part_bytes=1000, parts=3)

    numbers = itertools.count()

    def write(count: int) -> None:
        for _ in range(count):
            log.handle(logging.makeLogRecord({"msg": f"{next(numbers):099}"}))

    write(35)  # three parts, and half of one
    parts = {one.name: one.read_bytes() for one in tmp_path.glob("*.gz")}
    assert len(parts) == 3
    Path(f"{path}.new").mkdir()  # in the way of what is packed
    write(40)
    assert {one.name: one.read_bytes() for one in tmp_path.glob("*.gz")} == parts
    assert path.read_text().splitlines()[-40:] == [f"{number:099}" for number in range(35, 75)]
    assert capsys.readouterr().err.count("watch.log.new") == 1
    Path(f"{path}.new").rmdir()
    write(40)
    log.close()
    assert {one.name for one in tmp_path.iterdir()} == {path.name, *parts}
    assert {one.name: one.read_bytes() for one in tmp_path.glob("*.gz")} != parts


def fill(path: Path) -> None:
    """Write a file that leaves no page free."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def written_log(folder: Path) -> Path:
    line = {"ring": "/r", "fps": 30.0, "bit_rate": 1e6, "latency_s": {"50": 1e-4}, "missed": 0}
    path = folder / "log"
    path.write_text("".join(json.dumps({"time": 1000.0 + number} | line) + "\n" for number in range(100)))
    return path


@pytest.mark.parametrize("name", ["a.svg", "a.png", "a.html", "a.tar.zst", "page", "a.prom", "report.html"])
def test_what_does_not_fit_is_named_and_leaves_what_was_there(
    ring: str, small_disk: Path, tmp_path: Path, name: str
) -> None:
    log, bundle = written_log(tmp_path), tmp_path / "b.tar.zst"
    path = small_disk / ("b.tar.zst.html" if name == "page" else name)
    words = {
        "a.tar.zst": ["bundle", "--seconds", "0.1", "--force", "-o", str(path)],
        "a.prom": ["export", "--every", "0.1", "-o", str(path)],
        "report.html": ["report", str(RUN), "-o", str(path)],
        "page": ["bundle", "--force", "--open", str(small_disk / bundle.name)],
    }.get(name, ["plot", str(log), "-o", str(path)])
    mount_tmpfs(small_disk, "size=1m")
    with Camera(ring):
        if name == "page":
            assert vshm("bundle", "--seconds", "0.1", "-o", str(small_disk / bundle.name)).code == 0
        if name != "a.prom":  # which is gone with its program
            path.write_text("before")
        left = sorted(small_disk.iterdir())
        fill(small_disk / "filling")
        result = on(PLAIN, sys.executable, "-m", "hil" if name == "report.html" else "vshm_ctypes", *words)
    (small_disk / "filling").unlink()
    assert result.returncode == 1, result.stdout
    assert f"{path}: No space left on device: free some space" in result.stderr
    assert sorted(small_disk.iterdir()) == left
    assert name == "a.prom" or path.read_text() == "before"


def test_what_a_demo_s_streamer_says_needs_no_disk(
    ring: str, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("aiohttp", "av", "numpy"):
        pytest.importorskip(name)
    (small_disk / "full").write_bytes(bytes(40960))
    monkeypatch.setenv("TMPDIR", str(small_disk))
    words = [ring, "--no-browser", "--port", "0"]
    with Producer(ring, slots=4, slot_size=4096):
        assert "holds this ring" in vshm("demo", *words).err
    limited = vshm("demo", *words, host=files_up_to(0))
    assert (limited.code, limited.out) == (1, "")
    assert f"camera-streamer --device testsrc --channel {ring} tells why" in limited.err
