# SPDX-License-Identifier: Apache-2.0
"""Reads the documents for tests: their links, the paths that they name, and the programs in them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from writers import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "lib" / "doc").rglob("*.md")), *sorted((ROOT / "lib").glob("*.md"))]
REFERENCE = sorted((ROOT / "lib" / "doc" / "api").glob("*.rst"))
_FOLDERS = r"(?:lib|hil|vshm_ctypes|tests|ci|findings|\.github)"
_TO_BE_MADE = {"hil/lib"}  # in a wheel


def every_markdown_file() -> list[Path]:
    """Return all Markdown files that are, or are about to be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [path for path in (ROOT / name for name in listed.splitlines()) if path.is_file()]


def links(text: str) -> list[tuple[str, str]]:
    """Return target and anchor of each local link; either may be empty."""
    prose = re.sub(r"^(```.*?^```|    .*?)$", "", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"\]\(([^)\s#]*)(#[^)\s]+)?\)", re.sub(r"`[^`\n]*`", "", prose))
    return [(target, anchor[1:]) for target, anchor in found if "://" not in target]


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> list[str]:
    """Return the links to a file or a heading that does not exist."""
    found = []
    for target, anchor in links(text):
        path = (page.parent / target).resolve() if target else page
        if not path.exists():
            found.append(target)
        elif anchor and anchor not in anchors(text if path == page else path.read_text()):
            found.append(f"{target}#{anchor}")
    return found


def missing_paths(page: Path, text: str) -> list[str]:
    """Return the paths in backquotes that exist neither below the top nor beside the page; an asterisk is any name."""
    named = {path.rstrip("/") for path in re.findall(rf"`({_FOLDERS}/[\w./*-]*)`", text)}
    return sorted(
        path for path in named - _TO_BE_MADE if not any(ROOT.glob(path)) and not (page.parent / path).exists()
    )


def programs(language: str) -> Iterator[tuple[str, str]]:
    """Return each program in a language ("c" or "python"), with a name for it."""
    begins = {"c": r"#include", "python": r"(?:from|import) "}[language]
    for page in [*PAGES, *REFERENCE]:
        blocks = re.findall(r"(?:^(?: {3,4}.*)?\n)+", page.read_text() + "\n", re.MULTILINE)
        told = [re.sub(r"^ {3,4}", "", block, flags=re.MULTILINE).strip() + "\n" for block in blocks]
        wanted = [program for program in told if re.match(begins, program)]
        for number, program in enumerate(wanted):
            yield f"{page.stem}-{number}", program
