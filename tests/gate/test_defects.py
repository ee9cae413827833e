# SPDX-License-Identifier: Apache-2.0
"""The planted defects: each still applies to the source, and names who is to find it."""

import re
import subprocess
from pathlib import Path

import pytest
from writers import ROOT

from hil.gate import bindings, programs
from hil.gate.defects import FOLDER, Defect, read_defects
from hil.gate.metrics import COUNTED, INTEGRITY, TIMED
from hil.gate.mixed import PREFIX, is_mixed
from hil.gate.promises import PROMISES

DEFECTS = read_defects(ROOT)
LEAST = 60


def applies(root: Path, patch: Path) -> bool:
    return (
        subprocess.run(["git", "apply", "--check", patch], cwd=root, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_every_defect_applies_to_the_source(defect: Defect) -> None:
    assert applies(ROOT, defect.patch), f"{defect.patch.name}: the source has changed; make the patch anew"


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_every_defect_changes_the_library_alone(defect: Defect) -> None:
    changed = re.findall(r"^\+\+\+ b/(\S+)", defect.patch.read_text(), re.MULTILINE)
    assert changed and all(name.startswith("lib/src/") for name in changed)


def test_a_patch_whose_place_is_gone_is_noticed(tmp_path: Path) -> None:
    patch = DEFECTS[0].patch
    name = re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.MULTILINE)[0]
    source = tmp_path / name
    source.parent.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    source.write_text((ROOT / name).read_text())
    assert applies(tmp_path, patch)
    source.write_text("/* moved elsewhere */\n")
    assert not applies(tmp_path, patch)


def test_there_are_enough() -> None:
    assert len(DEFECTS) >= LEAST
    assert len({defect.patch.read_text() for defect in DEFECTS}) == len(DEFECTS)


def test_who_is_to_find_a_defect_exists() -> None:
    known = {metric.name for metric in (*TIMED, *COUNTED)} | set(INTEGRITY) | set(PROMISES)
    known |= {PREFIX + name for name in PROMISES if is_mixed(name)} | set(bindings.MEANINGS)
    known |= set(programs.MEANINGS)
    assert [(defect.name, set(defect.seen_by) - known) for defect in DEFECTS if set(defect.seen_by) - known] == []


def test_the_model_finds_what_this_processor_can_not_show() -> None:
    runs = dict(re.findall(r"^protocol '([^']+)' ('[^']+'|\w+)", (ROOT / "lib/model/run").read_text(), re.MULTILINE))
    by_model = [defect for defect in DEFECTS if defect.model]
    assert by_model
    for defect in by_model:
        assert runs[defect.model] != "nothing", f"{defect.name}: the model does not mind {defect.model}"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "differ in x"),
        ('[x]\nbreaks = "a"\n', "either seen_by metrics, or by the model"),
        ('[x]\nbreaks = "a"\nmodel = "m"\n', "either seen_by metrics, or by the model"),
        ('[x]\nbreaks = "a"\nseen_by = ["torn"]\ncolour = 1\n', "x has colour"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, table: str, said: str) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "x.patch").write_text("")
    (folder / "defects.toml").write_text(table)
    with pytest.raises(ValueError, match=said):
        read_defects(tmp_path)
