# SPDX-License-Identifier: Apache-2.0
"""The file while pictures and sound come: each as it comes, with gaps, late, or ahead of the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from coded_streams import BEGIN_NS, FRAME_NS, Coded
from container_judges import by_ffprobe
from encoded import FPS

from vshm_ctypes import AudioFormat, Codec, Consumer, Frame, Media, Producer
from vshm_ctypes.cli.record import container_sink
from vshm_ctypes.cli.record.container_sink import ContainerSink
from vshm_ctypes.decodable import Decodable, Picture

MS = 1_000_000
SOUND = AudioFormat(16000, 1, 320)


@pytest.fixture
def rings(ring: str) -> Iterator[tuple[Producer, Consumer, Producer, Consumer]]:
    with (
        Producer(ring, slots=300, slot_size=16384) as producer,
        Consumer(ring) as pictures,
        Producer(f"{ring}_sound", slots=1000, slot_size=4096, media=Media.AUDIO) as sounds,
        Consumer(f"{ring}_sound") as sound,
    ):
        yield producer, pictures, sounds, sound


def pictures_of(producer: Producer, stream: Consumer, kind: str, count: int) -> list[Picture]:
    Coded(producer, kind).write(count)
    decodable = Decodable()
    frames = [stream.receive(1) for _ in range(count)]
    return [picture for frame in frames if frame is not None and (picture := decodable.take(frame)) is not None]


def frames_at(producer: Producer, stream: Consumer, times_ms: list[int]) -> list[Frame]:
    for at_ms in times_ms:
        with producer.reserve() as slot:
            slot.data[:640] = bytes(640)
            slot.commit(640, codec=Codec.PCM_S16LE, capture_ns=BEGIN_NS + at_ms * MS, **SOUND.meta())
    return [frame for _ in times_ms if (frame := stream.receive(1)) is not None]


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize("kind", ["h264 b", "h265", "jpeg"])
def test_a_gap_in_the_sound_moves_nothing(
    rings: tuple[Producer, Consumer, Producer, Consumer], tmp_path: Path, kind: str, ending: str
) -> None:
    """Fragments end in it, when it is not known yet how long it will be."""
    producer, stream, sounds, sound = rings
    times_ms = [*range(0, 900, 20), *range(3450, 4600, 20)]
    pictures = pictures_of(producer, stream, kind, 120)
    frames = frames_at(sounds, sound, times_ms)
    path = tmp_path / f"clip{ending}"
    sink = ContainerSink(path, False, frames[0])
    waiting = list(frames)
    for place, picture in enumerate(pictures):
        sink.write(picture)
        while waiting and waiting[0].capture_ns <= BEGIN_NS + place * FRAME_NS:
            sink.write_sound(waiting.pop(0))
    sink.close()
    found = by_ffprobe(path)
    assert found.sound is not None
    assert found.sound.times_s == pytest.approx([at_ms / 1000 for at_ms in times_ms], abs=0.0011)
    assert sorted(found.pictures.times_s) == pytest.approx([number / FPS for number in range(120)], abs=0.0011)


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_pictures_that_are_rare_move_nothing(
    rings: tuple[Producer, Consumer, Producer, Consumer], tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sound goes on in between, and ends fragments."""
    monkeypatch.setattr(container_sink, "PICTURE_LATE_S", 0)
    producer, stream, sounds, sound = rings
    pictures = pictures_of(producer, stream, "jpeg", 120)[::40]
    times_ms = list(range(0, 3600, 20))
    frames = frames_at(sounds, sound, times_ms)
    path = tmp_path / f"clip{ending}"
    sink = ContainerSink(path, False, frames[0])
    sink.write(pictures[0])
    for frame in frames:
        at_ms = (frame.capture_ns - BEGIN_NS) // MS
        if at_ms in (1600, 3200):
            sink.write(pictures[at_ms // 1600])
        sink.write_sound(frame)
    sink.close()
    found = by_ffprobe(path)
    assert found.sound is not None
    assert found.pictures.times_s == pytest.approx([0, 1.6, 3.2], abs=0.0011)
    assert found.sound.times_s == pytest.approx([at_ms / 1000 for at_ms in times_ms], abs=0.0011)


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_sound_ahead_of_the_pictures_waits_for_them(
    rings: tuple[Producer, Consumer, Producer, Consumer], tmp_path: Path, ending: str
) -> None:
    """Some readers take a file to begin where its first packet does."""
    producer, stream, sounds, sound = rings
    pictures = pictures_of(producer, stream, "h264 b", 60)
    frames = frames_at(sounds, sound, list(range(400, 2400, 20)))
    path = tmp_path / f"clip{ending}"
    sink = ContainerSink(path, False, frames[0])
    sink.write(pictures[0])
    for frame in frames:
        sink.write_sound(frame)
    for picture in pictures[1:]:
        sink.write(picture)
    sink.close()
    found = by_ffprobe(path)
    assert (sink.sound_frames, found.pictures.times_s[0]) == (len(frames), 0)
    assert found.sound is not None
    assert found.sound.times_s[0] == pytest.approx(0.4, abs=0.0006)
    content = path.read_bytes()
    assert 0 < content.find(pictures[9].data[-20:]) < content.find(frames[0].data)
