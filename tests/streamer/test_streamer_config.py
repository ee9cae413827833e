# SPDX-License-Identifier: Apache-2.0
"""camera-streamer --config: what stands in the file is heeded or refused; --print-config gives such a file."""

import math
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from hil.streamer.channels import Channel, ChannelError
from hil.streamer.config import CHANNEL_KEYS, KEYS, read_config
from hil.streamer.main import main
from hil.streamer.sources.source import SourceError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('devise = "testsrc"', "devise: no such name: did you mean device?"),
        ('Device = "testsrc"', "Device: no such name: did you mean device?"),
        ("[[channels]]\nring = 0", "channels: no such name: did you mean channel?"),
        ("[[channel]]\n[[channel]]\nbitrate = 9", "[[channel]] 2: bitrate: no such name: did you mean bit_rate?"),
        ("[[channel]]\nxyzzy = 1", "xyzzy: no such name; there are ring, width"),
        ("[channel]\nring = 0", "channel = {'ring': 0}: give [[channel]] (the rings, each a [[channel]])"),
        ("channel = [3]", "write [[channel]]"),
        ('loop = "no"', "loop = 'no': give true or false (whether to start a file again at its end)"),
        ("device = 3", "device = 3: give text in quotes (the source: "),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_with_what_may_be_meant(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "camera.toml"
    path.write_text(text)
    with pytest.raises(ChannelError) as refused:
        read_config(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert told in str(refused.value)


def test_a_name_of_the_command_line_is_told_alike(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--device", "testsrc", "--channel", "0:qualty=3"]) == 2
    assert "qualty: no such name: did you mean quality?" in capsys.readouterr().err


def test_each_name_of_a_channel_may_stand_in_the_file() -> None:
    assert [field.name for field in fields(Channel)] == [*CHANNEL_KEYS]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--device", 'file:a "b".mp4', "--loop", "--wait", "--audio", "file:a,b.wav,codec=aac,rate=44100"],
        ["--channel", "0:1920x1080@30,4M", "--channel", "2:640x480@15,codec=jpeg,slot=1M", "--mode", "0666"],
        ["--preset", "original"],
        ["--encoder", "copy", "--websocket", "0.0.0.0:80", "--keep", "inf"],
    ],
)
def test_what_is_printed_says_the_same(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has a comment for each name, and nothing is started."""
    assert main([*words, "--print-config"]) == 0
    printed = capsys.readouterr().out
    path = tmp_path / "camera.toml"
    path.write_text(printed)
    assert main(["--config", str(path), "--print-config"]) == 0
    assert capsys.readouterr().out == printed
    said = tomllib.loads(printed)
    assert said.keys() <= KEYS.keys()
    assert len(said["channel"]) == (3 if "original" in words else max(words.count("--channel"), 1))
    for what in (*CHANNEL_KEYS.values(), KEYS["websocket"][1], KEYS["audio"][1]):
        assert f"# {what}" in printed


def test_what_the_file_says_is_in_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "camera.toml"
    path.write_text('device = "testsrc"\nwebsocket = 8700\nloop = true\n[[channel]]\nring = 3\nfps = 10\n')
    assert main(["--config", str(path), "--print-config"]) == 0
    said = tomllib.loads(capsys.readouterr().out)
    assert (said["device"], said["websocket"], said["loop"], said["wait"]) == ("testsrc", "8700", True, False)
    assert (said["channel"][0]["ring"], said["channel"][0]["fps"]) == ("/video_stream_ch3", 10)


def test_a_file_that_is_not_there_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "/nonexistent/camera.toml"]) == 1
    assert "/nonexistent/camera.toml: No such file or directory" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "text", "keep_s"),
    [([], "", 30.0), (["--keep", "5"], "", 5.0), ([], "keep = 7\n", 7.0), (["--keep", "0"], "keep = inf\n", 0.0),
     ([], "keep = inf\n", math.inf), (["--keep", "inf"], "", math.inf)],
)  # fmt: skip
def test_how_long_a_camera_that_is_gone_is_kept_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], text: str, keep_s: float
) -> None:
    found: list[float] = []

    def make(*given: Any) -> Any:
        found.append(given[4])
        raise SourceError(0, "seen enough")

    monkeypatch.setattr("hil.streamer.main.make_source", make)
    path = tmp_path / "camera.toml"
    path.write_text(text)
    assert main([*words, "--config", str(path)]) == 1
    assert found == [keep_s]


@pytest.mark.parametrize("words", ["-1", "nan", "soon"])
def test_a_time_for_which_no_camera_can_be_kept_to_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--keep={words}"]) == 2
    assert f"keep={words}: seconds, or inf" in capsys.readouterr().err
