# SPDX-License-Identifier: Apache-2.0
"""Files as sources: whatever they begin with, are made of and end with."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from clips import FPS, HEIGHT, WIDTH, even, number_of, numbers, offsets, picture, play, source_of, write
from own_clock import Clock
from writers import ROOT

from hil.streamer.sources.timeline import GAP_S

CORPUS = ROOT / "tests" / "corpus"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("name", "encoder", "pixels"),
    [
        ("clip.mp4", "libx264", "yuv420p"),
        ("clip.mkv", "libx264", "yuv420p"),
        ("clip.mov", "mjpeg", "yuvj420p"),
        ("clip.ts", "libx264", "yuv420p"),
        ("clip.flv", "libx264", "yuv420p"),
        ("clip.avi", "mpeg4", "yuv420p"),
        ("clip.avi", "libx264", "yuv420p"),
        ("clip.avi", "mjpeg", "yuvj420p"),
        ("clip.asf", "mpeg4", "yuv420p"),
        ("clip.wmv", "libx264", "yuv420p"),
        ("clip.webm", "libvpx", "yuv420p"),
        ("clip.nut", "ffv1", "yuv420p"),
        ("clip.gif", "gif", "gray"),
        ("clip.apng", "apng", "rgb24"),
        ("clip.mpg", "mpeg2video", "yuv420p"),
    ],
)
def test_every_picture_of_every_container_comes_once_and_in_time(
    clock: Clock, tmp_path: Path, name: str, encoder: str, pixels: str
) -> None:
    if encoder not in av.codecs_available:
        pytest.skip(f"this PyAV has no {encoder}")
    source = source_of(write(tmp_path / name, even(30), encoder, pixels=pixels), clock)
    assert (source.width, source.height) == (WIDTH, HEIGHT)
    assert source.fps == pytest.approx(FPS, rel=0.01)
    begin_s = clock()
    found = play(source)
    assert numbers(found) == [number % 20 for number in range(30)]
    assert offsets(found) == pytest.approx(even(30), abs=0.011)  # a gif counts hundredths
    assert found[0].capture_ns == round(begin_s * 1e9)
    assert not any(captured.discontinuity for captured in found)
    assert clock() - begin_s == pytest.approx(30 / FPS, abs=0.011)  # the last one has its time too


@pytest.mark.parametrize(
    ("name", "encoder", "told"),
    [("raw.h264", "libx264", True), ("raw.hevc", "libx265", True), ("raw.mjpeg", "mjpeg", False)],
)
def test_a_raw_stream_is_paced_by_its_rate(clock: Clock, tmp_path: Path, name: str, encoder: str, told: bool) -> None:
    pixels = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    options = {"x265-params": "log-level=none"} if encoder == "libx265" else {}
    path = write(tmp_path / name, even(30, 10), encoder, options, pixels, fps=10)
    for wanted, expected in ((0.0, 10 if told else 25), (5.0, 10 if told else 5)):
        source = source_of(path, clock, fps=wanted)
        assert source.fps == expected
        found = play(source)
        assert numbers(found) == [number % 20 for number in range(30)]
        assert offsets(found) == pytest.approx(even(30, expected), abs=0.001)


@pytest.mark.parametrize("encoder", ["libx264", "mpeg4"])
@pytest.mark.parametrize("name", ["clip.avi", "clip.asf", "clip.mkv"])
def test_the_picture_before_a_gap_keeps_its_time(clock: Clock, tmp_path: Path, name: str, encoder: str) -> None:
    times = [number / FPS + 2 * (number >= 10) for number in range(20)]
    found = play(source_of(write(tmp_path / name, times, encoder, {"bf": "0", "tune": "zerolatency"}), clock))
    assert numbers(found) == list(range(20))
    assert offsets(found) == pytest.approx(times, abs=0.011)


@pytest.mark.parametrize("begin_s", [3600.0, 7 * 86400.0, 2**33 / 90000 - 0.5])
def test_a_file_that_begins_at_any_time_plays_at_once(clock: Clock, tmp_path: Path, begin_s: float) -> None:
    """The last one: the times of .ts go back to 0 after its first pictures."""
    path = write(tmp_path / "late.ts", [begin_s + time_s for time_s in even(40)])
    source = source_of(path, clock)
    begin_ns = round(clock() * 1e9)
    found = play(source)
    assert found[0].capture_ns == begin_ns
    assert numbers(found) == [number % 20 for number in range(40)]
    assert offsets(found) == pytest.approx(even(40), abs=0.001)


@pytest.mark.parametrize(
    ("name", "encoder"),
    [("mid.ts", "libx264"), ("mid.mkv", "libx264"), ("mid.mkv", "mpeg4"), ("mid.mkv", "libvpx"), ("mid.ts", "libx265")],
)
def test_a_file_that_begins_in_the_middle_of_a_gop_plays_from_its_first_keyframe(
    clock: Clock, tmp_path: Path, name: str, encoder: str
) -> None:
    options = {"g": "10", "x265-params": "keyint=10:min-keyint=10:scenecut=0:open-gop=0:log-level=none"}
    whole = write(
        tmp_path / f"whole-{name}",
        even(40),
        encoder,
        options if encoder != "libx265" else {"x265-params": options["x265-params"]},
    )
    with av.open(str(whole)) as source, av.open(str(tmp_path / name), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size and number >= 4:
                packet.stream = stream
                target.mux(packet)
    opened = source_of(tmp_path / name, clock)
    begin_ns = round(clock() * 1e9)
    found = play(opened)
    assert found[0].capture_ns == begin_ns
    assert numbers(found) == [number % 20 for number in range(10, 40)]
    assert not any(captured.bad for captured in found)


def test_a_gap_of_seconds_is_played_as_a_gap_and_one_of_hours_is_not(clock: Clock, tmp_path: Path) -> None:
    times = [0, 0.04, 0.08, GAP_S - 1, GAP_S - 0.96, 3600, 3600.04]
    found = play(source_of(write(tmp_path / "gaps.mkv", times), clock))
    assert numbers(found) == list(range(7))
    assert offsets(found) == pytest.approx([*times[:5], times[4] + 0.04, times[4] + 0.08], abs=0.002)
    assert [captured.discontinuity for captured in found] == [number == 5 for number in range(7)]


def test_an_ordinary_step_of_a_slow_file_is_no_gap(clock: Clock, tmp_path: Path) -> None:
    times = [number * 30.0 for number in range(6)]
    source = source_of(write(tmp_path / "slides.mkv", times, fps=1), clock)
    assert source.fps == pytest.approx(1 / 30)
    found = play(source)
    assert offsets(found) == times
    assert not any(captured.discontinuity for captured in found)


def test_files_one_behind_the_other_play_one_behind_the_other(clock: Clock, tmp_path: Path) -> None:
    """cat makes such files of .ts: the times go back, and forward."""
    parts = [
        write(tmp_path / f"{at}.ts", [begin + time_s for time_s in even(20)]) for at, begin in enumerate((50, 10, 400))
    ]
    whole = tmp_path / "whole.ts"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = play(source_of(whole, clock))
    assert numbers(found) == [*range(20)] * 3
    assert offsets(found) == pytest.approx(even(60), abs=0.05)
    assert [at for at, captured in enumerate(found) if captured.discontinuity] == [20, 40]


@pytest.mark.parametrize("name", ["clip.mkv", "clip.avi"])
def test_forty_damaged_pictures_are_passed_over_and_counted(clock: Clock, tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, even(60), "mjpeg", pixels="yuvj420p")
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = path.read_bytes()
    for packet in dict.fromkeys(packets[10:30]):  # of each of the brightnesses; they come again
        data = data.replace(packet, bytes(len(packet)))
    path.write_bytes(data)
    left = [number for number in range(60) if packets[number] not in packets[10:30]]
    source = source_of(path, clock)
    found = play(source)
    assert [number_of(captured.picture) for captured in found if captured.picture] == [number % 20 for number in left]
    assert sum(captured.bad for captured in found) == 60 - len(left) >= 40
    assert source.figures() == {"damaged": 60 - len(left)}


@pytest.mark.parametrize(("encoder", "name"), [("png", "still.png"), ("mjpeg", "still.jpg"), ("libx264", "still.mp4")])
def test_a_still_is_held_one_interval_and_looped_at_a_rate(
    clock: Clock, tmp_path: Path, encoder: str, name: str
) -> None:
    pixels = {"png": "rgb24", "mjpeg": "yuvj420p"}.get(encoder, "yuv420p")
    path = write(tmp_path / name, [0.0], encoder, pixels=pixels)
    begin_s = clock()
    assert len(play(source_of(path, clock))) == 1
    assert clock() - begin_s == pytest.approx(1 / FPS, abs=0.001)
    source = source_of(path, clock, loop=True)
    found = play(source, 50)
    assert offsets(found) == pytest.approx(even(50), abs=0.01)
    assert numbers(found) == [0] * 50
    assert not any(captured.discontinuity for captured in found)  # a picture that stays is no interruption
    source = source_of(path, clock, loop=True, fps=5)
    assert source.fps == 5
    assert offsets(play(source, 10)) == pytest.approx(even(10, 5), abs=0.001)


def test_a_still_that_is_written_anew_is_read_anew(clock: Clock, tmp_path: Path) -> None:
    path = write(tmp_path / "still.png", [0.0], "png", pixels="rgb24")
    source = source_of(path, clock, loop=True)
    seen, broken = [], False
    for at in range(20):
        captured = source.read(1.0)
        assert captured is not None
        seen.append(number_of(captured.picture))
        broken = broken or captured.discontinuity
        if at == 5:
            with av.open(str(path), "w", options={"update": "1"}) as container:
                stream: Any = container.add_stream("png", rate=FPS)
                stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "rgb24"
                container.mux(stream.encode(picture(9, "rgb24")))
    assert seen[0] == 0
    assert seen[-1] == 9
    assert not broken
    source.close()


def test_a_looped_file_holds_its_last_picture_one_interval(clock: Clock, tmp_path: Path) -> None:
    source = source_of(write(tmp_path / "clip.mp4", even(7)), clock, loop=True)
    found = play(source, 70)
    assert numbers(found) == [*range(7)] * 10
    assert offsets(found) == pytest.approx(even(70), abs=0.002)
    assert [at for at, captured in enumerate(found) if captured.discontinuity] == [7 * at for at in range(1, 10)]


@pytest.mark.parametrize("name", ["2024-01-01T12:30:00.mkv", "100%d.png", "what is it? #1.mkv"])
def test_a_name_is_a_name_whatever_ffmpeg_would_make_of_it(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    is_png = name.endswith("png")
    plain = write(
        tmp_path / f"plain{name[-4:]}", [0.0], "png" if is_png else "libx264", pixels="rgb24" if is_png else "yuv420p"
    )
    plain.rename(name)
    assert len(play(source_of(Path(name), clock))) == 1


def test_a_cover_in_a_song_is_a_still_of_an_ordinary_rate(clock: Clock, tmp_path: Path) -> None:
    """The container tells its unit of time for the rate, 90000 a second."""
    source = source_of(write(tmp_path / "clip.mp4", even(3)), clock)
    source._clip.stream = SimpleNamespace(average_rate=Fraction(90000), guessed_rate=Fraction(90000))
    assert source._clip.fps == FPS
    source.close()


@pytest.mark.parametrize("name", ["everything_between", "OpenH264_temporal_layers"])
def test_a_raw_stream_that_ffmpeg_does_not_recognize_is_known_by_its_name(clock: Clock, name: str) -> None:
    path = CORPUS / f"{name}.h264"
    with pytest.raises(av.error.InvalidDataError):
        av.open(str(path))
    assert len(play(source_of(path, clock))) == {"everything_between": 10, "OpenH264_temporal_layers": 14}[name]


def test_what_is_cropped_on_the_left_is_cropped(clock: Clock) -> None:
    source = source_of(CORPUS / "cropped.h264", clock)
    assert (source.width, source.height) == (42, 28)
    assert {(c.picture.width, c.picture.height) for c in play(source) if c.picture} == {(42, 28)}
