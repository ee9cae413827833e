# SPDX-License-Identifier: Apache-2.0
"""README.md and lib/doc: each command is walked or left out for a reason, and the extras exist."""

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from writers import ROOT

WALK = ROOT / "ci" / "readme_walk.py"
README = (ROOT / "README.md").read_text()


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(WALK.parent)
    return runpy.run_path(str(WALK))


def test_every_command_is_known_to_the_walk_and_none_besides(walk: dict[str, Any]) -> None:
    used = set()
    for block in walk["blocks"]():
        for command in walk["commands"](block):
            rows = [row.begins for row in walk["ROWS"] if command.startswith(row.begins)]
            assert rows, f"ci/readme_rows.py does not know {command}"
            used.add(rows[0])
    assert used == {row.begins for row in walk["ROWS"]}


def test_every_extra_is_told_and_every_one_told_is_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    older_names = {name for name, needs in extras.items() if len(needs) == 1 and needs[0].startswith("video-shm[")}
    there = extras.keys() - older_names - {"dev", "docs"}
    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == there
    named = {extra for told in re.findall(r"video-shm\[([\w,]+)\]", README) for extra in told.split(",")}
    assert named <= there


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("    vshm dance\n", "does not know it"),
        ("    ./reader\n", "did not print"),
        ("    from nowhere import nothing\n    print(nothing)\n", "did not print"),
    ],
)
def test_the_walk_fails_on_what_does_not_do_as_it_says(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "README.md").write_text(text)
    (tmp_path / "vshm").write_text("#!/bin/sh\nwhile echo http://; do sleep 1; done\n")
    (tmp_path / "vshm").chmod(0o755)
    (tmp_path / "reader").write_text("#!/bin/sh\necho nothing\n")
    (tmp_path / "reader").chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    done = subprocess.run(
        [sys.executable, WALK],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert fault in done.stderr
