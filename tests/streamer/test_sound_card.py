# SPDX-License-Identifier: Apache-2.0
"""camera-streamer --audio alsa:DEVICE on sound cards as they are, by a stand-in for arecord."""

import itertools
import json
import math
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray
from sound_card import installed
from streamers import PICTURES, TIMEOUT_S, command, end, pitch_hz, sounding, streaming, take

from hil.streamer.sound import alsa
from hil.streamer.sound.alsa import AlsaSource
from hil.streamer.sources.source import Captured, SourceError
from vshm_ctypes import Consumer, Frame

RATE = 48000


@pytest.fixture
def card(tmp_path: Path) -> Iterator[None]:
    """Devices of tests/helpers/sound_card.py."""
    with installed(tmp_path):
        yield


def samples(frames: list[Frame]) -> NDArray[numpy.int16]:
    """Return one channel of PCM."""
    return numpy.frombuffer(b"".join(frame.data for frame in frames), "<i2")[::2]


def heard(ring: str, words: str, count: int) -> tuple[list[Frame], dict[str, Any], str]:
    """Return the first frames of that sound, the books and the log."""
    with sounding(ring, f"alsa:{words},codec=pcm") as process:
        with Consumer(f"{ring}_sound", start="oldest") as stream:
            frames = take(stream, count)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    return frames, json.loads(out), err


# ---- other rates than asked for ----


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("hz", [16000, 44100, 96000])
@pytest.mark.parametrize("told", ["", ",told=warning", ",told=setup"])
def test_what_comes_at_another_rate_is_heard_as_it_was_from_the_first_frame_on(ring: str, hz: int, told: str) -> None:
    frames, books, log = heard(ring, f"card:tone=440,hz={hz}{told}", 100)
    assert f"it records at {hz} Hz, not at the {RATE} asked for: resampled" in log
    assert {frame.audio for frame in frames} == {(RATE, 2, RATE // 50)}
    for part in (frames[:50], frames[50:]):
        assert pitch_hz(samples(part), RATE) == pytest.approx(440, abs=2)
    lost = books["microphone"]["lost"]  # whoever is kept from its processor for too long loses some
    assert sum(frame.discontinuity for frame in frames) <= lost


@pytest.mark.usefixtures("card")
def test_a_rate_that_no_ring_has_is_resampled_where_the_card_tells_it(ring: str) -> None:
    frames, _, log = heard(ring, "card:tone=1000,hz=46875,told=setup", 100)
    assert "records at 46875 Hz" in log
    assert pitch_hz(samples(frames), RATE) == pytest.approx(1000, abs=1)


@pytest.mark.usefixtures("card")
def test_a_rate_that_changes_midway_is_followed(ring: str) -> None:
    frames, _, log = heard(ring, "card:tone=440,then=44100", 450)
    assert "it records at 44100 Hz" in log
    assert any(frame.discontinuity for frame in frames)
    for part in (frames[:50], frames[-50:]):
        assert pitch_hz(samples(part), RATE) == pytest.approx(440, abs=2)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("hz=0", "it has no clock: it delivers as fast as it is read; choose a device that records"),
        (
            "refuse=anything",
            "alsa:card:refuse=anything: it does not record 16-bit samples, but DSD_U8, and ALSA's plug can't convert "
            "it; choose another device (arecord -L)",
        ),
    ],
)
def test_what_can_not_be_used_is_refused(ring: str, words: str, why: str) -> None:
    words_of_it = [*PICTURES, "--channel", f"{ring}:", "--audio", f"alsa:card:{words},ring={ring}_sound"]
    outcome = subprocess.run(command(*words_of_it), capture_output=True, text=True, timeout=60, check=False)
    assert (outcome.returncode, why in outcome.stderr) == (1, True), outcome.stderr


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("refuse=channels", "it does not record 2 channels: ALSA's plug converts it"),
        ("refuse=format", "it does not record 16-bit samples, but S24_3LE, S32_LE: ALSA's plug converts it"),
        ("refuse=access,hz=16000,told=setup", "it does not record channels in turn: ALSA's plug converts it"),
    ],
)
def test_what_a_card_has_in_another_form_is_converted(ring: str, words: str, why: str) -> None:
    frames, _, log = heard(ring, f"card:tone=440,{words}", 100)
    assert f"alsa:card:tone=440,{words}: {why}" in log
    assert pitch_hz(samples(frames), RATE) == pytest.approx(440, abs=2)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("words", ["period=0.3", "stall=0.3,every=1", "stall=1,every=2", "ppm=200", "ppm=-200"])
def test_a_card_that_stalls_or_is_a_little_off_keeps_its_rate(ring: str, words: str) -> None:
    frames, _, log = heard(ring, f"card:tone=440,{words}", 250)
    assert "not at the" not in log and "opened again" not in log
    assert pitch_hz(samples(frames), RATE) == pytest.approx(440, abs=1)


# ---- the same without waiting, by a clock that the test sets ----


class Script:
    """A program that delivers what the test says, when it says so."""

    def __init__(self, pieces: list[tuple[float, int]], overrun_s: float) -> None:
        self._pieces = iter(pieces)
        self._overrun_s = overrun_s
        self.now_s = 0.0

    def receive(self, timeout_s: float) -> bytes | None:
        piece = next(self._pieces, None)
        if piece is None:
            return b""
        self.now_s = piece[0]
        return bytes(4 * piece[1])

    def said(self) -> list[str]:
        return ["overrun!!! (at least 200.000 ms long)"] if self.now_s >= self._overrun_s else []

    def end(self) -> tuple[int, list[str]]:
        return 1, []

    def close(self) -> None: ...


def captures(
    pieces: list[tuple[float, int]], monkeypatch: pytest.MonkeyPatch, overrun_s: float = math.inf
) -> list[Captured]:
    """Return what the source makes of so many samples at such times. overrun_s: when the program reports a loss."""
    script = Script(pieces, overrun_s)
    monkeypatch.setattr(alsa, "Program", lambda *_: script)
    monkeypatch.setattr("time.monotonic_ns", lambda: round(script.now_s * 1e9))
    source, found = AlsaSource("x", RATE, 2), []
    source.open()
    with pytest.raises(SourceError, match="arecord ended"):
        while (captured := source.read(1)) is not None:
            found.append(captured)
    return found


def test_the_first_sound_is_dated_by_the_least_late_of_what_came_while_the_rate_was_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late_s = [0.030, 0.020, 0.035, 0.001, 0.020, 0.030]
    first, *others = captures([(1 + at / 10 + late_s[at % 6], 4800) for at in range(20)], monkeypatch)
    assert first.capture_ns == pytest.approx(0.901 * 1e9, abs=1_000_000)
    assert first.sound is not None and first.sound.samples >= 5 * 4800
    end_ns = first.capture_ns + first.sound.samples * 10**9 // RATE
    assert others[0].capture_ns == pytest.approx(end_ns, abs=1_000_000)
    assert sum(one.sound.samples for one in (first, *others) if one.sound) == 20 * 4800


@pytest.mark.parametrize("tremble_s", [0.0, 0.05])
@pytest.mark.parametrize("hz", [37000, 27000, 70000])
def test_a_rate_that_is_not_in_use_is_refused(hz: int, tremble_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"alsa:x: it delivers \d+ samples a second, where 48000 were expected"):
        captures([(1 + at / 50 + at * 7 % 3 * tremble_s, hz // 50) for at in range(1000)], monkeypatch)


@pytest.mark.parametrize("share", [0.97, 0.995, 1.005, 1.03])
def test_a_clock_that_is_far_off_is_followed_once_it_is_known(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    found = captures([(1 + (at + 1) * 0.1 / share, 4800) for at in range(600)], monkeypatch)
    assert {one.sound.sample_rate for one in found[:50] if one.sound} == {RATE}
    for one in found[-100:]:
        assert one.sound is not None and one.sound.sample_rate == pytest.approx(RATE * share, rel=0.001)
        begin_s = 1 + round((one.capture_ns / 1e9 - 1) * share / 0.1) * 0.1 / share
        assert one.capture_ns / 1e9 == pytest.approx(begin_s, abs=0.005)


def test_a_program_that_ends_at_once_loses_nothing_of_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    (only,) = captures([(1.0, 480), (1.01, 480), (1.02, 481)], monkeypatch)
    assert only.sound is not None and only.sound.samples == 1441


@pytest.mark.parametrize("overrun_s", [5.0, math.inf])
def test_late_sound_is_lost_only_where_arecord_says_so(overrun_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine: two seconds of sound, each piece a fifth of a second late."""
    pieces = [(1 + at / 20 + (0.2 if 80 <= at < 120 else 0), 2400) for at in range(200)]
    found = captures(pieces, monkeypatch, overrun_s)
    assert sum(one.discontinuity for one in found) == (1 if overrun_s < 9 else 0)
    if overrun_s > 9:
        begin_s = [one.capture_ns / 1e9 for one in found[-100:]]
        assert begin_s == pytest.approx([1 + (at - 1) / 20 for at in range(100, 200)], abs=0.01)


# ---- cards that come and go ----


STAND_IN = """#!/usr/bin/env python3
import os, sys, time
device = sys.argv[sys.argv.index("--device") + 1]
if device == "nowhere":
    sys.exit("arecord: main:831: audio open error: No such file or directory")
end = time.monotonic() + 0.5
while device != "once" or time.monotonic() < end:
    os.write(1, bytes([0, 64]) * 960)
    time.sleep(0.01)
sys.exit("arecord: pcm_read:2221: read error: No such device")
"""


@pytest.fixture
def arecord(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bin" / "arecord"
    path.parent.mkdir()
    path.write_text(STAND_IN)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=":")
    return path


def test_a_microphone_that_goes_away_comes_back_with_a_discontinuity(ring: str, arecord: Path) -> None:
    with sounding(ring, "alsa:once,codec=pcm") as process:
        with Consumer(f"{ring}_sound", start="oldest") as stream:
            frames = take(stream, 60)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0
    told = json.loads(out)
    assert told["microphone"]["absent"] >= 1
    assert told["channels"][f"{ring}_sound"]["imbalance"] is None
    assert "alsa:once: No such device" in err and "it is there again" in err
    assert sum(frame.discontinuity for frame in frames[1:]) >= 1
    assert all(after.capture_ns > before.capture_ns for before, after in itertools.pairwise(frames))
    assert {frame.data for frame in frames} == {bytes([0, 64]) * 1920}


def test_a_microphone_that_is_not_there_is_told_or_waited_for(ring: str, arecord: Path) -> None:
    words = [*PICTURES, "--channel", f"{ring}:", "--audio", f"alsa:nowhere,ring={ring}_sound"]
    outcome = subprocess.run(command(*words), capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 1
    assert "alsa:nowhere: No such file or directory; arecord -L tells which there are" in outcome.stderr
    with streaming(ring, *words, "--wait") as process:
        with Consumer(ring) as pictures:
            take(pictures, 3)
        arecord.write_text(STAND_IN.replace('"nowhere"', '"elsewhere"'))
        with Consumer(f"{ring}_sound") as stream:
            take(stream, 3)
        end(process)


def test_without_arecord_it_says_what_to_install(ring: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    words = [*PICTURES, "--channel", f"{ring}:", "--audio", f"alsa:default,ring={ring}_sound"]
    outcome = subprocess.run(command(*words), capture_output=True, text=True, timeout=60, check=False)
    assert (outcome.returncode, "install alsa-utils" in outcome.stderr) == (1, True), outcome.stderr
