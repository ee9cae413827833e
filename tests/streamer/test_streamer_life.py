# SPDX-License-Identifier: Apache-2.0
"""camera-streamer from start to end: waiting, its service manager, its terminal, its configuration, its ring's name."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from streamers import TIMEOUT_S, command, end, streaming, take
from writers import ROOT, SHARED_MEMORY, wait_until

from vshm_ctypes import Codec, Consumer, inspect

UNIT = ROOT / "hil" / "streamer" / "camera-streamer.service"
PATTERN = ("--device", "testsrc:320x240@30")


def start(*words: str, **more: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload, no-any-return]


# ---- waiting ----


def clip(path: Path) -> None:
    import av
    import numpy

    part = path.with_suffix(".part.mkv")
    with av.open(str(part), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(numpy.zeros((72, 64), numpy.uint8), format="yuv420p")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    part.rename(path)


def test_with_wait_it_begins_when_the_source_is_there(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with start("--wait", "--device", f"file:{path}", "--channel", f"{ring}:", "--stats") as process:
        try:
            assert process.stderr is not None
            assert "tried again" in process.stderr.readline()
            time.sleep(1.5)  # some attempts long
            clip(path)
            out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert json.loads(out)["channels"][ring]["captured"] == 5
    assert "tried again" not in err  # said once


def test_the_sums_count_what_the_encoders_finish_at_the_end(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    clip(path)
    with start("--device", f"file:{path}", "--channel", f"{ring}:1920x1080,codec=h264,slot=2M", "--stats") as process:
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    assert f"{json.loads(out)['channels'][ring]['written']} frames in " in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_waiting_too(tmp_path: Path, number: signal.Signals) -> None:
    with start("--wait", "--device", f"file:{tmp_path}/none.mkv") as process:
        try:
            assert process.stderr is not None
            process.stderr.readline()
            process.send_signal(number)
            out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (0, "", "")


# ---- configuration ----


def test_a_file_says_what_the_command_line_would(ring: str, tmp_path: Path) -> None:
    config = tmp_path / "streamer.toml"
    config.write_text(f"""
device = "testsrc:320x240@30"
codec = "jpeg"
[[channel]]
ring = "{ring}"
slots = 8
slot = "64k"
[[channel]]
ring = "{ring}_small"
width = 160
height = 120
fps = 15
codec = "h264"
gop = 5
""")
    with streaming(f"{ring}_small", "--config", str(config), "--stats") as process:
        with Consumer(ring) as large, Consumer(f"{ring}_small") as small:
            (first,), (second,) = take(large, 1), take(small, 1)
        assert (inspect(ring).slots, inspect(ring).slot_size) == (8, 64 * 1024)
        books = end(process)
    assert (first.codec, first.width, first.fps) == (Codec.JPEG, 320, 30)
    assert (second.codec, second.width, second.fps) == (Codec.H264, 160, 15)
    assert set(books) == {ring, f"{ring}_small"}


# ---- readers ----


def test_show_tells_whose_clock_dated_the_pictures(ring: str) -> None:
    with streaming(ring, *PATTERN, "--channel", f"{ring}:", "--stats") as process:
        show = [sys.executable, "-m", "vshm_ctypes", "show", ring, "--json", "--seconds", "0.2"]
        result = subprocess.run(show, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        end(process)
    assert json.loads(result.stdout)["capture_time"] == "time of dequeue, or of the write"


def test_a_ring_whose_name_is_removed_is_made_anew(ring: str) -> None:
    """systemd-logind removes a user's shared memory at logout."""
    with streaming(ring, *PATTERN, "--channel", f"{ring}:", "--stats") as process:
        inode = inspect(ring).inode
        (SHARED_MEMORY / ring[1:]).unlink()
        wait_until((SHARED_MEMORY / ring[1:]).exists, "the ring has its name again")
        with Consumer(ring) as stream:
            take(stream, 3)
        assert inspect(ring).inode != inode
        assert end(process)[ring]["imbalance"] is None


# ---- terminal ----


def read_terminal(descriptor: int, text: list[str]) -> None:
    with contextlib.suppress(OSError):  # EIO: the other side is closed
        while data := os.read(descriptor, 4096):
            text.append(data.decode())


def test_a_terminal_gets_a_status_line(ring: str) -> None:
    ours, theirs = pty.openpty()
    words = command(*PATTERN, "--channel", f"{ring}:")
    text: list[str] = []
    environment = os.environ | {"TERM": "xterm"}  # whatever these tests run in
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as process:
        os.close(theirs)
        reading = threading.Thread(target=read_terminal, args=(ours, text))
        reading.start()
        try:
            wait_until(lambda: "".join(text).count("CPU ") >= 3, "three times")
            process.send_signal(signal.SIGINT)
            assert process.wait(TIMEOUT_S) == 0
        finally:
            process.kill()
            reading.join(TIMEOUT_S)
            os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(text))
    lines = re.findall(r"(/\S+) +\d+\.\d +\d+ +\d+ +\d+", plain)
    assert len(lines) >= 3
    assert all(ring.startswith(line.rstrip("…")) for line in lines)


def test_a_file_gets_none(ring: str) -> None:
    with streaming(ring, *PATTERN, "--channel", f"{ring}:") as process:
        with Consumer(ring) as stream:
            take(stream, 45)  # longer than a second
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert out == ""
    assert "CPU" not in err
    assert err.count("dropped") == 1  # at the end
    assert len(err.splitlines()) < 6


# ---- service manager ----


@pytest.mark.parametrize("rate", ["30", "0.25"])
def test_the_service_manager_hears_of_the_first_frame_of_life_and_of_the_end(
    ring: str, tmp_path: Path, rate: str
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(TIMEOUT_S)
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        words = ("--device", f"testsrc:320x240@{rate}", "--channel", f"{ring}:")
        with start(*words, env=environment) as process:
            try:
                heard = [manager.recv(200)]
                while b"READY=1" not in heard[-1]:
                    heard.append(manager.recv(200))
                assert inspect(ring).frames > 0
                for _ in range(3):
                    assert manager.recv(200) == b"WATCHDOG=1"
                process.send_signal(signal.SIGTERM)
                while manager.recv(200) != b"STOPPING=1":
                    pass
                assert process.wait(TIMEOUT_S) == 0
            finally:
                process.kill()


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_keeps_its_rings() -> None:
    found = settings()
    assert found["Type"] == ["notify"]
    assert found["User"] == ["camera-streamer"]  # a system user: logind removes what others leave in /dev/shm
    assert found["Group"] == ["video"]
    assert "WatchdogSec" in found
    # Each of these takes the rings, or the camera, away from it or from its readers.
    for name in (
        "DynamicUser",
        "RemoveIPC",
        "PrivateIPC",
        "PrivateDevices",
        "InaccessiblePaths",
        "TemporaryFileSystem",
    ):
        assert name not in found
    assert "char-video4linux rw" in found["DeviceAllow"]


def systemd_analyze(*words: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here: apt-get install systemd")
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/local/bin/camera-streamer", "/bin/true"))
    result = systemd_analyze("verify", "--man=no", str(copy))
    assert [line for line in result.stderr.splitlines() if UNIT.name in line] == []
    copy.write_text(copy.read_text().replace("Type=notify", "Type=magic").replace("WatchdogSec=20", "WatchdogSec=soon"))
    assert UNIT.name in systemd_analyze("verify", "--man=no", str(copy)).stderr


def test_systemd_calls_the_unit_hardened() -> None:
    result = systemd_analyze("security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT))
    if "unrecognized option" in result.stderr:
        pytest.skip("this systemd-analyze can't judge a file: systemd 250 does")
    assert result.returncode == 0, result.stdout[-1500:]
