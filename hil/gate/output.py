# SPDX-License-Identifier: Apache-2.0
"""All files that a session leaves."""

from __future__ import annotations

from pathlib import Path

from .page import FILE, JSON, page
from .render import junit, markdown
from .result import Result


def write_all(result: Result, folder: Path) -> None:
    """gate.json, gate.xml, gate.md and gate.html. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    result.write(folder / JSON)
    junit(result).write(folder / "gate.xml", encoding="utf-8", xml_declaration=True)
    (folder / "gate.md").write_text(markdown(result))
    (folder / FILE).write_text(page(result), encoding="utf-8")
