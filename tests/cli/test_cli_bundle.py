# SPDX-License-Identifier: Apache-2.0
"""vshm bundle: what is in it and what never is, and the page that is made of it."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import av
import pytest
from children import running
from encoded import access_units, decoded
from hosts import own_shared_memory
from html_page import Page
from processes import wait_until_reading
from vshm import Camera, vshm
from writers import meanwhile

from vshm_ctypes import Codec, Producer, inspect
from vshm_ctypes.bundles.archive import members
from vshm_ctypes.bundles.members import FRAME_FIELDS, KINDS, MANIFEST, kind_of
from vshm_ctypes.cli.bundle import host as bundle_host
from vshm_ctypes.cli.bundle.contents import verb_output
from vshm_ctypes.cli.bundle.film import film
from vshm_ctypes.cli.bundle.streams import capture
from vshm_ctypes.commandline.ending import Interrupted

SECRET = "c0ffee-is-a-secret"


@contextmanager
def camera(ring: str, fps: int = 50) -> Iterator[None]:
    """Run a writer of real H.264 during the block."""
    units = itertools.cycle(access_units(100))

    with Producer(ring) as producer:

        def write() -> None:
            data, keyframe = next(units)
            producer.write(data, keyframe=keyframe, codec=Codec.H264, width=64, height=48, fps=25)

        with meanwhile(write, 1 / fps):
            yield


def bundled(path: Path, *words: str) -> dict[str, bytes]:
    outcome = vshm("bundle", "-o", str(path), "--seconds", "1", *words)
    assert outcome.code == 0, outcome.err
    return dict(members(path))


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bundle of one stream, taken once for the tests that only look at it."""
    path = tmp_path_factory.mktemp("bundle") / "case.tar.zst"
    if os.geteuid() != 0:
        pytest.skip("needs a mount of its own: run it as root")
    with own_shared_memory(), camera(f"/vshm_pytest_{os.getpid()}_bundle"):
        bundled(path)
    yield path


@pytest.fixture
def found(case: Path) -> dict[str, bytes]:
    return dict(members(case))


def own(found: dict[str, bytes], kind: str) -> bytes:
    """Return the member of that kind that is about the fixture's ring."""
    (content,) = [data for name, data in found.items() if kind_of(name) == kind and f"_{os.getpid()}_bundle" in name]
    return content


def test_everything_is_there_that_it_says_it_takes(found: dict[str, bytes]) -> None:
    assert {kind_of(name) for name in found} == set(KINDS)
    manifest = json.loads(found[MANIFEST])
    assert manifest["members"].keys() | {MANIFEST} == found.keys()
    assert all(manifest["members"][name]["bytes"] == len(found[name]) for name in manifest["members"])
    assert manifest["video"] is True


def test_what_it_holds_is_told_without_taking_anything() -> None:
    outcome = vshm("bundle", "--what")
    assert outcome.code == 0
    assert all(what in outcome.out for what in KINDS.values())
    assert "no environment variables" in outcome.out


def test_verbs_are_in_it_as_text_and_as_json(found: dict[str, bytes]) -> None:
    slots = json.loads(own(found, "show/RING.json"))["slots"]
    assert len(slots) > 20
    assert b"SLOT" in own(found, "show/RING.txt")
    ring = json.loads(own(found, "show/RING.json"))["name"]
    assert ring in [one["name"] for one in json.loads(found["list.json"])["rings"]]
    assert ring.encode() in found["list.txt"]
    assert "findings" in json.loads(found["check.json"])


def test_the_picture_is_that_of_the_stream(found: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "clip.h264").write_bytes(own(found, "pictures/RING.ENDING"))
    numbers = [number for _, number in decoded(str(tmp_path / "clip.h264"))]
    assert len(numbers) > 20
    assert numbers == [(numbers[0] + at) % 20 for at in range(len(numbers))]


def test_frames_and_latencies_agree(found: dict[str, bytes]) -> None:
    told = json.loads(own(found, "frames/RING.json"))
    frames = [dict(zip(told["fields"], row, strict=True)) for row in told["frames"]]
    summary = json.loads(own(found, "streams/RING.json"))
    assert told["fields"] == list(FRAME_FIELDS)
    assert summary["frames"] == len(frames) == summary["picture"]["frames"]
    assert [frame["number"] for frame in frames] == list(range(frames[0]["number"], frames[-1]["number"] + 1))
    worst = max(frame["received_ns"] - frame["publish_ns"] for frame in frames[1:]) / 1e9
    assert summary["latency_s"]["100"] == pytest.approx(worst, rel=0.02)
    assert sum(count for _, count in summary["latency_histogram"]) == len(frames) - 1


def test_no_video_leaves_the_picture_out(alone: None, ring: str, tmp_path: Path) -> None:
    with camera(ring):
        found = bundled(tmp_path / "case.tar.zst", "--no-video")
    assert not [name for name in found if name.startswith("pictures/")]
    unit, _ = access_units(100)[1]
    assert not [name for name, content in found.items() if unit[-16:] in content]
    assert json.loads(found[MANIFEST])["video"] is False
    assert json.loads(found[f"streams/{ring[1:]}.json"])["frames"] > 10


def test_no_secret_gets_into_it(alone: None, ring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", SECRET)  # of vshm itself, and of the writer; which has it in its command line too
    program = """
import sys, time, vshm_ctypes
with vshm_ctypes.Producer(sys.argv[1]) as ring:
    print("ready", flush=True)
    while True:
        ring.write(b"x", keyframe=True); time.sleep(0.02)
"""
    with running(program, ring, f"rtsp://user:{SECRET}@camera") as writer:
        found = bundled(tmp_path / "case.tar.zst")
        assert str(writer.pid).encode() in found["processes.txt"]
        assert f"process {writer.pid}:".encode() in found["limits.txt"]
    assert not [name for name, content in found.items() if SECRET.encode() in content]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_end_before_the_end_leaves_nothing(
    alone: None, ring: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    if number == signal.SIGKILL:
        try:
            os.close(os.open(tmp_path, os.O_TMPFILE | os.O_RDWR))
        except OSError:
            pytest.skip("this file system has no files without a name: let TMPDIR be on another, such as a tmpfs")
    command = [sys.executable, "-m", "vshm_ctypes", "bundle", "-o", str(tmp_path / "case.tar.zst")]
    with camera(ring), subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        wait_until_reading(process, inspect(ring).identity)
        process.send_signal(number)
        assert process.wait(60) == code
    assert list(tmp_path.iterdir()) == []


def test_an_end_while_a_verb_tells_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*_: object) -> NoReturn:
        raise Interrupted

    monkeypatch.setattr("vshm_ctypes.cli.check.verb.examine", told)
    with pytest.raises(KeyboardInterrupt):
        verb_output("check", "--json")


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "case.tar.zst").write_text("dear")
    outcome = vshm("bundle", "-o", str(tmp_path / "case.tar.zst"))
    assert (outcome.code, "--force" in outcome.err) == (1, True)
    assert (tmp_path / "case.tar.zst").read_text() == "dear"


def test_a_stream_that_ends_meanwhile_is_taken_as_far_as_it_went(ring: str, tmp_path: Path) -> None:
    ended = Camera(ring).__enter__()
    threading.Timer(0.3, ended.__exit__).start()
    (captured,) = capture([ring], 60, True, tmp_path, lambda share: None)
    assert captured.frames
    assert "closed" in captured.ended
    assert captured.picture is not None
    captured.picture.close()


def test_a_picture_that_is_too_long_is_cut_and_says_so(
    ring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vshm_ctypes.cli.bundle.streams.MOST_BYTES", 5500)
    with Camera(ring):
        (captured,) = capture([ring], 0.5, True, tmp_path, lambda share: None)
    assert captured.cut
    assert captured.pictured == 5
    assert len(captured.frames) > 10
    assert captured.picture is not None
    assert captured.picture.tell() == 5000
    captured.picture.close()


# ---- the machine ----


def test_of_the_kernels_log_only_what_matters_is_taken() -> None:
    lines = ["[ 1.0] uvcvideo: found a camera", "[ 2.0] audit: user alice logged in", "[ 3.0] Under-voltage detected!"]
    assert bundle_host.kernel_lines(lines).splitlines() == [lines[0], lines[2]]


def test_mounts_of_other_file_systems_are_left_out() -> None:
    table = f"""\
/dev/sda1 / ext4 rw,relatime 0 0
tmpfs /dev/shm tmpfs rw,nosuid,size=65536k 0 0
//nas/share /mnt cifs rw,username=alice,password={SECRET} 0 0
"""
    assert bundle_host.mounts(table).splitlines() == ["/ ext4 rw", "/dev/shm tmpfs rw,nosuid,size=65536k"]


def test_logind_is_told_with_its_settings(tmp_path: Path) -> None:
    (tmp_path / "run/systemd/seats").mkdir(parents=True)
    (tmp_path / "etc/systemd/logind.conf.d").mkdir(parents=True)
    (tmp_path / "etc/systemd/logind.conf.d/own.conf").write_text("# a comment\n[Login]\nRemoveIPC=no\n")
    told = bundle_host.logind(tmp_path)
    assert told.startswith("RemoveIPC is off")
    assert "RemoveIPC=no" in told
    assert "comment" not in told


def test_a_process_stands_under_its_parents() -> None:
    lines = bundle_host.process_tree([os.getpid()]).splitlines()
    mine = next(line for line in lines if line.lstrip().startswith(f"{os.getpid()} "))
    parent = next(line for line in lines if line.lstrip().startswith(f"{os.getppid()} "))
    assert lines.index(parent) < lines.index(mine)
    assert len(mine) - len(mine.lstrip()) == len(parent) - len(parent.lstrip()) + 2


# ---- the page ----


def test_the_page_has_the_film_the_rings_and_the_machine(case: Path, tmp_path: Path) -> None:
    outcome = vshm("bundle", "--open", str(case), "--force")
    assert outcome.code == 0
    page = Page(Path(outcome.out.strip()).read_text())
    assert page.tags.count("video") >= 1
    assert all(source.startswith("data:") for source in page.sources)
    assert f"/vshm_pytest_{os.getpid()}_bundle" in page.text
    assert "latency p99" in page.text
    assert "processes.txt" in page.text


def test_a_film_plays_in_the_time_that_it_was_received_in(found: dict[str, bytes], tmp_path: Path) -> None:
    told = json.loads(own(found, "frames/RING.json"))
    frames = [dict(zip(told["fields"], row, strict=True)) for row in told["frames"]]
    (tmp_path / "film.mp4").write_bytes(film(own(found, "pictures/RING.ENDING"), "h264", frames))
    with av.open(str(tmp_path / "film.mp4")) as made:
        times = [float(frame.time or 0) for frame in made.decode(video=0)]
    assert len(times) == len(frames)
    assert times[-1] - times[0] == pytest.approx((frames[-1]["received_ns"] - frames[0]["received_ns"]) / 1e9, abs=1e-3)
