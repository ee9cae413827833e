# SPDX-License-Identifier: Apache-2.0
"""Sources that fail: counted, logged once, opened again, and a discontinuity afterwards."""

import itertools
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from encoded import access_units
from writers import wait_until

from hil.streamer.bitstream import is_keyframe
from hil.streamer.service import Service
from hil.streamer.sources import rpicam
from hil.streamer.sources.healing import BAD_IN_A_ROW, SETTLED_S, STALLED_S, HealingSource
from hil.streamer.sources.rpicam import RpicamSource
from hil.streamer.sources.source import Captured, SourceError
from vshm_ctypes import Codec, Consumer, inspect

FRAMES = 40


class Scripted:
    """Does what it is told: a Captured, None, or an exception, one for each read; and for each open."""

    name, width, height, fps = "scripted", 64, 48, 25.0
    codec: Codec | None = None

    def __init__(self, reads: list[Any], opens: list[Any] | None = None) -> None:
        self.reads, self.opens = iter(reads), iter(opens or itertools.repeat(None))
        self.opened = self.closed = 0

    def open(self) -> None:
        self.opened += 1
        answer = next(self.opens, None)
        if answer is not None:
            raise answer

    def read(self, timeout_s: float) -> Captured | None:
        answer = next(self.reads)
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    def close(self) -> None:
        self.closed += 1


class Clock:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    ours = Clock()
    monkeypatch.setattr("hil.streamer.sources.healing.time.sleep", ours.sleep)
    return ours


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)


def good() -> Captured:
    return Captured(1)


def test_a_source_that_fails_is_opened_again_and_the_next_picture_says_so(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    scripted = Scripted([good(), SourceError(0, "unplugged"), good(), good()])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)  # it has run for a while
    found = [source.read(0.1) for _ in range(5)]
    assert [captured and captured.discontinuity for captured in found] == [False, None, None, True, False]
    assert (scripted.opened, scripted.closed) == (2, 1)
    assert source.incidents == {"failed": 1}
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "scripted: unplugged; it is opened again"
    ]


def test_it_backs_off_while_the_source_is_not_there(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    gone = [SourceError(0, "no such device")] * 6
    scripted = Scripted([SourceError(0, "unplugged"), good()], [None, *gone, None])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)
    begin_s = clock()
    reads = 0
    while (captured := source.read(0.1)) is None:
        reads += 1
        assert reads < 1000
    assert captured.discontinuity
    assert scripted.opened == 8
    assert clock() - begin_s == pytest.approx(0.5 + 1 + 2 + 4 + 8 + 8, abs=0.5)
    assert sum("not to be opened yet" in record.getMessage() for record in caplog.records) == 1


def test_a_source_that_stalls_is_opened_again(clock: Clock) -> None:
    scripted = Scripted([good(), None, None, None, good()])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)
    assert source.read(0.1) is not None
    for _ in range(3):
        clock.sleep(STALLED_S / 3 + 0.01)
        assert source.read(0.1) is None
    assert source.incidents == {"stalled": 1}
    assert source.read(0.1) is None
    captured = source.read(0.1)
    assert captured is not None
    assert captured.discontinuity


def test_damaged_buffers_break_the_stream_and_thirty_in_a_row_reopen_it(clock: Clock) -> None:
    bad = [Captured(1, bad=True) for _ in range(BAD_IN_A_ROW + 2)]
    scripted = Scripted([good(), bad[0], bad[1], good(), *bad[2:], good()])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)
    found = [source.read(0.1) for _ in range(4)]
    assert [captured and captured.discontinuity for captured in found] == [False, False, False, True]
    assert not source.incidents
    for _ in range(BAD_IN_A_ROW):
        captured = source.read(0.1)
        assert captured is not None
        assert captured.bad
    assert source.incidents == {"bad buffers": 1}
    assert source.read(0.1) is None
    assert scripted.opened == 2


def test_a_source_that_fails_right_after_it_was_opened_is_not_opened_in_a_tight_loop(clock: Clock) -> None:
    scripted = Scripted([SourceError(0, "crashed")] * 4 + [good()])
    source = HealingSource(scripted, clock)
    source.open()
    begin_s = clock()
    while source.read(0.1) is None:
        pass
    assert clock() - begin_s == pytest.approx(0.5 + 1 + 2 + 4, abs=0.5)
    assert source.incidents == {"failed": 4}


def test_the_end_is_no_incident(clock: Clock) -> None:
    source = HealingSource(Scripted([good(), EOFError("over")]), clock)
    source.open()
    source.read(0.1)
    with pytest.raises(EOFError):
        source.read(0.1)
    assert not source.incidents


# ---- rpicam-vid, by a stand-in of the same output ----


def stand_in(folder: Path, stream: Path, ending: str = "sleep 60") -> Path:
    """A rpicam-vid that writes a stream, a little at a time, and then does the ending."""
    program = folder / rpicam.PROGRAM
    words = '[ "$1" = --inline ] || exit 9\n'
    program.write_text(f"#!/bin/sh\n{words}dd if='{stream}' bs=700 status=none\n{ending}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.fixture
def pi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    stream = tmp_path / "stream.h264"
    stream.write_bytes(b"".join(data for data, _ in access_units(FRAMES)))
    stand_in(tmp_path, stream)
    return tmp_path


@pytest.mark.usefixtures("pi")
def test_rpicam_vids_stream_comes_out_as_access_units() -> None:
    source = RpicamSource(64, 48, 25)
    source.open()
    found: list[Captured] = []
    while len(found) < FRAMES - 1:
        captured = source.read(10.0)
        assert captured is not None
        found.append(captured)
    assert [captured.unit and captured.unit.data for captured in found] == [d for d, _ in access_units(FRAMES)[:-1]]
    assert source.read(0.05) is None  # the last one ends when the next begins
    source.close()
    source.close()


def test_a_program_that_ends_is_told_with_its_last_words(pi: Path) -> None:
    stand_in(pi, pi / "stream.h264", "echo 'ERROR: no cameras available' >&2; exit 3")
    source = RpicamSource()
    source.open()
    with pytest.raises(SourceError, match="ended with 3: ERROR: no cameras available"):
        while True:
            source.read(10.0)
    source.close()


def test_without_rpicam_vid_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="install rpicam-apps"):
        RpicamSource().open()


def test_rpicam_is_streamed_and_survives_the_programs_end(pi: Path, ring: str) -> None:
    stand_in(pi, pi / "stream.h264", "exit 1")
    words = ["--device", "rpicam", "--channel", f"{ring}:slots=200", "--stats"]
    command = [sys.executable, "-m", "hil.streamer", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: Path(f"/dev/shm{ring}").exists() and inspect(ring).frames >= 2 * FRAMES, "it comes back")
            with Consumer(ring, start="oldest") as stream:
                frames = [frame for _ in range(2 * FRAMES) if (frame := stream.receive(timeout=10)) is not None]
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert '"failed": ' in out
    breaks = [index for index, frame in enumerate(frames) if frame.discontinuity]
    assert breaks == [FRAMES - 1, 2 * (FRAMES - 1)]  # the last picture of a run never ends
    assert all(frame.is_keyframe == is_keyframe(frame.data, Codec.H264) for frame in frames)
    decoder: Any = av.CodecContext.create("h264", "r")
    pictures = [picture for frame in frames for picture in decoder.decode(av.Packet(frame.data))]
    assert len(pictures) >= 2 * FRAMES - 1


# ---- the service manager ----


def test_the_service_manager_is_told_once_and_kept_informed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        service = Service()
        service.frame_written()
        service.frame_written()
        service.is_alive()
        service.stopping()
        assert [manager.recv(100) for _ in range(3)] == [b"READY=1\nSTATUS=streaming", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_a_service_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    service = Service()
    service.frame_written()
    service.is_alive()
    service.stopping()
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/notify")
    Service().frame_written()
