# SPDX-License-Identifier: Apache-2.0
"""Where a file is to be made: what is wrong with the place is said before anything else is done."""

import os
from pathlib import Path

import pytest
from vshm import Camera

from vshm_ctypes import Media, Producer
from vshm_ctypes.cli.main import main
from vshm_ctypes.commandline.place import check_place

# With what else is wrong, or takes its time: it would be said first, or waited for.
WORDS = {
    "record": ["RING", "--audio", "SOUND", "-o", "PLACE.mkv"],
    "record, its timing": ["RING", "--audio", "SOUND", "-o", "CLIP", "--timing", "PLACE.jsonl"],
    "watch": ["/vshm_pytest_nothing", "--log", "PLACE.log"],
    "watch of all": ["--log", "PLACE.log"],
    "plot": ["/nonexistent.log", "-o", "PLACE.svg"],
    "export": ["-o", "PLACE.prom", "--every", "600"],
    "bundle": ["-o", "PLACE.tar.zst", "--seconds", "600"],
}


@pytest.mark.parametrize("verb", WORDS)
def test_a_folder_that_is_not_there_is_told_at_once(
    ring: str, tmp_path: Path, verb: str, watchdog: None, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = f"{ring}_sound"
    names = {"RING": ring, "SOUND": sound, "CLIP": str(tmp_path / "clip.mkv")}
    place = tmp_path / "no" / "file"
    given = [names.get(word, word.replace("PLACE", str(place))) for word in WORDS[verb]]
    (path,) = (word for word in given if word.startswith(str(place)))
    with Camera(ring), Producer(sound, media=Media.AUDIO):
        assert main([verb.partition(" ")[0].strip(","), *given]) == 1
    folder = f"there is no folder {place.parent}: make it first"
    assert capsys.readouterr().err == f"vshm: {path}: No such file or directory: {folder}\n"
    assert not list(tmp_path.iterdir())


def test_a_page_that_is_there_is_told_before_its_bundle_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "case.tar.zst"
    page = tmp_path / "case.tar.zst.html"
    bundle.write_text("no bundle")
    page.write_text("dear")
    assert main(["bundle", "--open", str(bundle)]) == 1
    assert capsys.readouterr().err == f"vshm: {page}: it is there already: --force overwrites it\n"
    assert page.read_text() == "dear"


def test_a_folder_of_others_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(PermissionError, match=f"nothing can be written into {tmp_path}: choose another folder"):
        check_place(tmp_path / "file")


def test_pipes_and_devices_are_no_files_to_be_made(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        check_place(path)


def test_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "no" / "file")
    with pytest.raises(FileNotFoundError, match=f"there is no folder {tmp_path / 'no'}"):
        check_place(tmp_path / "link")
