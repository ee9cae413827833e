# SPDX-License-Identifier: Apache-2.0
"""What is done when a run is over: run.json and what shows it are made of the parts, and junit.xml of pytest's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vshm_ctypes.commandline.atomic_file import write_whole

from ..gate.page import section_beside
from . import markdown
from .junit import merge_junit
from .merge import Run, merge, save
from .page import FILE, write_page
from .recorder import PARTS


def finish(folder: Path, pytest_codes: Iterable[int], problems: Iterable[str] = ()) -> Run:
    """The finished run. pytest_codes: what pytest exited with. Raises RunError, OSError."""
    run = merge(folder, pytest_codes, problems)
    save(run, folder)
    junit = sorted((folder / PARTS).glob("*/junit-*.xml"))
    if junit:
        merge_junit(junit, folder / "junit.xml")
    write_page(run, folder / FILE, section_beside(folder))
    write_whole(folder / markdown.FILE, markdown.markdown(run))
    return run
