# SPDX-License-Identifier: Apache-2.0
"""What vshm record puts into .mp4 and .mkv, judged by FFmpeg and GStreamer: any stream, start, sound."""

import functools
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy
import pytest
from coded_streams import BEGIN_NS, FRAME_NS, KINDS, PERIOD, Coded, units
from container_judges import by_ffprobe, by_gstreamer
from encoded import FPS, decoded
from writers import meanwhile

from hil.streamer.sound.encoder import SoundEncoder
from hil.streamer.sound.options import Sound
from vshm_ctypes import AudioFormat, Codec, Media, Producer
from vshm_ctypes.bitstream import EntryPoint
from vshm_ctypes.cli.main import main

COUNT = 45
SOUND_LATE_S = 0.5
SOUND_S = 0.02
SOUND = AudioFormat(48000, 1, 960)
CAPS = {
    Codec.H264: ("avc1", "video/x-h264, stream-format=(string)avc,"),
    Codec.H265: ("hvc1", "video/x-h265, stream-format=(string)hvc1,"),
    Codec.JPEG: ("mp4v", "image/jpeg"),
}


@functools.cache
def a_frame_of_sound() -> bytes:
    encoder = SoundEncoder(Sound("testaudio", codec="opus", rate=SOUND.sample_rate, channels=1))
    frames = [frame for _ in range(20) for frame in encoder.encode(numpy.zeros(SOUND.samples, "<i2").tobytes())]
    return frames[-1].data


@contextmanager
def streams(ring: str, kind: str, rising: bool = False) -> Iterator[None]:
    """Write pictures and, from SOUND_LATE_S on, sound: 30 pictures at once, then more during the block."""
    with (
        Producer(ring, slots=400, slot_size=16384) as producer,
        Producer(f"{ring}_sound", slots=1000, slot_size=4096, media=Media.AUDIO) as sounds,
    ):
        coded = Coded(producer, kind, rising)
        heard_ns = BEGIN_NS + round(SOUND_LATE_S * 1e9)

        def write() -> None:
            nonlocal heard_ns
            coded.write()
            while heard_ns <= BEGIN_NS + coded.written * FRAME_NS:
                with sounds.reserve() as slot:
                    data = a_frame_of_sound()
                    slot.data[: len(data)] = data
                    slot.commit(len(data), codec=Codec.OPUS, capture_ns=heard_ns, **SOUND.meta())
                heard_ns += round(SOUND_S * 1e9)

        for _ in range(33):
            write()
        with meanwhile(write, 0.004):
            yield


def record(ring: str, path: Path, start: str, sound: bool) -> None:
    audio = ["--audio", f"{ring}_sound"] if sound else []
    assert main(["record", ring, "-o", str(path), "--from", start, "-c", str(COUNT), *audio, "--json"]) == 0


def shown_from(kind: str, begins: EntryPoint) -> list[int]:
    """Return the numbers of a file's pictures from the first one shown on, in decoding order."""
    stream = [*units(kind), *(unit._replace(number=unit.number + PERIOD) for unit in units(kind))]
    first = next(at for at, unit in enumerate(stream) if unit.entry is begins and at)
    numbers = [unit.number for unit in stream[first:]]
    if begins is EntryPoint.RECOVERY_POINT:  # what is shown before it leans on what is not there
        numbers = [number for number in numbers if number >= numbers[0]]
    return [number - min(numbers) for number in numbers[:COUNT]]


@pytest.mark.parametrize("kind", ["h264", "h264 b", "h265", "h265 b", "jpeg"])
def test_two_readers_find_each_picture_and_sound_where_its_time_says(ring: str, tmp_path: Path, kind: str) -> None:
    cases = [
        (start, sound, tmp_path / f"{start}{'_sound' * sound}{ending}")
        for start in ("now", "oldest", "keyframe")
        for sound in (False, True)
        for ending in (".mp4", ".mkv")
    ]
    for start, sound, path in cases:
        with streams(ring, kind):
            record(ring, path, start, sound)
    expected = [number / FPS for number in shown_from(kind, EntryPoint.IDR)]
    tag, caps = CAPS[KINDS[kind][0]]
    for (start, sound, path), by_gst in zip(cases, by_gstreamer([path for _, _, path in cases]), strict=True):
        is_mp4 = path.suffix == ".mp4"
        by_ffmpeg = by_ffprobe(path)
        for found in (by_ffmpeg, by_gst):
            assert found.pictures.times_s == pytest.approx(expected, abs=0.00002 if is_mp4 else 0.0006)
            assert found.pictures.times_s[0] == 0
            assert found.pictures.keys[0]
            assert (found.sound is not None) == sound
            if found.sound is not None:
                first = SOUND_LATE_S if start == "oldest" else None
                sounds = found.sound.times_s
                assert sounds[0] == (pytest.approx(first, abs=0.008) if first else pytest.approx(0, abs=SOUND_S))
                steps = [after - before for before, after in itertools.pairwise(sounds)]
                assert steps == pytest.approx([SOUND_S] * len(steps), abs=0.0011)
        if is_mp4:
            assert by_ffmpeg.pictures.kind == tag
            assert by_gst.pictures.kind.startswith(caps)
        levels = [number for _, number in decoded(str(path))]
        assert levels == [(levels[0] + number) % 20 for number in range(COUNT)]
