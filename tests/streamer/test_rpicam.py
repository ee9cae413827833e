# SPDX-License-Identifier: Apache-2.0
"""A Raspberry Pi's CSI camera, by a stand-in of rpicam-vid with the same output."""

import itertools
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from encoded import access_units
from sets_once import without_sets
from streamers import streaming
from writers import wait_until

from hil.streamer.sources import rpicam
from hil.streamer.sources.modes import Size, Wanted
from hil.streamer.sources.program import Program
from hil.streamer.sources.rpicam import RpicamSource
from hil.streamer.sources.source import Captured, SourceError
from vshm_ctypes import Codec, Consumer, inspect
from vshm_ctypes.bitstream import EntryPoint, entry_point

FRAMES = 40


def stand_in(folder: Path, stream: Path, ending: str = "sleep 60") -> Path:
    """Return a rpicam-vid that writes a stream, a little at a time, and then does the ending."""
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
    source = RpicamSource(Wanted(Size(64, 48), 25))
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


def test_parameter_sets_that_came_once_are_in_front_of_every_keyframe(pi: Path) -> None:
    units = access_units(FRAMES)
    bare = (without_sets(data, Codec.H264) for data, _ in units[1:])
    (pi / "stream.h264").write_bytes(b"".join([units[0][0], *bare]))
    source = RpicamSource(Wanted(Size(64, 48), 25))
    source.open()
    found = [captured.unit for _ in units[:-1] if (captured := source.read(10.0)) is not None and captured.unit]
    assert [unit.data for unit in found if unit.keyframe] == [data for data, is_key in units[:-1] if is_key]
    assert [unit.keyframe for unit in found].count(True) > 1
    source.close()


@pytest.mark.parametrize(("stale_s", "runs"), [(0.0, 2), (60.0, 1)])
def test_what_came_before_anything_was_there_to_read_it_is_not_dated_when_it_is_read(
    pi: Path, monkeypatch: pytest.MonkeyPatch, stale_s: float, runs: int
) -> None:
    """The program is started anew if setting up rings, WebSocket and sound has taken long."""
    program = stand_in(pi, pi / "stream.h264")
    program.write_text(program.read_text().replace("dd if", f"echo run >>'{pi}/runs'\ndd if"))
    monkeypatch.setattr(rpicam, "STALE_S", stale_s)
    source = RpicamSource(Wanted(Size(64, 48), 25))
    source.open()
    for number in range(FRAMES - 1):
        captured = source.read(10.0)
        assert captured is not None and captured.unit is not None
        assert captured.unit.data == access_units(FRAMES)[number][0]
    assert (pi / "runs").read_text().split() == ["run"] * runs
    source.close()


def test_each_unit_has_the_time_at_which_its_own_picture_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the pipe cuts the stream: here each piece holds the end of one picture, two whole ones and a begin."""
    units = [data for data, _ in access_units(12)]
    begins = [sum(map(len, units[:number])) for number in range(len(units))]
    stream = b"".join(units)
    cuts = [0, *(begins[number] + len(units[number]) // 2 for number in range(0, len(units), 3)), len(stream)]
    waiting = [stream[begin:end] for begin, end in itertools.pairwise(cuts)]
    program = SimpleNamespace(receive=lambda _: waiting.pop(0) if waiting else None, close=lambda: None)
    monkeypatch.setattr(rpicam, "Program", lambda *_: program)
    clock = iter(range(1, 1000))
    times = SimpleNamespace(monotonic=time.monotonic, monotonic_ns=lambda: next(clock))
    monkeypatch.setattr(rpicam, "time", times)
    source = RpicamSource(Wanted())
    source.open()
    found = []
    while (captured := source.read(0.0)) is not None:
        assert captured.unit is not None
        found.append(captured.capture_ns)
    # The time of a piece is its number, from 1 on; a picture's slices begin behind its parameter sets.
    slices = [begin + data.rindex(b"\0\0\1") + 3 for begin, data in zip(begins, units, strict=True)]
    assert found == [sum(cut <= at for cut in cuts) for at in slices][:-1]
    assert len(set(found)) > 2


def test_a_program_that_ends_is_told_with_its_last_words(pi: Path) -> None:
    stand_in(pi, pi / "stream.h264", "echo 'ERROR: no cameras available' >&2; exit 3")
    source = RpicamSource(Wanted())
    source.open()
    with pytest.raises(SourceError, match="ended with 3: ERROR: no cameras available"):
        while True:
            source.read(10.0)
    source.close()


COMPLAINS = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("x" * 2_000_000, file=sys.stderr, flush=True)
signal.sigwait([signal.SIGUSR1])
print("later", file=sys.stderr, flush=True)
"""


def test_what_a_program_complains_of_for_months_takes_no_memory() -> None:
    program = Program([sys.executable, "-c", COMPLAINS], "")

    def size() -> int:
        return os.fstat(program._errors.fileno()).st_size

    try:
        wait_until(lambda: size() > 2_000_000, "it complains")
        assert program.receive(0) is None
        assert size() < 100_000
        program._process.send_signal(signal.SIGUSR1)
        assert program.receive(60) == b""
        assert program.end()[0] == 0
        assert program.said()[-1] == "later"
        assert size() < 100_000
    finally:
        program.close()


def test_a_program_that_ends_at_once_is_no_camera(pi: Path, ring: str) -> None:
    (pi / "nothing").touch()
    stand_in(pi, pi / "nothing", "echo 'ERROR: *** no cameras available ***' >&2; exit 255")
    command = [sys.executable, "-m", "hil.streamer", "--device", "rpicam", "--channel", f"{ring}:"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "rpicam-vid ended with 255: ERROR: *** no cameras available ***" in done.stderr
    assert not Path(f"/dev/shm{ring}").exists()


def test_a_camera_that_takes_its_time_to_begin_is_waited_for(pi: Path, ring: str) -> None:
    program = stand_in(pi, pi / "stream.h264")
    program.write_text(program.read_text().replace("dd if", "sleep 2.5\ndd if"))
    with streaming(ring, "--device", "rpicam", "--channel", f"{ring}:slots=60", "--stats") as process:
        wait_until(lambda: inspect(ring).frames == FRAMES - 1, "all of it, the first time it was started")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["camera"] == {}  # no incident


def test_junk_is_told_as_such(pi: Path) -> None:
    (pi / "junk").write_bytes(bytes(range(1, 251)) * 100_000)
    stand_in(pi, pi / "junk")
    source = RpicamSource(Wanted())
    with pytest.raises(SourceError, match="rpicam-vid: no end of") as caught:
        source.open()
        while True:
            source.read(0.1)
    assert "ended" not in str(caught.value)
    source.close()


def test_without_rpicam_vid_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="install rpicam-apps"):
        RpicamSource(Wanted()).open()


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
    assert all(frame.is_keyframe == (entry_point(frame.data, Codec.H264) is EntryPoint.IDR) for frame in frames)
    decoder: Any = av.CodecContext.create("h264", "r")
    pictures = [picture for frame in frames for picture in decoder.decode(av.Packet(frame.data))]
    assert len(pictures) >= 2 * FRAMES - 1
