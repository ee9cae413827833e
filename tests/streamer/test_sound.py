# SPDX-License-Identifier: Apache-2.0
"""camera-streamer --audio: sound in its ring, in every codec, dated by its first sample, whatever the source does."""

import itertools
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from numpy.typing import NDArray
from streamers import command, end, pitch_hz, sounding, take

from hil.streamer.channels import ChannelError
from hil.streamer.sound.options import Sound
from hil.streamer.sound.testaudio import BEHIND_S, LEVEL
from vshm_ctypes import Codec, Consumer, Frame, Media, inspect

DECODERS = {Codec.AAC: "aac", Codec.OPUS: "opus", Codec.PCM_S16LE: "pcm_s16le"}
MS = 1_000_000


def decoded(frames: list[Frame]) -> NDArray[numpy.float64]:
    """Return one decoded channel, from -1 to 1, beginning with the first frame's first sample."""
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
    """Return when tones begin after 0.2 s of silence, on CLOCK_MONOTONIC by the frames' own times."""
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
    # A machine that stands for longer makes the source go on at the present.
    assert {step for step in steps if step < BEHIND_S * 1e9} == {round(samples * 1e9 / rate, -5)}
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
    assert pitch_hz(decoded(frames), 16000) == pytest.approx(440, abs=2)
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
