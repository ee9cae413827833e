# SPDX-License-Identifier: Apache-2.0
"""A board file for tests that share their machine with other programs."""

import json
from pathlib import Path

from hil.host.board import FOLDER


def patient_board(
    folder: Path, longest_stall_ms: float = 150.0, stalled_share: float = 1.0, proven: bool = True
) -> Path:
    """Return a board file by which only a long stall, or many, make the host unfit."""
    text = (FOLDER / "generic.toml").read_text()
    bounds = {"longest_stall_ms": longest_stall_ms, "stalled_share": stalled_share}
    bounds |= {"steal_share": 1.0, "foreign_share": 1.0}
    values = {"proven": json.dumps(proven)} | {name: str(value) for name, value in bounds.items()}
    lines = (line.partition(" = ") for line in text.splitlines())
    path = folder / "patient.toml"
    path.write_text("\n".join(f"{name}{sign}{values.get(name, value)}" for name, sign, value in lines))
    return path
