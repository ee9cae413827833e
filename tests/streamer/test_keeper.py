# SPDX-License-Identifier: Apache-2.0
"""Which camera is it? What a name leads to once a camera has streamed; on descriptions, with no device."""

from dataclasses import replace
from pathlib import Path

import pytest
from own_clock import Clock

from hil.streamer.sources.devices import DeviceInfo
from hil.streamer.sources.identity import Identity
from hil.streamer.sources.keeper import KEEP_S, Keeper
from hil.streamer.sources.source import SourceError

HUB = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1"


def webcam(
    number: int, port: str, serial: str = "", connected_s: float | None = 1000.0, model: str = "046d:0825"
) -> DeviceInfo:
    """A USB camera."""
    identity = Identity(f"{HUB}/1-1.{port}", model, serial, "00.0", connected_s)
    return DeviceInfo(Path(f"/dev/video{number}"), "uvcvideo", "HD Webcam", f"usb-1.{port}", True, identity=identity)


def metadata(camera: DeviceInfo, number: int) -> DeviceInfo:
    """The other node that uvcvideo makes for that camera."""
    identity = replace(camera.identity, function="00.1")
    return replace(camera, path=Path(f"/dev/video{number}"), captures=False, identity=identity)


VIVID = DeviceInfo(Path("/dev/video9"), "vivid", "vivid", "platform:vivid-000", True)


class Stage:
    """A keeper whose camera has streamed for a while, is gone, and has been looked for once."""

    def __init__(self, words: str, camera: DeviceInfo, *others: DeviceInfo) -> None:
        self.clock = Clock()
        self.keeper = Keeper(words, clock=self.clock)
        assert self.keeper.candidates([camera, *others])[0][0] == camera
        self.keeper.began(camera, [camera, *others])
        self.clock.sleep(100)
        self.keeper.streams()
        self.clock.sleep(1)

    def finds(self, *there: DeviceInfo) -> DeviceInfo | None:
        """Return what is opened when these are there, or None."""
        try:
            return self.keeper.candidates(list(there))[0][0]
        except SourceError as error:
            assert error.kind == "absent"
            return None

    def why_not(self, *there: DeviceInfo) -> str:
        with pytest.raises(SourceError) as raised:
            self.keeper.candidates(list(there))
        return str(raised.value.strerror)


MANY = ["auto", "HD Webcam", "uvcvideo"]


@pytest.mark.parametrize("words", [*MANY, "/dev/video0", "usb-1.1"])
def test_the_same_camera_is_found_under_any_number(words: str) -> None:
    camera = webcam(0, "1")
    stage = Stage(words, camera)
    assert stage.finds(camera) == camera
    moved = replace(camera, path=Path("/dev/video4"))
    assert stage.finds(VIVID, moved, metadata(moved, 5)) == moved


def test_another_camera_at_that_number_is_not_taken_ever(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage("/dev/video0", webcam(0, "1", "A"))
    other = webcam(0, "2", "B")
    assert stage.why_not(other) == (
        "/dev/video0 is another device now, and is not taken for HD Webcam (uvcvideo, usb-1.1)"
    )
    stage.clock.sleep(KEEP_S * 10)
    assert stage.finds(other) is None
    assert stage.finds(replace(VIVID, path=Path("/dev/video0"))) is None
    back = webcam(1, "1", "A", connected_s=1)
    assert stage.finds(other, back) == back


@pytest.mark.parametrize("serial", ["", "0001"])
@pytest.mark.parametrize("words", MANY)
def test_the_other_one_of_two_alike_is_taken_only_when_the_first_is_gone_for_long(words: str, serial: str) -> None:
    first, second = webcam(0, "1", serial), webcam(2, "2", serial)
    stage = Stage(words, first, second)
    assert stage.finds(second) is None
    assert "usb-1.2) is like it, and is not taken for it" in stage.why_not(second)
    stage.clock.sleep(KEEP_S - 2)
    assert stage.finds(second) is None
    assert stage.finds(first, second) == first
    stage.clock.sleep(KEEP_S - 1)
    assert stage.finds(second) is None  # the first was there in between
    stage.clock.sleep(2)
    assert stage.finds(second) == second
    told = "HD Webcam (uvcvideo, usb-1.1) has been gone for 30 s: another camera is taken"
    assert stage.keeper.candidates([second])[1] == [told]
    stage.keeper.began(second, [second])
    assert stage.finds(first, second) == second  # and now that one is kept to


def test_of_several_of_one_model_the_one_that_could_be_mistaken_is_named() -> None:
    first, second, other = webcam(0, "1", "A"), webcam(2, "2", "A"), webcam(4, "3", "B")
    assert "usb-1.2) is like it" in Stage("auto", first, second, other).why_not(other, second)
    assert Stage("auto", first, other).why_not(other) == "HD Webcam (uvcvideo, usb-1.1) is not there"


@pytest.mark.parametrize("serial", ["", "0001"])
@pytest.mark.parametrize("words", [*MANY, "/dev/video0"])
def test_one_that_was_plugged_in_beside_it_later_is_not_taken_for_it(words: str, serial: str) -> None:
    stage = Stage(words, webcam(0, "1", serial))
    assert stage.finds(webcam(2, "2", serial, connected_s=50)) is None  # it streamed until 1 s ago


@pytest.mark.parametrize("serial", ["", "0001"])
@pytest.mark.parametrize("words", [*MANY, "/dev/video0"])
def test_in_another_port_it_is_told_from_one_like_it_by_when_it_came(words: str, serial: str) -> None:
    first, second = webcam(0, "1", serial), webcam(2, "2", serial)
    stage = Stage(words, first, second)
    moved = webcam(1, "4", serial, connected_s=0.5)
    assert stage.finds(moved, second) == moved
    assert stage.finds(second, moved) == moved


def test_where_the_kernel_does_not_say_when_those_that_were_there_are_known() -> None:
    first, second = webcam(0, "1", "1", None), webcam(2, "2", "1", None)
    stage = Stage("auto", first, second)
    assert stage.finds(second) is None
    moved = webcam(3, "3", "1", None)
    assert stage.finds(second, moved) == moved


def test_two_that_came_could_both_be_it() -> None:
    stage = Stage("auto", webcam(0, "1", "1"))
    came = [webcam(number, str(number), "1", 0.5) for number in (3, 4)]
    assert stage.finds(*came) is None
    stage.clock.sleep(KEEP_S)
    assert stage.finds(*came) == came[0]


@pytest.mark.parametrize("words", [*MANY, "/dev/video0"])
def test_another_serial_number_in_the_same_port_is_another_camera(words: str) -> None:
    stage = Stage(words, webcam(0, "1", "A"))
    other = webcam(0, "1", "B", connected_s=0.5)
    assert stage.finds(other) is None
    stage.clock.sleep(KEEP_S)
    assert stage.finds(other) == (None if words == "/dev/video0" else other)


def test_a_serial_number_that_could_not_be_read_once_makes_no_other_camera() -> None:
    stage = Stage("auto", webcam(0, "1", "A"))
    there = replace(webcam(0, "1", "", 0.5), card="UVC Camera (046d:0825)")
    assert stage.finds(there) == there


def test_of_one_camera_with_two_functions_the_same_is_taken() -> None:
    colour = webcam(0, "1", "A")
    infrared = replace(webcam(2, "1", "A"), identity=replace(colour.identity, function="02.0"))
    for words in ("auto", "/dev/video0", "usb-1.1"):
        stage = Stage(words, colour, infrared)
        assert stage.finds(infrared) is None
        assert stage.finds(infrared, replace(colour, path=Path("/dev/video4"))).path == Path("/dev/video4")  # type: ignore[union-attr]


def test_a_usb_2_and_a_usb_3_port_of_one_controller_are_two_although_bus_info_is_one() -> None:
    first = webcam(0, "1")
    second = replace(webcam(2, "1"), identity=replace(first.identity, port="/sys/devices/usb2/2-1"))
    assert first.bus == second.bus
    assert Stage("auto", first, second).finds(second) is None


@pytest.mark.parametrize("words", ["auto", "/dev/video9", "vivid", "platform:vivid-000"])
def test_a_camera_without_identity_is_known_by_bus_driver_and_card(words: str) -> None:
    other = replace(VIVID, path=Path("/dev/video10"), bus="platform:vivid-001")
    stage = Stage(words, VIVID, other)
    assert stage.finds(other) is None
    again = replace(VIVID, path=Path("/dev/video3"))
    assert stage.finds(other, again) == again


def test_a_bus_is_whatever_is_plugged_in_there() -> None:
    stage = Stage("usb-1.1", webcam(0, "1", "A"))
    other = webcam(3, "1", "B", model="1234:5678")
    assert stage.finds(other) == other
    assert stage.finds(webcam(3, "2", "A", 0.5)) is None


# ---- links ----


def linked(tmp_path: Path, kind: str, camera: DeviceInfo) -> tuple[Path, DeviceInfo]:
    """Return a link as udev makes it, and the camera with a node in that folder."""
    node = tmp_path / camera.path.name
    node.touch()
    link = tmp_path / "v4l" / kind / "link"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(node)
    return link, replace(camera, path=node)


def test_a_link_by_path_is_whatever_is_plugged_in_there(tmp_path: Path) -> None:
    link, camera = linked(tmp_path, "by-path", webcam(0, "1", "A"))
    stage = Stage(str(link), camera)
    link.unlink()
    assert stage.finds(webcam(3, "2", "A", 0.5)) is None  # the same camera in another port
    _, other = linked(tmp_path, "by-path", webcam(0, "1", "B", 0.5, model="1234:5678"))
    assert stage.finds(other) == other


def test_a_link_by_id_is_that_camera_in_any_port_and_under_any_number(tmp_path: Path) -> None:
    link, camera = linked(tmp_path, "by-id", webcam(0, "1", "A"))
    stage = Stage(str(link), camera)
    _, moved = linked(tmp_path, "by-id", webcam(3, "2", "A", 0.5))
    assert stage.finds(moved) == moved
    link.unlink()  # udev is not done yet
    assert stage.finds(moved) == moved


def test_a_link_by_id_that_leads_to_another_with_the_same_serial_number_is_not_followed_at_once(tmp_path: Path) -> None:
    link, camera = linked(tmp_path, "by-id", webcam(0, "1", "1"))
    (tmp_path / "video2").touch()
    second = replace(webcam(2, "2", "1"), path=tmp_path / "video2")
    stage = Stage(str(link), camera, second)
    link.unlink()
    link.symlink_to(second.path)
    assert stage.finds(second) is None
    stage.clock.sleep(KEEP_S)
    assert stage.finds(second) == second


# ---- before any has streamed ----


def test_a_camera_that_others_use_is_tried_last() -> None:
    first, second = webcam(0, "1"), webcam(2, "2")
    keeper = Keeper("auto")
    assert keeper.goes_on(first)
    keeper.is_used(first)
    assert keeper.candidates([first, second])[0] == [second, first]
    keeper.began(second, [first, second])
    assert not keeper.goes_on(second)


def test_what_was_named_by_its_place_is_not_replaced_where_others_use_it() -> None:
    assert not Keeper("usb-1.1").goes_on(webcam(0, "1"))


@pytest.mark.parametrize(("keep_s", "longest_s"), [(5.0, 5.0), (float("inf"), 1e9), (0.0, 0.0)])
def test_how_long_it_is_kept_to_can_be_set(keep_s: float, longest_s: float) -> None:
    clock = Clock()
    keeper = Keeper("auto", keep_s, clock)
    first, second = webcam(0, "1", "A"), webcam(2, "2", "B")
    keeper.began(first, [first, second])
    clock.sleep(max(longest_s - 1, 0))
    if keep_s:
        with pytest.raises(SourceError):
            keeper.candidates([second])
    clock.sleep(1)
    if keep_s < 1e9:
        assert keeper.candidates([second])[0] == [second]


def test_a_node_s_path_leads_to_no_other_camera_either_once_its_own_has_another_number() -> None:
    camera, other = webcam(0, "1", "A"), webcam(0, "2", "B")
    stage = Stage("/dev/video0", camera)
    moved = replace(camera, path=Path("/dev/video4"))
    assert stage.finds(moved) == moved
    stage.keeper.began(moved, [moved])
    stage.clock.sleep(KEEP_S * 10)
    assert stage.finds(other) is None
