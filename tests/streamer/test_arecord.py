# SPDX-License-Identifier: Apache-2.0
"""arecord's own words, of stand-ins and of the real one on devices that need no hardware."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from sound_card import REFUSALS, SETUP, WARNING
from streamers import PICTURES, command

from hil.streamer.sound.arecord import NotOfferedError, fault, plugged, told_rate
from hil.streamer.sound.arecord import command as arecord

needs_arecord = pytest.mark.skipif(shutil.which("arecord") is None, reason="no arecord here: apt install alsa-utils")
DEVICES = """</usr/share/alsa/alsa.conf>
pcm.mono { type multi slaves.a { pcm null channels 1 } bindings.0 { slave a channel 0 } }
pcm.float { type lfloat slave { pcm null format S16_LE } }
pcm.zeros { type file slave.pcm null file /dev/null infile /dev/zero format raw }
pcm.nulls { type multi slaves.a { pcm null channels 4 }
            bindings.0 { slave a channel 0 } bindings.1 { slave a channel 1 }
            bindings.2 { slave a channel 2 } bindings.3 { slave a channel 3 } }
pcm.four { type file slave.pcm nulls file /dev/null infile CONSTANT format raw }
pcm.one { type file slave.pcm mono file /dev/null infile CONSTANT format raw }
pcm.wide { type file slave.pcm float file /dev/null infile FLOATS format raw }
pcm.slow { type plug slave { pcm null rate 8000 channels 1 } }
"""


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "asoundrc"
    constant = tmp_path / "constant"
    constant.write_bytes(struct.pack("<4h", 1000, 2000, 3000, 4000) * 48000)
    floats = tmp_path / "floats"
    floats.write_bytes(struct.pack("<2f", 0.25, -0.5) * 48000)
    path.write_text(DEVICES.replace("CONSTANT", str(constant)).replace("FLOATS", str(floats)))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(path))


def test_the_rate_is_in_its_warning_and_in_its_setup() -> None:
    assert told_rate(WARNING.format(asked=48000, hz=16000).splitlines()) == 16000
    assert told_rate(SETUP.format(hz=44100, channels=2).splitlines()) == 44100
    assert told_rate(["  exact rate   : 46874.5 (93749/2)"]) == 46874
    for nothing in ([], ["Recording raw data 'stdin' : Signed 16 bit Little Endian, Rate 48000 Hz, Stereo"]):
        assert told_rate(nothing) is None
    assert told_rate(["  exact rate   : 0 (0/0)"]) is None


@pytest.mark.parametrize(
    ("said", "channels", "why"),
    [
        (REFUSALS["channels"], 2, "it does not record 2 channels"),
        (REFUSALS["channels"], 1, "it does not record 1 channel"),
        (REFUSALS["format"], 2, "it does not record 16-bit samples, but S24_3LE, S32_LE"),
        (REFUSALS["access"], 2, "it does not record channels in turn"),
        ("arecord: main:831: audio open error: Device or resource busy", 2, "another program records from it"),
        ("arecord: main:831: audio open error: Permission denied", 2, "Permission denied; be root, or in the group"),
        ("arecord: pcm_read:2221: read error: Input/output error\nStatus:\n  x: y", 2, "Input/output error"),
        ("ALSA lib pcm.c:2666: Unknown PCM x\narecord: x: y: No such file or directory", 2, "arecord -L tells"),
        ("", 2, "arecord ended"),
    ],
)
def test_what_went_wrong_is_told_with_what_to_do(said: str, channels: int, why: str) -> None:
    error = fault(said.splitlines(), channels)
    assert why in str(error.strerror)
    assert isinstance(error, NotOfferedError) == ("does not record" in why)


@pytest.mark.parametrize(
    ("device", "name"),
    [("hw:1,0", "plughw:1,0"), ("mic", "plug:'mic'"), ("dsnoop:1,0", "plug:'dsnoop:1,0'"), ("a'b", 'plug:"a\'b"')],
)
def test_a_device_of_any_name_can_be_converted(device: str, name: str) -> None:
    assert plugged(device) == name


@needs_arecord
@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize(
    ("device", "channels", "values"),
    [
        ("four", 2, {(1000, 2000)}),
        ("wide", 2, {(8192, -16384)}),
        ("four", 1, {(2500, 2500)}),
        ("one", 2, {(1000 * n, 1000 * n) for n in range(1, 5)}),
    ],
)
def test_the_real_one_converts_what_it_does_not_record_itself(
    device: str, channels: int, values: set[tuple[int, int]]
) -> None:
    plain, converted = (
        subprocess.run(
            [*arecord(device, 48000, channels, converted=each), "--samples", "4800"],
            capture_output=True,
            timeout=60,
            check=False,
        )
        for each in (False, True)
    )
    assert isinstance(fault(plain.stderr.decode().splitlines(), channels), NotOfferedError)
    assert converted.returncode == 0, converted.stderr
    assert len(converted.stdout) == 4800 * 2 * channels
    assert set(struct.iter_unpack("<2h", converted.stdout)) == values


@needs_arecord
@pytest.mark.usefixtures("devices")
def test_the_real_one_tells_the_rate_of_the_device_and_not_that_of_a_plugin_behind_it() -> None:
    words = [*arecord("slow", 48000, 2), "--samples", "4800"]
    outcome = subprocess.run(words, capture_output=True, timeout=60, check=True)
    assert told_rate(outcome.stderr.decode().splitlines()) == 48000
    assert len(outcome.stdout) == 4800 * 4
    assert b"8000 (8000/1)" in outcome.stderr


@needs_arecord
@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize(
    ("device", "why"),
    [
        ("null", "alsa:null: it has no clock: it delivers as fast as it is read"),
        ("zeros", "alsa:zeros: it has no clock"),
        ("slow", "alsa:slow: it has no clock"),
        ("mono", "alsa:mono: it has no clock"),
        ("float", "alsa:float: it has no clock"),
        ("nonesuch", "alsa:nonesuch: No such file or directory; arecord -L tells which there are"),
    ],
)
def test_a_device_that_is_no_use_is_refused_with_what_to_do(ring: str, device: str, why: str) -> None:
    words = [*PICTURES, "--channel", f"{ring}:", "--audio", f"alsa:{device},ring={ring}_sound"]
    outcome = subprocess.run(command(*words), capture_output=True, text=True, timeout=60, check=False)
    assert (outcome.returncode, why in outcome.stderr) == (1, True), outcome.stderr
