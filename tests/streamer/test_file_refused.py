# SPDX-License-Identifier: Apache-2.0
"""Files that are no use as sources: refused at once, each with its cause."""

import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from clips import even, source_of, write
from own_clock import Clock

from hil.streamer.main import stream
from hil.streamer.sources.clip import Clip
from hil.streamer.sources.file import FileSource
from hil.streamer.sources.source import SourceError
from vshm_ctypes.commandline.ending import End


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_file_of_nothing_but_damage_is_refused(clock: Clock, tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mkv", even(5), "mjpeg", pixels="yuvj420p")
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = path.read_bytes()
    for packet in packets:
        data = data.replace(packet, bytes(len(packet)))
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"clip\.mkv: no picture of it is of any use: \w+"):
        source_of(path, clock)


def test_of_what_its_decoder_does_not_know_the_decoder_is_named(clock: Clock, tmp_path: Path) -> None:
    """Arithmetic coding, which FFmpeg's does not have: its own word for that is "invalid data"."""
    path = write(tmp_path / "photo.jpg", [0.0], "mjpeg", pixels="yuvj420p")
    path.write_bytes(path.read_bytes().replace(b"\xff\xc0", b"\xff\xc9", 1))
    with pytest.raises(SourceError, match=r"no picture of it is of any use: FFmpeg's decoder of mjpeg can't read it"):
        source_of(path, clock)


@pytest.mark.parametrize("copy", [False, True])
def test_a_photo_that_is_cut_off_is_refused_as_such(clock: Clock, tmp_path: Path, copy: bool) -> None:
    path = write(tmp_path / "photo.jpg", [0.0], "mjpeg", pixels="yuvj420p")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SourceError, match=r"photo\.jpg: no picture of it is of any use: .*cut off"):
        FileSource(str(path), False, copy=copy).open()


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("nowhere.mp4", "nowhere.mp4: No such file or directory"),
        ("", "Is a directory"),
        ("empty.mp4", "empty.mp4: no pictures or sound in a form that FFmpeg knows"),
        ("header.mkv", "header.mkv: no pictures or sound in a form that FFmpeg knows"),
        ("nonesuch:thing", "nonesuch:thing: Protocol not found"),
    ],
)
def test_what_can_not_be_opened_is_refused_with_its_cause(clock: Clock, tmp_path: Path, place: str, why: str) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "header.mkv").write_bytes(write(tmp_path / "whole.mkv", even(3)).read_bytes()[:40])
    source = FileSource(place if ":" in place else str(tmp_path / place), False)
    with pytest.raises(SourceError) as caught:
        source.open()
    assert why in str(caught.value)


def test_a_file_that_can_not_be_read_on_ends_it_with_an_error(caplog: pytest.LogCaptureFixture) -> None:
    lane: Any = SimpleNamespace(failure=None, books=SimpleNamespace(written=0))
    source: Any = SimpleNamespace(read=lambda _: (_ for _ in ()).throw(SourceError(5, "clip.mp4: Input/output error")))
    status: Any = SimpleNamespace(tick=lambda: None)
    assert not stream(source, [lane], status, End())
    ended: Any = SimpleNamespace(read=lambda _: (_ for _ in ()).throw(EOFError("clip.mp4 has ended")))
    assert stream(ended, [lane], status, End())


def test_what_has_no_decoder_is_refused(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "clip.mkv", even(3))
    with av.open(str(path)) as container:
        stream: Any = SimpleNamespace(codec_context=None)
        fake: Any = SimpleNamespace(
            format=container.format, streams=SimpleNamespace(best=lambda _: stream), close=lambda: None
        )
        monkeypatch.setattr(Clip, "_opened", lambda *_: fake)
        with pytest.raises(SourceError, match=r"clip\.mkv: this PyAV has no decoder for the video in it"):
            source_of(path, clock)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("video", r"sound\.wav: no video in it; its sound is played by --audio file:PATH"),
        ("audio", r"clip\.mkv: no audio in it; choose another file, or leave --audio away"),
    ],
)
def test_a_file_that_has_the_other_kind_only_is_refused_with_what_to_do(tmp_path: Path, kind: Any, why: str) -> None:
    path = write(tmp_path / "clip.mkv", even(3))
    if kind == "video":
        path = tmp_path / "sound.wav"
        with wave.open(str(path), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(bytes(1600))
    with pytest.raises(SourceError, match=why):
        Clip(str(path), kind).open()
