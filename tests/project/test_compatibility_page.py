# SPDX-License-Identifier: Apache-2.0
"""lib/COMPATIBILITY.md: each claim has a test that exists, and every call and macro of the original has a row."""

import re

from writers import ROOT

TESTS = ROOT / "lib" / "tests"
PAGE = (ROOT / "lib" / "COMPATIBILITY.md").read_text()
ORIGINAL = (TESTS / "original" / "video_shm.h").read_text()
ROWS = [
    line.strip("|").split("|")
    for line in PAGE.splitlines()
    if line.startswith("|") and not re.match(r"\|[-| ]+\||\| .*shown by \|", line)
]


def test_every_claim_names_tests_that_exist() -> None:
    for *_, shown in ROWS:
        names = re.findall(r"`(test_\w+|cross_peer)`", shown)
        assert names, shown
        assert [name for name in names if not (TESTS / f"{name}.c").exists()] == []


def test_every_call_and_macro_of_the_original_has_a_row() -> None:
    calls = re.findall(r"video_shm_(producer|consumer)(_\w+)\(", ORIGINAL)
    writer, reader = PAGE.split("## The reader")
    for side, call in calls:
        assert f"`{call}`" in (writer if side == "producer" else reader)
    for macro in re.findall(r"#define VIDEO_SHM(_\w+) ", ORIGINAL):
        assert f"`{macro}`" in PAGE or f"`VIDEO_SHM{macro}`" in PAGE
    assert len(calls) == 10
