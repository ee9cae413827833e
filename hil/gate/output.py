# SPDX-License-Identifier: Apache-2.0
"""Writes all files of a session."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from vshm_ctypes.commandline.atomic_file import write_whole

from .page import FILE, JSON, page
from .render import junit, markdown
from .result import Result


def write_all(result: Result, folder: Path) -> None:
    """Write gate.json, gate.xml, gate.md and gate.html. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    result.write(folder / JSON)
    write_whole(folder / "gate.xml", ElementTree.tostring(junit(result).getroot(), "utf-8", xml_declaration=True))
    write_whole(folder / "gate.md", markdown(result))
    write_whole(folder / FILE, page(result))
