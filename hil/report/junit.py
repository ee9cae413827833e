# SPDX-License-Identifier: Apache-2.0
"""Merges pytest's junit.xml files into one, with the last attempt at each test."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path

from vshm_ctypes.commandline.atomic_file import write_whole

COUNTED = {"errors": "error", "failures": "failure", "skipped": "skipped"}


def merge_junit(files: Iterable[Path], target: Path) -> None:
    """Write target. A file that pytest did not finish is left out, since run.json has its content. Raises OSError."""
    suites: dict[str, ElementTree.Element] = {}
    cases: dict[tuple[str, str, str], ElementTree.Element] = {}
    for path in files:
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError:
            continue
        session = path.parent.name
        for suite in root.iter("testsuite"):
            suites.setdefault(session, suite)
            for case in suite.iter("testcase"):
                cases[session, case.get("classname", ""), case.get("name", "")] = case
    merged = ElementTree.Element("testsuites")
    for session, suite in suites.items():
        attributes = {name: suite.get(name, "") for name in ("timestamp", "hostname")}
        own = [case for (name, *_), case in cases.items() if name == session]
        counts = {name: str(sum(case.find(tag) is not None for case in own)) for name, tag in COUNTED.items()}
        seconds = f"{sum(float(case.get('time', 0)) for case in own):.3f}"
        told = {"name": session, "tests": str(len(own)), "time": seconds} | counts | attributes
        ElementTree.SubElement(merged, "testsuite", told).extend(own)
    write_whole(target, ElementTree.tostring(merged, "utf-8", xml_declaration=True))
