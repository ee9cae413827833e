# SPDX-License-Identifier: Apache-2.0
"""The process of a USB camera: its commands, its books, its end; the kernel's side is played by the test."""

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from usb_host import model_of, small_design
from writers import ROOT, WATCHDOG_S

from hil.usb.books import BookKeeper, BookReader, Picture, parse_books
from hil.usb.faults import FAULTS, FaultError
from hil.usb.serving import BOOKS, COMMANDS, CONTROL, Camera, tell


class Sockets:
    """Plays vhci_hcd: keeps the end of each camera that is plugged in, by its port."""

    def __init__(self) -> None:
        self.ends: dict[int, socket.socket] = {}

    def attach(self, end: socket.socket, port: int | None) -> int:
        port = 2 if port is None else port
        if port in self.ends:
            raise OSError(16, "taken")
        self.ends[port] = end.dup()
        return port

    def close(self) -> None:
        for end in self.ends.values():
            end.close()


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    made = Sockets()
    yield made
    made.close()


def camera_on(sockets: Sockets, folder: Path, written: io.StringIO, **options: Any) -> Camera:
    model = model_of(folder, small_design(**options))
    return Camera(model, BookKeeper(written), plug_in=sockets.attach)


def test_it_keeps_its_port_unless_it_gets_another(tmp_path: Path, sockets: Sockets) -> None:
    written = io.StringIO()
    camera = camera_on(sockets, tmp_path, written)
    assert camera.do("plug") == {"port": 2, "plugged": True}
    assert camera.do("plug=5") == {"port": 2, "plugged": True}  # it is plugged in already
    assert camera.do("unplug") == {"port": 2, "plugged": False}
    with sockets.ends.pop(2) as end:
        assert end.recv(1) == b""  # so the kernel notices
    assert camera.do("plug=5") == {"port": 5, "plugged": True}
    camera.do("unplug")
    sockets.ends.pop(5).close()
    assert camera.do("plug")["port"] == 5
    camera.unplug()
    events = parse_books(written.getvalue().splitlines(keepends=True)).events
    assert [(event.name, event.details) for event in events] == [
        ("plugged", {"port": 2}),
        ("unplugged", {}),
        *[("plugged", {"port": 5}), ("unplugged", {})] * 2,
    ]


def test_faults_stay_over_a_plug_and_settings_do_not(tmp_path: Path, sockets: Sockets) -> None:
    camera = camera_on(sockets, tmp_path, io.StringIO())
    camera.do("plug")
    camera.do("hole=3")
    before = camera.device
    camera.do("unplug")
    sockets.ends.pop(2).close()
    camera.do("plug")
    assert camera.faults.number("hole") == 3 and camera.device is not before
    camera.do("clear")
    assert camera.faults.number("hole") == 0
    camera.unplug()


@pytest.mark.parametrize(
    ("words", "why"), [("boom", "no such fault; there are .*error-bit"), ("stall=x", "seconds"), ("plug=x", "port")]
)
def test_what_is_no_command_is_refused(tmp_path: Path, sockets: Sockets, words: str, why: str) -> None:
    with pytest.raises(FaultError, match=why):
        camera_on(sockets, tmp_path, io.StringIO()).do(words)


def test_bulk_loses_no_packet(tmp_path: Path, sockets: Sockets) -> None:
    with pytest.raises(FaultError, match="bulk"):
        camera_on(sockets, tmp_path, io.StringIO(), bulk=True).do("lost-packet")


def test_books_that_are_being_written_are_read_to_the_last_whole_line() -> None:
    written = io.StringIO()
    keeper = BookKeeper(written)
    picture = Picture(3, keeper.open_stream(), 0, 1, 10, 20, 999, ("hole",))
    keeper.picture(picture)
    keeper.event("plugged", port=1)
    lines = [*written.getvalue().splitlines(keepends=True), '{"picture": {"num']
    books = parse_books(lines)
    assert books.pictures == (picture,) and not picture.whole
    assert books.counts == {"due": 1, "sent": 1, "whole": 0, "hole": 1, "plugged": 1}


def test_books_are_read_on_while_they_are_written(tmp_path: Path) -> None:
    reader = BookReader(tmp_path / BOOKS)
    assert reader.read().counts == {}
    with (tmp_path / BOOKS).open("w") as written:
        keeper = BookKeeper(written)
        keeper.event("plugged")
        assert reader.read().counts == {"plugged": 1}
        keeper.event("unplugged")
        keeper.event("plugged")
    assert [event.name for event in reader.read().events] == ["plugged", "unplugged", "plugged"]


# The process itself, not plugged in


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    model_of(tmp_path, "yuyv")
    words = [sys.executable, "-m", "hil.usb", "camera", "yuyv", "--unplugged", "--folder", str(tmp_path)]
    environment = os.environ | {"VIDEO_SHM_CLIPS": str(tmp_path), "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen([*words, "--set", "hole=2"], stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"port": None, "folder": str(tmp_path)}
        yield process
        process.kill()


def test_it_takes_commands_and_quits(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    control = tmp_path / CONTROL
    assert tell(control, "stall=3", WATCHDOG_S) == {"port": None, "plugged": False}
    with pytest.raises(FaultError, match="no such fault"):
        tell(control, "nothing", WATCHDOG_S)
    tell(control, "quit", WATCHDOG_S)
    assert running.wait(WATCHDOG_S) == 0 and not control.exists()
    books = parse_books((tmp_path / BOOKS).read_text().splitlines(keepends=True))
    assert [event.details["fault"] for event in books.events if event.name == "fault"] == ["hole", "stall"]


def test_it_ends_with_the_program_that_started_it(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    """A harness that is killed leaves no camera behind: its end of the pipe is closed."""
    assert running.stdin is not None
    running.stdin.close()
    assert running.wait(WATCHDOG_S) == 0
    assert not (tmp_path / CONTROL).exists()


def test_without_its_pictures_it_says_how_they_are_made(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "hil.usb", "camera", "mjpeg", "--unplugged", "--folder", str(tmp_path)]
    environment = os.environ | {"VIDEO_SHM_CLIPS": str(tmp_path / "none"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and "python -m hil.usb clips mjpeg" in done.stderr


def test_help_lists_every_fault_and_command() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "hil.usb", "--help"]
    told = subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout
    assert all(f"{fault.name}={fault.values}" in told and fault.text in told for fault in FAULTS.values())
    assert all(f"  {name}" in told for name in COMMANDS)
