# SPDX-License-Identifier: Apache-2.0
"""Which encoder is taken: a board's own only if it proves itself, in a child process that may crash or hang."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from hil.streamer import encoder as encoder_module
from hil.streamer import probe as probe_module
from hil.streamer.channels import Channel
from hil.streamer.encoder import Encoder
from hil.streamer.probe import choose_encoder, probe, some_device_encodes, try_encoder

PICTURE = (320, 240, 30.0)


@pytest.mark.parametrize(("codec", "name"), [("h264", "libx264"), ("h265", "libx265"), ("jpeg", "mjpeg")])
def test_an_encoder_that_works_passes_in_a_child(codec: Any, name: str) -> None:
    assert probe(name, Channel(codec=codec), *PICTURE) is None


def test_an_encoder_that_is_not_there_says_why() -> None:
    why = probe("h264_v4l2m2m", Channel(), *PICTURE)
    assert why is not None
    assert why.startswith("h264_v4l2m2m: ")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("kill -SEGV $$", r"it crashed \(signal 11\)"),
        ("exec sleep 600", "nothing came of it in 1 s"),
        ("echo 'no such codec' >&2; exit 3", "no such codec"),
        ("echo 'of 10 pictures 7 came back'; exit 1", "of 10 pictures 7 came back"),
    ],
)
def test_a_child_that_fails_is_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!/bin/sh\n{script}\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    assert re.search(why, probe("h264_v4l2m2m", Channel(), *PICTURE, timeout_s=1) or "it is good")


def test_an_encoder_that_loses_pictures_is_no_good(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loses(Encoder):
        def encode(self, *words: Any, **more: Any) -> Any:
            units = super().encode(*words, **more)
            self.count = getattr(self, "count", 0) + 1
            return [] if self.count == 10 else units

    monkeypatch.setattr(probe_module, "Encoder", Loses)
    assert try_encoder("libx264", Channel(), *PICTURE) == "libx264: of 10 pictures 9 came back"


def test_a_stream_that_does_not_say_its_colours_is_no_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Players would show it darker, or brighter."""
    opened = encoder_module._opened

    def untold(context: Any) -> str | None:
        context.color_range = 0
        return opened(context)

    monkeypatch.setattr(encoder_module, "_opened", untold)
    assert "does not say the range" in (try_encoder("libx264", Channel(), *PICTURE) or "")


def test_what_does_not_decode_is_no_good(monkeypatch: pytest.MonkeyPatch) -> None:
    class Garbles(Encoder):
        def encode(self, *words: Any, **more: Any) -> Any:
            return [(unit._replace(data=unit.data[:40]), time_ns) for unit, time_ns in super().encode(*words, **more)]

    monkeypatch.setattr(probe_module, "Encoder", Garbles)
    assert try_encoder("libx264", Channel(), *PICTURE) is not None


@pytest.mark.parametrize("why", [None, "h264_v4l2m2m: it crashed"])
def test_auto_takes_the_boards_encoder_if_it_is_good_and_says_why_not(
    monkeypatch: pytest.MonkeyPatch, why: str | None
) -> None:
    monkeypatch.setattr(probe_module, "some_device_encodes", lambda: True)
    monkeypatch.setattr(probe_module, "probe", lambda *_: why)
    assert choose_encoder(Channel(), *PICTURE) == ("libx264" if why else "h264_v4l2m2m", why)
    assert choose_encoder(Channel(codec="h265"), *PICTURE) == ("libx265", None)
    assert choose_encoder(Channel(codec="jpeg"), *PICTURE) == ("mjpeg", None)
    assert choose_encoder(Channel(encoder="libx264"), *PICTURE) == ("libx264", None)


def test_where_no_device_encodes_nothing_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not some_device_encodes(tmp_path)
    (tmp_path / "video0").touch()  # no device
    assert not some_device_encodes(tmp_path)
    monkeypatch.setattr(probe_module, "some_device_encodes", lambda: False)
    monkeypatch.setattr(probe_module, "probe", lambda *_: pytest.fail("it was tried"))
    assert choose_encoder(Channel(), *PICTURE) == ("libx264", None)
