# SPDX-License-Identifier: Apache-2.0
"""Which sound card a microphone's name leads to after it was unplugged, by a folder that looks like sysfs."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from own_clock import Clock
from sound_card import installed

from hil.streamer.sound import alsa, arecord
from hil.streamer.sound.alsa import AlsaSource
from hil.streamer.sound.cards import KeptCard, sound_cards
from hil.streamer.sources import identity
from hil.streamer.sources.keeper import KEEP_S
from hil.streamer.sources.source import SourceError

PORTS = "devices/pci0000:00/0000:00:14.0/usb1/1-1"


class Sysfs:
    """A folder with sound cards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "class/sound").mkdir(parents=True)

    def plug(self, number: int, port: str, name: str = "Camera", serial: str = "0001") -> None:
        """Enter a card of a USB device."""
        device = self.folder / PORTS / f"1-1.{port}"
        interface = device / f"1-1.{port}:1.2"
        card = interface / f"sound/card{number}"
        card.mkdir(parents=True)
        texts = {device / "idVendor": "046d", device / "idProduct": "0825", device / "serial": serial}
        for path, text in {**texts, interface / "bInterfaceNumber": "02", card / "id": name}.items():
            path.write_text(f"{text}\n")
        (device / "power").mkdir(exist_ok=True)
        (device / "power/connected_duration").write_text("0\n")
        (card / "device").symlink_to(interface)
        driver = self.folder / "bus/usb/drivers/snd-usb-audio"
        driver.mkdir(parents=True, exist_ok=True)
        if not (interface / "driver").is_symlink():
            (interface / "driver").symlink_to(driver)
        (self.folder / f"class/sound/card{number}").symlink_to(card)

    def unplug(self, number: int) -> None:
        """Take a card away."""
        card = self.folder / f"class/sound/card{number}"
        Path(os.path.realpath(card / "device")).rename(self.folder / f"gone{number}")
        card.unlink()


@pytest.fixture
def sysfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sysfs:
    monkeypatch.setattr(identity, "SYSFS", tmp_path / "sys")
    return Sysfs(tmp_path / "sys")


def kept(name: str, clock: Callable[[], float] = time.monotonic) -> KeptCard:
    """Return a microphone that records already."""
    card = KeptCard(name, clock=clock)
    assert card.name() == name
    card.began()
    card.records()
    return card


def why_not(card: KeptCard) -> str:
    with pytest.raises(SourceError) as raised:
        card.name()
    assert raised.value.kind == "absent"
    return str(raised.value.strerror)


def test_cards_are_told_by_what_they_are_plugged_into(sysfs: Sysfs) -> None:
    sysfs.plug(10, "2", "Camera_1")
    sysfs.plug(1, "1")
    found = [(str(card.path), card.card, card.driver, card.bus, card.identity.model) for card in sound_cards()]
    assert found == [
        ("/dev/snd/controlC1", "Camera", "snd-usb-audio", "1-1.1", "046d:0825"),
        ("/dev/snd/controlC10", "Camera_1", "snd-usb-audio", "1-1.2", "046d:0825"),
    ]


@pytest.mark.parametrize(
    ("name", "then"),
    [
        ("hw:1", "hw:3"),
        ("plughw:1,0", "plughw:3,0"),
        ("hw:CARD=Camera,DEV=0", "hw:CARD=3,DEV=0"),
        ("plughw:Camera,0,0", "plughw:3,0,0"),
        ("dsnoop:CARD=1", "dsnoop:CARD=3"),
    ],
)
def test_a_microphone_that_was_plugged_in_again_has_another_number(sysfs: Sysfs, name: str, then: str) -> None:
    sysfs.plug(1, "1")
    card = kept(name)
    assert card.name() == name
    sysfs.unplug(1)
    assert why_not(card) == "Camera (snd-usb-audio, 1-1.1) is not there"
    sysfs.plug(3, "1", "Camera_1")
    assert card.name() == then
    card.began()
    sysfs.unplug(3)
    sysfs.plug(1, "4")  # in another port
    assert card.name() == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("hw:1", "/dev/snd/controlC1 is another device now, and is not taken for Camera (snd-usb-audio, 1-1.1)"),
        ("hw:Camera", "Camera (snd-usb-audio, 1-1.1) is not there"),
    ],
)
def test_another_one_that_has_its_number_and_id_now_is_not_taken(sysfs: Sysfs, name: str, why: str) -> None:
    sysfs.plug(1, "1", serial="A")
    card = kept(name)
    sysfs.unplug(1)
    sysfs.plug(1, "2", serial="B")
    assert why_not(card) == why


def test_another_one_with_that_id_is_taken_when_the_first_is_gone_for_long(sysfs: Sysfs) -> None:
    clock = Clock()
    sysfs.plug(1, "1", serial="A")
    by_id, by_number = kept("hw:Camera", clock), kept("hw:1", clock)
    sysfs.unplug(1)
    sysfs.plug(1, "2", serial="B")
    clock.sleep(KEEP_S + 1)
    why_not(by_number)
    assert by_id.name() == "hw:Camera"


@pytest.mark.parametrize("name", ["default", "plug:'hw:1'", "pulse", "card:hz=1", "hw:7", "hw:Other"])
def test_a_name_that_tells_no_card_stays_as_it_is(sysfs: Sysfs, name: str) -> None:
    sysfs.plug(1, "1")
    card = kept(name)
    sysfs.unplug(1)
    assert card.name() == name


def test_the_source_records_by_the_new_number(sysfs: Sysfs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def command(device: str, *words: Any) -> list[str]:
        asked.append(device)
        return arecord.command("card:tone=440", *words)

    monkeypatch.setattr(alsa, "command", command)
    sysfs.plug(1, "1")
    (tmp_path / "programs").mkdir()
    with installed(tmp_path / "programs"):
        source = AlsaSource("hw:1,0", 48000, 2)
        source.open()
        assert source.read(5.0) is not None
        source.close()
        sysfs.unplug(1)
        with pytest.raises(SourceError, match=r"alsa:hw:1,0: Camera \(snd-usb-audio, 1-1.1\) is not there"):
            source.open()
        sysfs.plug(2, "1")
        source.open()
        assert source.read(5.0) is not None
        source.close()
    assert asked == ["hw:1,0", "hw:2,0"]
