# SPDX-License-Identifier: Apache-2.0
"""Writes the seconds of the last run of ci/test, which are in build/, into lib/doc/TESTS.md.

python ci/test_times.py     each row's sum, by build/pytest.xml and by CTest's costs
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
MAP = ROOT / "lib" / "doc" / "TESTS.md"
C_HEADING = "\n## lib/tests/: C\n"
_ROW = re.compile(r"^(\|[^|]+\|[^|]+\|)[^|]*\|(( `\w+`,?)+ \|)$", re.MULTILINE)


def python_seconds(report: Path) -> dict[str, float]:
    """Return the seconds of each test file, by its name without test_."""
    seconds: dict[str, float] = defaultdict(float)
    for case in ElementTree.parse(report).iter("testcase"):
        module = re.search(r"test_(\w+)", case.get("classname") or "")
        if module:
            seconds[module[1]] += float(case.get("time") or 0)
    return seconds


def c_seconds(costs: Path) -> dict[str, float]:
    """Return the seconds of each C test, by CTest's name."""
    lines = (line.split() for line in costs.read_text().partition("---")[0].splitlines())
    return {name: float(seconds) for name, _runs, seconds in lines}


def filled(text: str, seconds: dict[str, float]) -> str:
    """Return the page with the sum of the files in each row."""

    def row(match: re.Match[str]) -> str:
        names = re.findall(r"`(\w+)`", match[2])
        return f"{match[1]} {sum(seconds.get(name, 0) for name in names):.0f} |{match[2]}"

    return _ROW.sub(row, text)


def main() -> None:
    """Fill in both tables; a table without times stays as it is."""
    build = ROOT / "build"
    python, c = MAP.read_text().split(C_HEADING)
    if (report := build / "pytest.xml").exists():
        python = filled(python, python_seconds(report))
    if (costs := build / "Testing" / "Temporary" / "CTestCostData.txt").exists():
        c = filled(c, c_seconds(costs))
    MAP.write_text(python + C_HEADING + c)


if __name__ == "__main__":
    main()
