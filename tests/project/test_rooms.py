# SPDX-License-Identifier: Apache-2.0
"""The rooms of hil: each imports only from those below it, and nothing lies about at the top."""

from pathlib import Path

import pytest
from import_order import FLOORS, imports_of, plant
from writers import ROOT

FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
AT_THE_TOP = {"__init__.py", "__main__.py"}


def violations(root: Path) -> list[str]:
    """Return what hil imports from above or beside, and what lies at its top."""
    found = [f"{path.name} lies at the top of hil" for path in root.glob("hil/*.py") if path.name not in AT_THE_TOP]
    for path in sorted(root.glob("hil/*/**/*.py")):
        where = path.relative_to(root)
        room = where.parts[1]
        if room not in FLOOR_OF:
            found.append(f"{where}: hil/{room} has no floor: give it one in tests/helpers/import_order.py")
            continue
        for module, when in imports_of(path, where.parent.parts):
            top, _, rest = module.partition(".")
            other = rest.partition(".")[0]
            if top != "hil" or other == room or when == "types":
                continue
            if FLOOR_OF.get(other, len(FLOORS)) >= FLOOR_OF[room]:
                found.append(f"{where} imports {module}, which is not below hil/{room}")
    return found


def test_each_room_imports_from_those_below_it() -> None:
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("hil/stray.py", ""),
        ("hil/attic/box.py", ""),
        ("hil/host/load.py", "from ..fleet import crew"),
        ("hil/host/load.py", "from hil.fleet.crew import Crew"),
        ("hil/host/load.py", "def f():\n    from ..report import page"),
        ("hil/gate/page.py", "from ..report.page import render"),
        ("hil/usb/host.py", "from ..vm import kernel"),
        ("hil/gate/promises/pair.py", "from ...report import page"),
        ("hil/streamer/sources/v4l2.py", "from ... import workers"),
    ],
)
def test_an_import_from_above_is_found(tmp_path: Path, file: str, line: str) -> None:
    plant(tmp_path, file, line)
    assert violations(tmp_path)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("hil/__main__.py", "from .cli.main import main"),
        ("hil/fleet/crew.py", "from ..host.load import Load\nfrom hil.figures.verdict import Verdict\nimport json"),
        ("hil/host/load.py", "from .board import Board\nfrom vshm_ctypes import Consumer"),
        ("hil/host/load.py", "if TYPE_CHECKING:\n    from ..report.recorder import Recorder"),
    ],
)
def test_an_import_from_below_is_let_through(tmp_path: Path, file: str, line: str) -> None:
    plant(tmp_path, file, line)
    assert violations(tmp_path) == []
