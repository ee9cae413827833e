# SPDX-License-Identifier: Apache-2.0
"""vshm record takes any name that a file can have, and says what is wrong with one that it can't have."""

import os
from pathlib import Path

import pytest
from coded_streams import Coded
from encoded import decoded

from vshm_ctypes import Producer
from vshm_ctypes.cli.main import main


@pytest.mark.parametrize("name", ["08:30.mp4", "file:clip.mp4", "a b %d.mkv", "http:clip.mkv"])
def test_a_name_is_a_name_whatever_is_in_it(
    ring: str, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Producer(ring, slots=100) as producer:
        Coded(producer, "h264").write(10)
        assert main(["record", ring, "-o", name, "--from", "oldest", "-c", "10"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(decoded(str(tmp_path / name))) == 10


@pytest.mark.parametrize("name", ["clip.mpg", "clip.AVI", "clip.flv", "clip.3gp", ".jpg", ""])
def test_what_would_be_no_such_file_is_refused(
    ring: str, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / name) if name else ""
    with Producer(ring, slots=100) as producer:
        Coded(producer, "h264").write(10)
        assert main(["record", ring, "-o", path, "-c", "1"]) == 2
    assert ("record to .mp4, .mkv" if name else "-o: the name is empty") in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_is_called_one(ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Producer(ring, slots=100) as producer:
        Coded(producer, "h264").write(10)
        assert main(["record", ring, "-o", str(tmp_path), "-c", "1"]) == 1
    assert f"{tmp_path}: it is a folder: name a file in it" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["pipe.h264", "pipe.mkv"])
def test_a_pipe_is_not_overwritten(ring: str, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with Producer(ring, slots=100) as producer:
        Coded(producer, "h264").write(10)
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", "10"]) == 0
    (tmp_path / "received").write_bytes(os.read(reader, 1 << 16))
    os.close(reader)
    assert len(decoded(str(tmp_path / "received"))) == 10


def test_a_full_device_is_told_as_full(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Producer(ring, slots=100) as producer:
        Coded(producer, "h264").write(10)
        assert main(["record", ring, "-o", "/dev/full", "-c", "1"]) == 1
    assert "/dev/full: No space left on device" in capsys.readouterr().err
