# SPDX-License-Identifier: Apache-2.0
"""vshm record goes on evenly where the clock of a writer is set, and begins another file after a pause of hours."""

import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from coded_streams import FRAME_NS, Coded
from container_judges import by_ffprobe
from encoded import FPS, GOP, HEIGHT, WIDTH, access_units, decoded
from vshm import vshm
from writers import SHARED_MEMORY

from hil.gate.promises.ring_object import V1Writer
from vshm_ctypes import AudioFormat, Codec, Consumer, Frame, Media, Producer
from vshm_ctypes.cli.record import steady_times
from vshm_ctypes.cli.record.files import Files
from vshm_ctypes.cli.record.sink import MOST_GAP_NS
from vshm_ctypes.cli.record.steady_times import SteadyTimes
from vshm_ctypes.decodable import Decodable

S = 1_000_000_000
DAY = 86_400 * S
NOW = 100 * DAY
STEP = FRAME_NS
SOME = 40  # frames
SOUND = AudioFormat(16000, 1, 320)


def frame(captured_ns: int, published_ns: int, wall_ms: int = 0) -> Frame:
    """Return a frame that was captured and published then; of a version 1 writer both are 0."""
    view: Any = (0, 0, 0, 0, 0, captured_ns, published_ns, 0, 0, wall_ms, 1, 0, 0, 0, 0, 0, 0, bytes(5))
    return Frame(view, b"?")


def delayed(frame: Frame, late_ns: int) -> Frame:
    """Return a frame as if it had been captured later."""
    view = list(frame._view)
    view[5] += late_ns
    return Frame(tuple(view), frame.data)


def sound_at(captured_ns: int) -> Frame:
    """Return a frame of sound that was captured then."""
    meta = SOUND.meta()
    told: Any = (0, 0, Codec.PCM_S16LE, meta["width"], meta["height"], meta["fps"], bytes(5))
    return Frame((0, 1, 0, 0, 0, captured_ns, captured_ns, 0, 0, 0, 640, *told), bytes(640))


def dated(told_ns: Iterable[int], published_ns: Iterable[int]) -> list[int]:
    times = SteadyTimes("/ring")
    return [times.steady(frame(*one), one[1]).capture_ns for one in zip(told_ns, published_ns, strict=True)]


@pytest.mark.parametrize(
    ("captured", "published"),
    [
        ([0, 1, 2, 3], [1, 2, 3, 4]),
        ([0, 4, 2, 1, 3, 8, 6], [9, 9, 9, 9, 9, 9, 9]),  # B pictures; in units of 10 s, sent together
        ([0, 1, 2, 9000, 9001], [0, 1, 2, 9000, 9001]),  # a camera that was gone for a day
        ([0, 1, 2, 9, 10], [20, 20, 20, 20, 20]),  # a batch with a gap in it
    ],
)
def test_times_that_a_camera_can_have_are_kept(captured: list[int], published: list[int]) -> None:
    told = [NOW + at * 10 * S for at in captured]
    assert dated(told, [NOW + at * 10 * S for at in published]) == told


@pytest.mark.parametrize("leap_ns", [-5 * S, -3600 * S, -NOW // 2, 60 * S, 3 * DAY, 20_000 * DAY])
def test_a_clock_that_is_set_moves_nothing(leap_ns: int, capsys: pytest.CaptureFixture[str]) -> None:
    true = [NOW + at * STEP for at in range(SOME)]
    told = [at_ns + (leap_ns if number >= SOME // 2 else 0) for number, at_ns in enumerate(true)]
    assert dated(told, [at_ns + 7_000_000 for at_ns in true]) == true
    assert capsys.readouterr().err.count("/ring: at frame 0 its times of capture leap") == 1


def test_a_clock_that_stood_still_for_an_hour_moves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    true = [NOW + at * S for at in range(3620)]
    told = [true[9] if 9 < number < 3610 else at_ns for number, at_ns in enumerate(true)]
    assert dated(told, true) == true
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("leap_s", [-3600, 3 * 86_400, 50 * 365 * 86_400])
@pytest.mark.parametrize("late", [0, 3])
def test_nor_does_the_wall_clock_of_a_version_1_writer(leap_s: int, late: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """late: so many frames are read after the clock was set, and before it was known that they were the newest."""
    wall_ns = [1_000_000 * S + at * 40 * 1_000_000 + (leap_s * S if at >= 20 else 0) for at in range(SOME)]
    times, found = SteadyTimes("/ring"), []
    for number, at_ns in enumerate(wall_ns):
        monotonic_ns = NOW + number * 40 * 1_000_000
        now_ns = wall_ns[20] if 20 - late <= number < 20 else at_ns
        clock = SimpleNamespace(time_ns=partial(int, now_ns), monotonic_ns=partial(int, monotonic_ns))
        monkeypatch.setattr(steady_times, "time", clock)
        read_ns = None if 20 - late <= number < 20 else monotonic_ns
        found.append(times.steady(frame(0, 0, at_ns // 1_000_000), read_ns).capture_ns)
    assert found[: 20 - late] == [NOW + at * 40 * 1_000_000 for at in range(20 - late)]
    assert found[20:] == [NOW + at * 40 * 1_000_000 for at in range(20, SOME)]


@pytest.mark.parametrize("leap_ns", [-3600 * S, 3 * DAY])
def test_a_recording_goes_on_in_its_file(ring: str, tmp_path: Path, leap_ns: int) -> None:
    path = tmp_path / "clip.mp4"
    captured = []
    leap_ns = max(
        leap_ns, -time.monotonic_ns() // 2
    )  # a machine that was started within the hour has no hour to go back
    with Producer(ring, slots=100) as producer:
        for number, (data, keyframe) in enumerate(access_units(SOME)):
            captured.append(time.monotonic_ns())
            leapt_ns = captured[-1] + (leap_ns if number >= SOME // 2 else 0)
            producer.write(data, keyframe=keyframe, width=WIDTH, height=HEIGHT, fps=FPS, capture_ns=leapt_ns)
            time.sleep(0.02)
        outcome = vshm("record", ring, "-o", str(path), "-c", str(SOME), "--from", "oldest")
        with Consumer(ring, start="oldest") as stream:
            published = [read.publish_ns for _ in captured if (read := stream.receive(0)) is not None]
    assert outcome.code == 0
    assert f"{ring}: at frame {SOME // 2} its times of capture leap" in outcome.err
    pictures = decoded(str(path))
    assert [number for _, number in pictures] == [number % 20 for number in range(SOME)]
    times_s = [(at_ns - captured[0]) / S for at_ns in captured]
    ages_s = [(at_ns - before_ns) / S for before_ns, at_ns in zip(captured, published, strict=True)]
    assert [time_s for time_s, _ in pictures] == pytest.approx(times_s, abs=max(ages_s) - min(ages_s) + 0.002)


def test_pictures_of_a_version_1_writer_have_their_sound(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    old = V1Writer(SHARED_MEMORY / ring[1:])
    begin_ns, now_ms = time.monotonic_ns() - 5 * S, time.time_ns() // 1_000_000 - 5000
    with Producer(f"{ring}_sound", slots=200, slot_size=4096, media=Media.AUDIO) as sound:
        for number in range(100):
            sound.write(bytes(640), capture_ns=begin_ns + number * 20_000_000, codec=Codec.PCM_S16LE, **SOUND.meta())
        for number, (data, keyframe) in enumerate(access_units(20)):
            old.write(
                data, timestamp_ms=now_ms + number * 40, is_keyframe=keyframe, width=WIDTH, height=HEIGHT, fps=FPS
            )
        words = ["--from", "oldest", "-c", "20", "--audio", f"{ring}_sound", "--json"]
        outcome = vshm("record", ring, "-o", str(path), *words)
    old.ring.close()
    assert outcome.code == 0, outcome.err
    found = by_ffprobe(path)
    assert found.sound is not None
    assert found.sound.times_s[0] == pytest.approx(0, abs=0.05)
    assert len(found.sound.times_s) > 35  # as long as the pictures


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("kind", ["h264 b", "h265", "jpeg"])
def test_what_comes_after_a_night_has_a_file_of_its_own(ring: str, tmp_path: Path, kind: str, ending: str) -> None:
    if (kind, ending) == ("jpeg", ".ts"):
        pytest.skip("MPEG-TS has no JPEG")
    path = tmp_path / f"clip{ending}"
    files = Files(str(path), force=False)
    decodable = Decodable()
    with Producer(ring, slots=100, slot_size=16384) as producer, Consumer(ring) as stream:
        Coded(producer, kind).write(2 * GOP)
        for number in range(2 * GOP):
            frame = stream.receive(10)
            assert frame is not None
            picture = decodable.take(delayed(frame, MOST_GAP_NS + S if number >= GOP else 0))
            assert picture is not None
            files.write(picture)
    files.close()
    assert [Path(name).name for name in files.names] == [path.name, f"clip-2{ending}"]
    for name in files.names:
        assert len(decoded(name)) == GOP
        assert by_ffprobe(Path(name)).pictures.times_s[0] == 0


def test_sound_that_comes_after_a_night_goes_into_the_next_file(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    files = None
    decodable = Decodable()
    with Producer(ring, slots=100, slot_size=16384) as producer, Consumer(ring) as stream:
        Coded(producer, "h264").write(4 * GOP)
        for number in range(4 * GOP):
            picture_frame = stream.receive(10)
            assert picture_frame is not None
            late_ns = MOST_GAP_NS // 2 * min(number // GOP, 2)  # the pictures pause for less than that
            picture = decodable.take(delayed(picture_frame, late_ns))
            assert picture is not None
            heard = sound_at(picture.frame.capture_ns)
            files = files or Files(str(path), False, heard)
            files.write(picture)
            if not GOP <= number < 2 * GOP:
                files.write_sound(heard)
    assert files is not None
    files.close()
    assert [Path(name).name for name in files.names] == ["clip.mp4", "clip-2.mp4"]
    assert len(decoded(files.names[0])) + len(decoded(files.names[1])) == 4 * GOP
    for name in files.names:
        sound = by_ffprobe(Path(name)).sound
        assert sound is not None and len(sound.times_s) > 1
