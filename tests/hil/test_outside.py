# SPDX-License-Identifier: Apache-2.0
"""What others use of the machine around a virtual one, as it is seen from inside."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from writers import wait_until

from hil.host import foreign_load, outside
from hil.host.foreign_load import Usage


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(outside.VARIABLE, str(tmp_path / outside.FILE))
    return tmp_path / outside.FILE


def test_what_is_told_out_there_is_read_in_here_and_goes_on(file: Path) -> None:
    before = foreign_load.read_usage()
    with outside.told(file.parent):
        wait_until(lambda: outside.read_usage() is not None, "it is told")
        first = outside.read_usage()
        assert first is not None and first.clock_s >= before.clock_s and first.processors == before.processors
        wait_until(
            lambda: (now := outside.read_usage()) is not None and now.clock_s > first.clock_s, "it is told again"
        )
    assert list(file.parent.iterdir()) == []


def test_the_share_is_that_of_others_out_there(file: Path) -> None:
    begin = Usage(100.0, 1000.0, 10.0, 64)
    file.write_text(json.dumps(asdict(Usage(110.0, 1320.0, 170.0, 64))))
    assert outside.share(begin) == pytest.approx(0.25)


def test_nothing_is_said_where_nobody_tells(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Usage(100.0, 1000.0, 10.0, 64)
    assert outside.read_usage() is None and outside.share(begin) == 0
    for wrong in ("", "{", "[]", '{"clock_s": 1}', "\xff"):
        file.write_bytes(wrong.encode("latin-1"))
        assert outside.read_usage() is None and outside.share(begin) == 0
    monkeypatch.delenv(outside.VARIABLE)
    assert outside.read_usage() is None
