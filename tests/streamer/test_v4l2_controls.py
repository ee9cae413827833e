# SPDX-License-Identifier: Apache-2.0
"""Controls that a camera is to have are set whenever it is opened, and what can't be set is told with what can."""

import errno
import logging
import struct
from pathlib import Path
from typing import Any

import pytest
from camera_streams import SIZE, camera_of, jpegs, plug
from fake_v4l2 import FakeCamera

from hil.streamer.main import main
from hil.streamer.sources.modes import Wanted
from hil.streamer.sources.v4l2 import V4l2Source
from hil.streamer.sources.v4l2_controls import control_name
from vshm_ctypes import Codec

S_CTRL, QUERY_EXT_CTRL = 28, 103
INTEGER, BOOLEAN, HEADING = 1, 2, 6
DYNAMIC, HERTZ = 0x009A0903, 0x00980918
KNOWN = {
    0x00980001: (HEADING, b"User Controls"),
    HERTZ: (INTEGER, b"Power Line Frequency"),
    DYNAMIC: (BOOLEAN, b"Exposure, Dynamic Framerate"),
}


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> FakeCamera:
    found = camera_of(Codec.JPEG, jpegs(1))
    found.known_controls = dict(KNOWN)
    plug(monkeypatch, tmp_path, found)
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    caplog.set_level(logging.INFO)
    return found


def source_with(**controls: int) -> V4l2Source:
    return V4l2Source("auto", Wanted(SIZE, codec=Codec.JPEG, gop=0, controls=tuple(controls.items())))


def test_names_are_those_of_v4l2_ctl() -> None:
    assert control_name("Exposure, Dynamic Framerate") == "exposure_dynamic_framerate"
    assert control_name(" White Balance (Auto) ") == "white_balance_auto"


def test_a_camera_that_was_plugged_in_again_has_its_controls_again(camera: FakeCamera) -> None:
    source = source_with(exposure_dynamic_framerate=0, power_line_frequency=2)
    for _ in range(2):
        camera.controls.clear()
        source.open()
        assert {DYNAMIC: 0, HERTZ: 2}.items() <= camera.controls.items()
        source.close()


def test_what_can_not_be_set_is_told_once_and_the_stream_goes_on(
    camera: FakeCamera, caplog: pytest.LogCaptureFixture
) -> None:
    source = source_with(exposure=1, power_line_frequency=7)
    camera.refused[S_CTRL] = errno.ERANGE
    for _ in range(2):
        source.open()
        source.close()
    assert caplog.text.count("it has no control exposure: exposure_dynamic_framerate, power_line_frequency\n") == 1
    assert caplog.text.count("its control power_line_frequency can't be set to 7: Numerical result out of range; ") == 1
    camera.refused[QUERY_EXT_CTRL] = errno.EIO
    source.open()
    assert "its controls can't be set: Input/output error\n" in caplog.text
    assert source.read(1.0) is not None
    source.close()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EILSEQ])  # of newer kernels, and of 6.1
def test_of_a_control_that_an_automatic_one_sets_no_missing_permission_is_told(
    camera: FakeCamera, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    source = source_with(power_line_frequency=1)
    camera.refused[S_CTRL] = number
    source.open()
    source.close()
    assert "can't be set to 1: it is inactive, or read-only; where an automatic one sets it, " in caplog.text
    assert "ermission" not in caplog.text


@pytest.mark.parametrize("number", [errno.EIO, errno.EPIPE, errno.EILSEQ])
def test_a_control_of_which_the_camera_tells_no_range_hides_none_of_the_others(
    camera: FakeCamera, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    """Some cameras refuse GET_DEF for one control, and a list of all ends there, as uvcvideo of 6.1 and 6.12 fails."""
    names = ("Brightness", "Contrast", "Saturation", "Hue")
    camera.known_controls |= {0x00980900 + at: (INTEGER, name.encode()) for at, name in enumerate(names)}
    camera.mute_controls = dict.fromkeys((0x00980901, 0x00980902, DYNAMIC), number)
    source = source_with(hue=3, contrast=1, power_line_frequency=2)
    source.open()
    assert {0x00980903: 3, HERTZ: 2}.items() <= camera.controls.items()
    assert "it has no control contrast: brightness, hue, power_line_frequency\n" in caplog.text
    source.close()


def test_a_camera_that_answers_nothing_is_not_asked_for_one_control_after_the_other(
    camera: FakeCamera, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The driver waits five seconds for each."""
    asked, really = list[int](), camera._describe_control

    def describe(data: memoryview) -> None:
        asked.append(len(data))
        really(data)

    monkeypatch.setattr(camera, "_describe_control", describe)
    camera.mute_controls = dict.fromkeys((HERTZ, DYNAMIC), errno.ETIMEDOUT)
    source = source_with(power_line_frequency=2)
    source.open()
    assert len(asked) == 2  # the heading, and the one without an answer
    assert "its controls can't be set: Connection timed out" in caplog.text
    source.close()


def test_a_driver_that_goes_round_in_a_circle_is_asked_no_further(
    camera: FakeCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(data: memoryview) -> None:
        struct.pack_into("=II32s", data, 0, HERTZ, INTEGER, b"Power Line Frequency")

    monkeypatch.setattr(camera, "_describe_control", describe)
    source = source_with(power_line_frequency=2)
    source.open()
    assert camera.controls[HERTZ] == 2
    source.close()


@pytest.mark.parametrize("words", ["gain", "gain=", "gain=x", "Gain=1", "gain=1.5", "gain=4294967296", "=1"])
def test_what_is_no_control_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--control", words]) == 2
    assert "give the name that v4l2-ctl -l shows, and a whole number" in capsys.readouterr().err


def test_where_there_are_no_controls_they_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--device", "testsrc", "--control", "gain=1"]) == 2
    assert "testsrc has none; only V4L2 cameras have controls" in capsys.readouterr().err
    (tmp_path / "a.toml").write_text('device = "testsrc"\ncontrol = {gain = true}\n')
    assert main(["--config", str(tmp_path / "a.toml")]) == 2


def test_the_file_says_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--control", "gain=5", "--control", "pan_absolute=-3600", "--print-config"]) == 0
    printed: Any = capsys.readouterr().out
    assert "control = {gain = 5, pan_absolute = -3600}\n" in printed
    (tmp_path / "a.toml").write_text(printed)
    assert main(["--config", str(tmp_path / "a.toml"), "--print-config"]) == 0
    assert capsys.readouterr().out == printed
