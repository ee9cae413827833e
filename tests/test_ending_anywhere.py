# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at every single step of making, using and putting away what must not be left behind."""

from pathlib import Path

import pytest
from anywhere import interrupted_anywhere

from vshm_ctypes.cli.bundle_archive import Writer
from vshm_ctypes.cli.ending import held
from vshm_ctypes.cli.whole_file import WholeFile, write_whole


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture(params=["nameless", "named"])
def _files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file system that has files without a name, and of one that has not."""
    if request.param == "named":
        monkeypatch.setattr(WholeFile, "_nameless", lambda self: None)


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize("before", ["", "dear"])
def test_a_file_is_whole_or_as_it_was(tmp_path: Path, before: str) -> None:
    path = tmp_path / "file"

    def begin() -> None:
        path.unlink(missing_ok=True)
        if before:
            path.write_text(before)

    def check() -> None:
        assert left_in(tmp_path) in ([], ["file"])
        assert (path.read_text() if path.exists() else "") in {before, "whole"}

    interrupted_anywhere(begin, lambda: write_whole(path, "whole"), check)


@pytest.mark.usefixtures("_files")
def test_a_bundle_is_whole_or_none(tmp_path: Path) -> None:
    path = tmp_path / "case.tar.zst"

    def scene() -> None:
        with held() as hold, Writer(path, force=False) as bundle, hold.lifted():
            bundle.add("member", b"content")

    def check() -> None:
        assert left_in(tmp_path) in ([], ["case.tar.zst"])

    interrupted_anywhere(lambda: path.unlink(missing_ok=True), scene, check, of=3)
