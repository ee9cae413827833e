# SPDX-License-Identifier: Apache-2.0
"""camera-streamer --audio on the kernel's loopback sound card: what is played on one side is recorded on the other."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy
import pytest

from hil.streamer.sound.resampler import SOFTLY
from hil.suite.streaming import streaming, take, take_until_break, wait_until
from vshm_ctypes import AudioFormat, Consumer, Frame

pytestmark = [pytest.mark.capability("snd-aloop"), pytest.mark.xdist_group("snd_aloop"), pytest.mark.ring]
RATE, TONE_HZ, SECONDS = 48000, 1000, 300
PITCH_HZ = TONE_HZ * SOFTLY + 1  # the largest change of speed, plus the resolution of the FFT
DRIVER = Path("/sys/bus/platform/drivers/snd_aloop")
CARD = Path("/proc/asound/Loopback")
PLAYED = CARD / "pcm0p/sub0/hw_params"
REMEDY = "needs root, arecord (alsa-utils) and the kernel's snd-aloop: hil vm has them"


@pytest.fixture
def loopback() -> Iterator[str]:
    """The recording side, as camera-streamer takes it."""
    if os.geteuid() != 0 or not shutil.which("arecord") or subprocess.run(["modprobe", "snd-aloop"]).returncode:
        pytest.skip(REMEDY)
    wait_until(CARD.exists, "the card is there")
    yield "alsa:hw:Loopback,1,0"
    if not CARD.exists():
        (DRIVER / "bind").write_text("snd_aloop.0")


@contextmanager
def playing(folder: Path, rate: int = RATE) -> Iterator[None]:
    """Play a tone on the other side during the block, in both channels and at the card's rate."""
    wave = numpy.sin(2 * numpy.pi * TONE_HZ * numpy.arange(rate) / rate) * 16000
    path = folder / "tone.raw"
    path.write_bytes(wave.astype("<i2").repeat(2).tobytes() * SECONDS)
    words = ["aplay", "-q", "-D", "hw:Loopback,0,0", "-f", "S16_LE", "-r", str(rate), "-c", "2", "-t", "raw"]
    with subprocess.Popen([*words, str(path)], stderr=subprocess.DEVNULL) as player:
        try:
            wait_until(lambda: f"rate: {rate}" in PLAYED.read_text(), "it plays")
            yield
        finally:
            player.kill()


@pytest.fixture
def tone(loopback: str, tmp_path: Path) -> Iterator[None]:
    """A tone at the rate that camera-streamer asks for."""
    with playing(tmp_path):
        yield


def words(ring: str, source: str) -> list[str]:
    picture = f"{ring}_picture:320x180@5,encoder=libx264"
    return ["--device", "testsrc", "--channel", picture, "--audio", f"{source},codec=pcm,ring={ring}"]


def pitch_hz(frames: list[Frame]) -> float:
    """Return the frequency of the loudest tone in the frames."""
    left = numpy.concatenate([numpy.frombuffer(frame.data, "<i2")[::2] for frame in frames]).astype(float)
    return float(numpy.argmax(numpy.abs(numpy.fft.rfft(left))) * RATE / len(left))


def test_what_the_sound_card_hears_is_in_the_ring_at_its_time(tone: None, loopback: str, ring: str) -> None:
    """What the sound card records is in the ring, at its pitch and with its times of capture.

    Would catch: lost or repeated samples, times that do not go on with the samples.
    """
    with streaming(ring, *words(ring, loopback)) as streamer:
        with Consumer(ring) as stream:
            take(stream, 50)  # a player that has just started is heard from its first period on
            frames = take(stream, 250)
        streamer.end()
    assert {frame.audio for frame in frames} == {AudioFormat(RATE, 2, RATE // 50)}
    assert abs(pitch_hz(frames) - TONE_HZ) < PITCH_HZ
    assert all(frame.capture_ns < frame.publish_ns for frame in frames)
    assert all(after.capture_ns > before.capture_ns for before, after in itertools.pairwise(frames))
    seconds = (frames[-1].capture_ns - frames[0].capture_ns) / 1e9
    lost = streamer.summary["microphone"]["lost"]  # on a busy machine some sound is lost
    assert lost or abs(seconds - (len(frames) - 1) / 50) < 0.05
    books = streamer.books(ring)
    assert books["imbalance"] is None
    assert books["captured"] == books["written"]


def test_a_sound_card_that_goes_away_comes_back_after_a_discontinuity(loopback: str, ring: str) -> None:
    """A sound card that goes away is opened again once it is back, and a discontinuity marks the gap.

    Would catch: a microphone that is silent until somebody restarts it, a gap that readers do not see.
    """
    with streaming(ring, *words(ring, loopback)) as streamer, Consumer(ring) as stream:
        take(stream, 10)
        (DRIVER / "unbind").write_text("snd_aloop.0")
        streamer.wait_for_log("it is opened again")
        (DRIVER / "bind").write_text("snd_aloop.0")
        streamer.wait_for_log("it is there again")
        take_until_break(stream)
        take(stream, 10)
        streamer.end()
    assert streamer.books(ring)["imbalance"] is None
    assert sum(streamer.summary["microphone"].values()) >= 1


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_sound_card_that_records_at_another_rate_is_resampled(
    loopback: str, ring: str, tmp_path: Path, rate: int
) -> None:
    """Sound from a card that records at another rate is resampled to the rate that was asked for.

    Would catch: sound that plays too fast or too slow.
    """
    with playing(tmp_path, rate), streaming(ring, *words(ring, loopback)) as streamer:
        with Consumer(ring, start="oldest") as stream:
            frames = take(stream, 150)
        streamer.end()
    assert f"it records at {rate} Hz, not at the {RATE} asked for: resampled" in streamer.log
    assert {frame.audio for frame in frames} == {AudioFormat(RATE, 2, RATE // 50)}
    assert abs(pitch_hz(frames[50:]) - TONE_HZ) < PITCH_HZ
