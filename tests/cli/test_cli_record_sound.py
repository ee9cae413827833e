# SPDX-License-Identifier: Apache-2.0
"""vshm record --audio: pictures and sound in one file, each where its time of capture says."""

import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import av
import numpy
import pytest
from encoded import FPS, HEIGHT, WIDTH, access_units, decoded
from vshm import Outcome, vshm
from writers import wait_until, wait_until_stopped
from written_sound import BEGIN_NS, MS, TONE_MS, frames_of_sound, write_sound

from hil.streamer.sound.options import CODECS
from vshm_ctypes import AudioFormat, Media, Producer

PICTURES = 50


def write_pictures(producer: Producer) -> None:
    for number, (data, keyframe) in enumerate(access_units(PICTURES)):
        with producer.reserve() as slot:
            slot.data[: len(data)] = data
            capture_ns = BEGIN_NS + number * 1000 * MS // FPS
            slot.commit(len(data), keyframe=keyframe, width=WIDTH, height=HEIGHT, fps=FPS, capture_ns=capture_ns)


def record(ring: str, path: Path, *words: str) -> Outcome:
    audio = ["--audio", f"{ring}_sound"]
    return vshm("record", ring, "-o", str(path), "--from", "oldest", "-c", str(PICTURES), *audio, "--json", *words)


def onsets_ms(path: Path) -> list[float]:
    """Return when tones begin, in ms after the file's first picture."""
    with av.open(str(path)) as container:
        first = next(container.decode(video=0)).time or 0.0
    times, levels = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().reshape(-1).astype(float)
            levels.append(samples / (32768 if frame.format.name.startswith("s16") else 1))
            times.append((frame.time or 0.0) + numpy.arange(frame.samples) / frame.sample_rate)
    time_s, loud = numpy.concatenate(times), numpy.abs(numpy.concatenate(levels)) > 0.1
    assert all(after - before > -0.002 for before, after in itertools.pairwise(time_s))  # Matroska counts in ms
    heard = time_s[loud]
    starts = [heard[0], *(after for before, after in itertools.pairwise(heard) if after - before > 0.2)]
    return [float(start - first) * 1000 for start in starts]


@pytest.fixture
def rings(ring: str) -> Iterator[tuple[Producer, Producer]]:
    with (
        Producer(ring, slots=100, slot_size=16384) as pictures,
        Producer(f"{ring}_sound", slots=200, slot_size=4096, media=Media.AUDIO) as sound,
    ):
        yield pictures, sound


@pytest.mark.parametrize("begin_ms", [-200, 0, 137])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize(("codec", "rate"), [("opus", 48000), ("aac", 44100), ("pcm", 16000)])
def test_pictures_and_sound_are_where_their_times_say(
    rings: tuple[Producer, Producer], ring: str, tmp_path: Path, codec: str, rate: int, ending: str, begin_ms: int
) -> None:
    pictures, sound = rings
    path = tmp_path / f"clip.{ending}"
    count = write_sound(sound, codec, rate, begin_ms)
    write_pictures(pictures)
    outcome = record(ring, path)
    assert (outcome.code, outcome.err) == (0, "")
    told = outcome.json
    assert (told["frames"], told["sound_ring"], told["sound_missed"]) == (PICTURES, f"{ring}_sound", 0)
    early = -(begin_ms * rate // 1000) / (1024 if codec == "aac" else rate / 50) if begin_ms <= 0 else 0
    assert count - early - 2 <= told["sound_frames"] <= count - early + 1
    shown = decoded(str(path))
    assert [number for _, number in shown] == [number % 20 for number in range(PICTURES)]
    steps = [round((time_s - shown[0][0]) * 1000) for time_s, _ in shown]
    assert steps == pytest.approx([number * 1000 / FPS for number in range(PICTURES)], abs=2)
    assert onsets_ms(path) == pytest.approx(TONE_MS, abs=3)


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_sound_behind_a_gap_stays_where_it_belongs(
    rings: tuple[Producer, Producer], ring: str, tmp_path: Path, ending: str
) -> None:
    pictures, sound = rings
    path = tmp_path / f"clip.{ending}"
    count = write_sound(sound, "pcm", 16000, 0, but=range(30, 55))
    write_pictures(pictures)
    assert record(ring, path).json["sound_frames"] == count
    assert onsets_ms(path) == pytest.approx(TONE_MS, abs=3)


def test_times_that_tremble_make_no_gaps(rings: tuple[Producer, Producer], ring: str, tmp_path: Path) -> None:
    pictures, sound = rings
    path = tmp_path / "clip.mkv"
    for number, (capture_ns, data) in enumerate(frames_of_sound("pcm", 16000, 0)):
        with sound.reserve() as slot:
            slot.data[: len(data)] = data
            trembling_ns = capture_ns + number % 3 * 2 * MS
            meta = AudioFormat(16000, 1, 320).meta()
            slot.commit(len(data), codec=CODECS["pcm"], capture_ns=trembling_ns, **meta)
    write_pictures(pictures)
    assert record(ring, path).code == 0
    with av.open(str(path)) as container:
        times = [(frame.time or 0.0) * 1000 for frame in container.decode(audio=0)]
    assert [after - before for before, after in itertools.pairwise(times)] == pytest.approx(
        [20] * (len(times) - 1), abs=0.01
    )


def test_a_sound_card_that_runs_fast_stays_beside_the_pictures(
    rings: tuple[Producer, Producer], ring: str, tmp_path: Path
) -> None:
    """Its times of capture fall behind the count of its samples."""
    pictures, sound = rings
    path = tmp_path / "clip.mkv"
    for capture_ns, data in frames_of_sound("pcm", 16000, 0):
        with sound.reserve() as slot:
            slot.data[: len(data)] = data
            slow_ns = BEGIN_NS + round((capture_ns - BEGIN_NS) * 0.8)
            slot.commit(len(data), codec=CODECS["pcm"], capture_ns=slow_ns, **AudioFormat(16000, 1, 320).meta())
    write_pictures(pictures)
    assert record(ring, path).code == 0
    with av.open(str(path)) as container:
        times = [(packet.pts or 0) / 1000 for packet in container.demux(audio=0) if packet.size]
    assert times == pytest.approx([number * 0.016 for number in range(len(times))], abs=0.012)
    assert all(after > before for before, after in itertools.pairwise(times))


def test_pcm_of_a_rate_that_mp4_can_not_say_is_refused(
    rings: tuple[Producer, Producer], ring: str, tmp_path: Path
) -> None:
    """Players would take it for another rate."""
    pictures, sound = rings
    meta = AudioFormat(96000, 1, 960).meta()
    with sound.reserve() as slot:
        slot.commit(1920, codec=CODECS["pcm"], capture_ns=BEGIN_NS, **meta)
    write_pictures(pictures)
    outcome = record(ring, tmp_path / "clip.mp4")
    assert (outcome.code, "PCM of 96000 Hz does not go into .mp4" in outcome.err) == (1, True)
    assert record(ring, tmp_path / "clip.mkv").code == 0


def test_sound_that_ends_leaves_the_pictures_alone(rings: tuple[Producer, Producer], ring: str, tmp_path: Path) -> None:
    pictures, sound = rings
    path = tmp_path / "clip.mp4"
    write_sound(sound, "opus", 48000, 0)
    recorder = Thread(target=lambda: outcomes.append(record(ring, path)))
    outcomes: list[Outcome] = []
    recorder.start()
    wait_until(path.exists, "it records")
    sound.close()
    write_pictures(pictures)
    recorder.join()
    assert outcomes[0].code == 0
    assert f"{ring}_sound: the sound has ended, the pictures go on; with --reconnect so would sound" in outcomes[0].err
    assert len(decoded(str(path))) == PICTURES
    assert onsets_ms(path) == pytest.approx(TONE_MS, abs=3)


@pytest.mark.parametrize("later", [False, True])
def test_only_sound_that_was_lost_beside_pictures_is_a_loss(ring: str, tmp_path: Path, later: bool) -> None:
    """A reader that starts at the oldest frame of a full ring is lapped while the file is opened."""
    path = tmp_path / "clip.mkv"
    command = [sys.executable, "-m", "vshm_ctypes", "record", ring, "--audio", f"{ring}_sound", "-o", str(path)]
    with (
        Producer(ring, slots=100, slot_size=16384) as pictures,
        Producer(f"{ring}_sound", slots=30, slot_size=4096, media=Media.AUDIO) as sound,
    ):
        write_sound(sound, "pcm", 16000, -1500, but=range(30, 1000))
        with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True) as process:
            wait_until(path.exists, "it records")
            if later:
                write_pictures(pictures)
                write_sound(sound, "pcm", 16000, 0, but=range(5, 1000))
                wait_until(lambda: path.stat().st_size > 0, "pictures are in the file")
                time.sleep(0.7)  # the sound too
            process.send_signal(signal.SIGSTOP)
            wait_until_stopped(process.pid)
            write_sound(sound, "pcm", 16000, 500 if later else -800, but=range(40, 1000))
            process.send_signal(signal.SIGCONT)
            time.sleep(0.7)
            write_pictures(pictures)
            write_sound(sound, "pcm", 16000, 1500, but=range(10, 1000))
            time.sleep(0.7)
            pictures.close()
            told = json.loads(process.communicate(timeout=60)[0])
    assert told["sound_frames"] >= 10
    assert (told["sound_missed"] > 0, process.returncode) == (later, int(later))


def test_no_sound_is_told_and_leaves_no_file(rings: tuple[Producer, Producer], ring: str, tmp_path: Path) -> None:
    pictures, _ = rings
    write_pictures(pictures)
    outcome = record(ring, tmp_path / "clip.mp4")
    assert outcome.code == 1
    assert f"{ring}_sound: no sound within 2 s: start its writer, or record without --audio" in outcome.err
    assert list(tmp_path.iterdir()) == []
    assert record(f"{ring}_nonesuch", tmp_path / "clip.mp4").code == 3


def test_a_raw_stream_has_no_room_for_sound(rings: tuple[Producer, Producer], ring: str, tmp_path: Path) -> None:
    outcome = record(ring, tmp_path / "clip.h264")
    assert (outcome.code, "--audio: pictures and sound go together into .mp4" in outcome.err) == (2, True)


def test_a_ring_of_pictures_is_no_sound(rings: tuple[Producer, Producer], ring: str, tmp_path: Path) -> None:
    pictures, _ = rings
    write_pictures(pictures)
    outcome = record(ring, tmp_path / "clip.mp4", "--audio", ring)
    assert (outcome.code, f"{ring} has h264: pictures, and --audio wants sound" in outcome.err) == (2, True)


def test_aac_without_its_header_is_refused(rings: tuple[Producer, Producer], ring: str, tmp_path: Path) -> None:
    pictures, sound = rings
    meta = AudioFormat(48000, 1, 1024).meta()
    with sound.reserve() as slot:
        slot.commit(100, codec=CODECS["aac"], capture_ns=BEGIN_NS + 10 * MS, **meta)
    write_pictures(pictures)
    outcome = record(ring, tmp_path / "clip.mp4")
    assert (outcome.code, "no AAC with an ADTS header" in outcome.err) == (1, True)
