# SPDX-License-Identifier: Apache-2.0
"""Pictures and sound of one file, each played by a source of its own, keep the distance that they have in it."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from clips import FPS, HEIGHT, WIDTH, X264, picture
from own_clock import Clock

from hil.streamer.sound.file import SoundFile
from hil.streamer.sources.file import FileSource
from hil.streamer.sources.source import Captured
from hil.streamer.sources.timeline import Timelines

RATE, SAMPLES = 48000, 960


def clip(path: Path, pictures_s: list[float], sound_s: list[float]) -> Path:
    """Return a file with pictures and frames of sound at those times."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=FPS, options=X264)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        audio: Any = container.add_stream("pcm_s16le" if path.suffix != ".ts" else "mp2", rate=RATE, layout="mono")
        packets = []
        for number, time_s in enumerate(pictures_s):
            frame = picture(number)
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            packets += video.encode(frame)
        packets += video.encode(None)
        for time_s in sound_s:
            samples = numpy.zeros((1, SAMPLES), numpy.int16)
            sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = RATE, round(time_s * RATE), Fraction(1, RATE)
            packets += audio.encode(sound)
        packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def play(path: Path, loop: bool, most: int) -> tuple[list[Captured], list[Captured]]:
    """Return pictures and sound, read by turns, as their threads would; so many pictures, or all."""
    clock = Clock()
    timeline = Timelines().of(str(path))
    timeline.clock = clock
    timeline.sleep = lambda seconds: clock.sleep(min(seconds, 0.001))
    sources: list[Any] = [FileSource(str(path), loop, timeline), SoundFile(str(path), loop, timeline)]
    found: tuple[list[Captured], list[Captured]] = ([], [])
    for source in sources:
        source.open()
    going = [0, 1]
    while going and len(found[0]) < most:
        for at in list(going):
            try:
                captured = sources[at].read(0.0005)
            except EOFError:
                going.remove(at)
                continue
            found[at].extend([captured] if captured else [])
    for source in sources:
        source.close()
    return found


def steps(count: int, length_s: float, begin_s: float) -> list[float]:
    return [begin_s + number * length_s for number in range(count)]


@pytest.mark.parametrize("name", ["clip.mkv", "clip.ts"])
@pytest.mark.parametrize(("pictures_s", "sound_s"), [(0.0, 0.48), (0.48, 0.0), (100.0, 100.24)])
def test_pictures_and_sound_keep_their_distance(tmp_path: Path, name: str, pictures_s: float, sound_s: float) -> None:
    path = clip(tmp_path / name, steps(50, 1 / FPS, pictures_s), steps(100, 0.02, sound_s))
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.start_time is not None
        assert audio.start_time is not None and video.time_base is not None and audio.time_base is not None
        apart_s = float(audio.start_time * audio.time_base - video.start_time * video.time_base)
    assert apart_s == pytest.approx(sound_s - pictures_s, abs=0.03)  # an encoder of sound looks ahead
    pictures, sounds = play(path, False, 1000)
    assert len(pictures) == 50
    assert min(pictures[0].capture_ns, sounds[0].capture_ns) >= 5000 * 10**9  # nothing is late from the begin
    assert (sounds[0].capture_ns - pictures[0].capture_ns) / 1e9 == pytest.approx(apart_s, abs=0.002)
    assert sum(captured.sound.samples for captured in sounds if captured.sound) >= 99 * SAMPLES


def test_rounds_begin_together_though_the_sound_is_shorter(tmp_path: Path) -> None:
    path = clip(tmp_path / "clip.mkv", steps(25, 1 / FPS, 0), steps(40, 0.02, 0.1))
    pictures, sounds = play(path, True, 200)
    rounds = [captured.capture_ns for number, captured in enumerate(pictures) if captured.discontinuity or not number]
    first = [captured.capture_ns for number, captured in enumerate(sounds) if captured.discontinuity or not number]
    assert len(rounds) == 8
    for picture_ns, sound_ns in zip(rounds, first, strict=False):
        assert (sound_ns - picture_ns) / 1e9 == pytest.approx(0.1, abs=0.002)
    assert (rounds[-1] - rounds[0]) / 1e9 == pytest.approx(7, abs=0.01)


def test_what_is_two_files_in_one_goes_on_together(tmp_path: Path) -> None:
    parts = [
        clip(tmp_path / f"{begin}.ts", steps(25, 1 / FPS, begin), steps(50, 0.02, begin)).read_bytes()
        for begin in (500, 20, 7000)
    ]
    path = tmp_path / "all.ts"
    path.write_bytes(b"".join(parts))
    pictures, sounds = play(path, False, 1000)
    assert len(pictures) == 75
    assert (pictures[-1].capture_ns - pictures[0].capture_ns) / 1e9 == pytest.approx(74 / FPS, abs=0.15)
    begins = [number for number, captured in enumerate(pictures) if captured.discontinuity]
    assert begins == [25, 50]
    second = [captured for captured in sounds if captured.discontinuity]
    assert len(second) == 2
    for number, sound in zip(begins, second, strict=True):
        assert abs(sound.capture_ns - pictures[number].capture_ns) / 1e9 < 0.06
