# SPDX-License-Identifier: Apache-2.0
"""arecord's own words, of stand-ins and of the real one on devices that need no hardware."""

import shutil
import subprocess
from pathlib import Path

import pytest
from sound_card import REFUSALS, SETUP, WARNING
from streamers import PICTURES, command

from hil.streamer.sound.arecord import command as arecord
from hil.streamer.sound.arecord import fault, told_rate

needs_arecord = pytest.mark.skipif(shutil.which("arecord") is None, reason="no arecord here: apt install alsa-utils")
DEVICES = """</usr/share/alsa/alsa.conf>
pcm.mono { type multi slaves.a { pcm null channels 1 } bindings.0 { slave a channel 0 } }
pcm.float { type lfloat slave { pcm null format S16_LE } }
pcm.zeros { type file slave.pcm null file /dev/null infile /dev/zero format raw }
pcm.slow { type plug slave { pcm null rate 8000 channels 1 } }
"""


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "asoundrc"
    path.write_text(DEVICES)
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(path))


def test_the_rate_is_in_its_warning_and_in_its_setup() -> None:
    assert told_rate(WARNING.format(asked=48000, hz=16000).splitlines()) == 16000
    assert told_rate(SETUP.format(hz=44100, channels=2).splitlines()) == 44100
    assert told_rate(["  exact rate   : 46874.5 (93749/2)"]) == 46874
    for nothing in ([], ["Recording raw data 'stdin' : Signed 16 bit Little Endian, Rate 48000 Hz, Stereo"]):
        assert told_rate(nothing) is None
    assert told_rate(["  exact rate   : 0 (0/0)"]) is None


@pytest.mark.parametrize(
    ("said", "device", "channels", "why"),
    [
        (REFUSALS["channels"], "hw:1", 2, "does not record 2 channels; say channels=1, or take alsa:plughw:1, which"),
        (REFUSALS["channels"], "mic", 1, "does not record 1 channel; say channels=2, or take alsa:plug:'mic', which"),
        (REFUSALS["format"], "hw:1,0", 2, "16-bit samples, but S24_3LE, S32_LE; take alsa:plughw:1,0, which converts"),
        ("arecord: main:831: audio open error: Device or resource busy", "hw:1", 2, "another program records from it"),
        ("arecord: main:831: audio open error: Permission denied", "hw:1", 2, "Permission denied; be root, or in the"),
        ("arecord: pcm_read:2221: read error: Input/output error\nStatus:\n  x: y", "hw:1", 2, "Input/output error"),
        ("ALSA lib pcm.c:2666: Unknown PCM x\narecord: x: y: No such file or directory", "x", 2, "arecord -L tells"),
        ("", "hw:1", 2, "arecord ended"),
    ],
)
def test_what_went_wrong_is_told_with_what_to_do(said: str, device: str, channels: int, why: str) -> None:
    assert why in str(fault(said.splitlines(), device, channels).strerror)


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
        ("mono", "alsa:mono: it does not record 2 channels; say channels=1, or take alsa:plug:'mono'"),
        ("float", "alsa:float: it does not record 16-bit samples, but FLOAT_LE"),
        ("nonesuch", "alsa:nonesuch: No such file or directory; arecord -L tells which there are"),
    ],
)
def test_a_device_that_is_no_use_is_refused_with_what_to_do(ring: str, device: str, why: str) -> None:
    words = [*PICTURES, "--channel", f"{ring}:", "--audio", f"alsa:{device},ring={ring}_sound"]
    outcome = subprocess.run(command(*words), capture_output=True, text=True, timeout=60, check=False)
    assert (outcome.returncode, why in outcome.stderr) == (1, True), outcome.stderr
