# SPDX-License-Identifier: Apache-2.0
"""camera-streamer --audio: sound in its ring, in every codec, dated by its first sample, whatever the source does."""

import itertools
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from numpy.typing import NDArray
from streamers import TIMEOUT_S, command, end, streaming, take

from hil.streamer.channels import ChannelError
from hil.streamer.sound.cutter import Cutter
from hil.streamer.sound.options import Sound
from hil.streamer.sound.sample_clock import LEAK, LOSS_NS, SampleClock
from hil.streamer.sound.testaudio import LEVEL, TONE_S
from hil.streamer.sources.source import Captured
from vshm_ctypes import Codec, Consumer, Frame, Media, inspect

DECODERS = {Codec.AAC: "aac", Codec.OPUS: "opus", Codec.PCM_S16LE: "pcm_s16le"}
MS = 1_000_000
PICTURES = ["--device", "testsrc:320x240@5", "--stats"]


def decoded(frames: list[Frame]) -> NDArray[numpy.float64]:
    """One channel of what a decoder makes of them, from -1 to 1, beginning with the first frame's first sample."""
    sound = frames[0].audio
    assert sound is not None
    context: Any = av.CodecContext.create(DECODERS[Codec(frames[0].codec)], "r")
    context.sample_rate, context.layout = sound.sample_rate, {1: "mono", 2: "stereo"}[sound.channels]
    resampler = av.AudioResampler(format="flt", layout="mono", rate=sound.sample_rate)
    parts = []
    for frame in frames:
        packet = av.Packet(frame.data)
        packet.time_base = Fraction(1, sound.sample_rate)
        for piece in context.decode(packet):
            piece.pts = None
            parts += [part.to_ndarray()[0] for part in resampler.resample(piece)]
    return numpy.concatenate(parts).astype(float)


def onsets_ns(frames: list[Frame]) -> list[float]:
    """When tones begin: where silence of 0.2 s is followed by sound, on CLOCK_MONOTONIC by the frames' own times."""
    sound = frames[0].audio
    assert sound is not None
    loud = numpy.abs(decoded(frames)) > LEVEL / 4
    quiet = round(0.2 * sound.sample_rate)
    found: list[float] = []
    for at in numpy.flatnonzero(loud):
        if at >= quiet and not loud[at - quiet : at].any():
            frame, within = frames[at // sound.samples], at % sound.samples
            found.append(float(frame.capture_ns + within * 1e9 / sound.sample_rate))
    return found


@contextmanager
def sounding(ring: str, words: str) -> Iterator["subprocess.Popen[str]"]:
    sound = f"{ring}_sound"
    with streaming(sound, *PICTURES, "--channel", f"{ring}:", "--audio", f"{words},ring={sound}") as process:
        yield process


@pytest.mark.parametrize(
    ("words", "codec", "rate", "channels", "samples"),
    [
        ("codec=opus", Codec.OPUS, 48000, 2, 960),
        ("codec=opus,rate=16000,channels=1,bit_rate=24k", Codec.OPUS, 16000, 1, 320),
        ("codec=aac", Codec.AAC, 48000, 2, 1024),
        ("codec=aac,rate=44100,channels=1", Codec.AAC, 44100, 1, 1024),
        ("codec=pcm", Codec.PCM_S16LE, 48000, 2, 960),
        ("codec=pcm,rate=8000,channels=1", Codec.PCM_S16LE, 8000, 1, 160),
    ],
)
def test_the_tone_is_where_its_time_says_in_every_codec(
    ring: str, words: str, codec: Codec, rate: int, channels: int, samples: int
) -> None:
    with sounding(ring, f"testaudio,{words}") as process:
        with Consumer(f"{ring}_sound") as stream:
            frames = take(stream, round(2.3 * rate / samples))
            assert inspect(stream.ring).media == Media.AUDIO
        books = end(process)
    assert {(frame.codec, frame.audio) for frame in frames} == {(codec, (rate, channels, samples))}
    assert all(frame.is_keyframe and frame.missed_before == 0 for frame in frames)
    steps = {round(after.capture_ns - before.capture_ns, -5) for before, after in itertools.pairwise(frames)}
    assert steps == {round(samples * 1e9 / rate, -5)}
    onsets = onsets_ns(frames)
    assert len(onsets) >= 1
    for onset in onsets:
        off_ms = (onset + 500 * MS) % (1000 * MS) / MS - 500
        assert -4 < off_ms < 4
    told = books[f"{ring}_sound"]
    assert told["imbalance"] is None
    assert told["captured"] == told["written"] > len(frames) - 1
    assert told["encoder_dropped"] == told["source_error"] == told["refused"] == told["ring_dropped"] == 0
    assert books[ring]["imbalance"] is None


def test_the_sound_of_a_file_ends_and_the_pictures_go_on(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=22050, layout="mono")
        wave = (numpy.sin(numpy.arange(22050) * 2 * numpy.pi * 440 / 22050) * 16000).astype(numpy.int16)
        frame = av.AudioFrame.from_ndarray(wave[None, :], format="s16", layout="mono")
        frame.sample_rate = 22050
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with sounding(ring, f"file:{path},codec=pcm,rate=16000,channels=1") as process:
        with Consumer(f"{ring}_sound", start="oldest") as sound, Consumer(ring) as pictures:
            frames = take(sound, 49)
            assert sound.receive(timeout=1.0) is None
            take(pictures, 3)
        books = end(process)
    found = decoded(frames)
    peak = numpy.argmax(numpy.abs(numpy.fft.rfft(found))) * 16000 / len(found)
    assert peak == pytest.approx(440, abs=2)
    assert 49 <= books[f"{ring}_sound"]["written"] <= 50


def test_what_can_not_be_meant_is_refused_before_anything_starts() -> None:
    for words, why in {
        "alsa:hw:0,codec=mp3": "one of opus, aac, pcm",
        "testaudio,rate=44100": "opus takes 8000",
        "testaudio,channels=3": "channels=3: 1 or 2",
        "jack:x": "alsa:DEVICE, file:PATH or testaudio",
        "alsa:": "alsa:DEVICE, file:PATH or testaudio",
        "testaudio,bit_rate=1k": "from 6k to 510k",
        "testaudio,ring=video_stream": "pictures and sound for one ring",
    }.items():
        outcome = subprocess.run(
            command("--device", "testsrc", "--audio", words), capture_output=True, text=True, timeout=60, check=False
        )
        assert (outcome.returncode, why in outcome.stderr) == (2, True), outcome.stderr


def test_a_devices_own_commas_and_equals_signs_stay_with_it() -> None:
    assert Sound.parse("alsa:hw:Loopback,1,codec=aac,rate=44100") == Sound(
        "alsa:hw:Loopback,1", codec="aac", rate=44100
    )
    assert Sound.parse("alsa:plughw:CARD=Loopback,DEV=1").source == "alsa:plughw:CARD=Loopback,DEV=1"
    assert Sound.parse("file:a,b.wav,ring=x,bit_rate=64k") == Sound("file:a,b.wav", ring="/x", bit_rate=64000)
    with pytest.raises(ChannelError, match="not a ring's name"):
        Sound.parse("testaudio,ring=a/b")


# ---- times ----


def test_the_least_late_tells_the_time_of_the_rest() -> None:
    clock = SampleClock(48000)
    delays = [7, 3, 9, 0, 30, 2, 25, 1]  # ms that each tenth of a second came late
    times = [clock.first_ns(4800, (at * 100 + 100 + late) * MS)[0] / MS for at, late in enumerate(delays)]
    for at, (time_ms, least) in enumerate(zip(times, [7, 3, 3, 0, 0, 0, 0, 0], strict=True)):
        assert time_ms == pytest.approx(at * 100 + least, abs=100 * 8 / LEAK + 0.01)


def test_a_clock_that_drifts_is_followed() -> None:
    clock = SampleClock(48000)
    for at in range(3000):  # a card that is slower by a ten-thousandth
        begin_ns, lost = clock.first_ns(4800, round((at + 1) * 100 * MS * 1.0001))
        assert not lost
    assert abs(begin_ns - 2999 * 100 * MS * 1.0001) < 2 * MS


def test_lost_sound_is_noticed_and_a_hold_up_is_none() -> None:
    clock = SampleClock(48000)
    came_ms, losses = 0.0, []
    for at in range(60):
        came_ms += 20 + (300 if at == 20 else 0)
        _, lost = clock.first_ns(960, round(came_ms * MS))
        losses.append(lost)
    assert losses.index(True) in range(44, 48) and losses.count(True) == 1
    clock = SampleClock(48000)
    assert not any(clock.first_ns(960, (at * 20 + (400 if at in (20, 21, 22) else 20)) * MS)[1] for at in range(60))
    assert LOSS_NS > 20 * MS


def chunk(samples: int, rate: int = 48000) -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="stereo", samples=samples)
    frame.planes[0].update(bytes(samples * 4))
    frame.sample_rate = rate
    return frame


def test_sound_is_cut_to_frames_that_follow_each_other_without_a_gap() -> None:
    cutter = Cutter(Sound("testaudio", codec="pcm"))
    found, at = [], 0
    for samples in (100, 959, 1, 3000, 7, 953, 2000):
        found += [told for _, told in cutter.cut(Captured(10**12 + at * 10**9 // 48000, sound=chunk(samples)))]
        at += samples
    assert len(found) == at // 960
    for number, told in enumerate(found):
        assert told.capture_ns == pytest.approx(10**12 + number * 20 * MS, abs=2)
    assert not any(told.discontinuity for told in found)


@pytest.mark.parametrize("flagged", [False, True])
def test_a_frame_is_never_made_of_two_sides_of_a_gap(flagged: bool) -> None:
    cutter = Cutter(Sound("testaudio", codec="pcm"))
    assert list(cutter.cut(Captured(0, sound=chunk(500)))) == []
    after_ns = 500 * 10**9 // 48000 if flagged else 1000 * MS
    ((_, told),) = cutter.cut(Captured(after_ns, sound=chunk(1000), discontinuity=flagged))
    assert (told.capture_ns, told.discontinuity) == (after_ns, True)
    ((_, told),) = cutter.cut(Captured(after_ns + 1000 * 10**9 // 48000, sound=chunk(920)))
    assert not told.discontinuity


# ---- a microphone, by a stand-in for arecord ----

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
    assert TONE_S < 1
