# SPDX-License-Identifier: Apache-2.0
"""How Sphinx makes the reference: C from what Doxygen reads in video_shm.h, Python from docstrings. ci/docs runs it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

project = "video-shm"
author = "the authors of video-shm"
version = release = (HERE.parent / "VERSION").read_text().strip()
extensions = ["breathe", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "doc/index"  # the source folder is lib, where the format is described too
include_patterns = ["doc/**", "FORMAT.md", "COMPATIBILITY.md"]
breathe_projects = {"video_shm": os.environ["VIDEO_SHM_DOXYGEN_XML"]}
breathe_default_project = "video_shm"
breathe_domain_by_extension = {"h": "c"}
breathe_show_define_initializer = True
autodoc_member_order = "bysource"
autodoc_mock_imports = ["av", "numpy"]  # which only what is described needs
napoleon_use_ivar = True
autodoc_preserve_defaults = True  # 0o660, not 432
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"video-shm {version}"
linkcheck_timeout = 30

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")


def keep_links_between_pages(app: Any, name: str, source: list[str]) -> None:
    """Leave only the text of links to sources: these pages stand alone. test_documents.py checks all links."""
    folder = Path(app.srcdir, name).parent

    def is_page(target: str) -> bool:
        path = (folder / target).resolve()
        return not target or (
            path.suffix == ".md" and path.is_relative_to(app.srcdir) and app.env.path2doc(path) in app.env.found_docs
        )

    source[0] = _LINK.sub(lambda link: link[0] if is_page(link[2]) else link[1], source[0])


def escape_asterisks(_app: Any, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Escape asterisks, since docstrings are plain text with code in backquotes, and have no emphasis."""
    lines[:] = [line.replace("*", r"\*") for line in lines]


def setup(app: Any) -> None:
    """Register with Sphinx, which calls this."""
    app.connect("source-read", keep_links_between_pages)
    app.connect("autodoc-process-docstring", escape_asterisks, priority=400)  # before napoleon, which writes some
