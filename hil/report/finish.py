# SPDX-License-Identifier: Apache-2.0
"""Finishes a report: merges the recorded parts into run.json and its pages, and pytest's files into junit.xml."""

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
    """Return the finished run. pytest_codes: pytest's exit codes. Raises RunError or OSError."""
    run = merge(folder, pytest_codes, problems)
    save(run, folder)
    junit = sorted((folder / PARTS).glob("*/junit-*.xml"))
    if junit:
        merge_junit(junit, folder / "junit.xml")
    write_page(run, folder / FILE, section_beside(folder))
    write_whole(folder / markdown.FILE, markdown.markdown(run))
    return run
