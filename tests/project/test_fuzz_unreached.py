# SPDX-License-Identifier: Apache-2.0
"""What fuzzing is said not to reach is there: functions of the library, and the tests that do reach them."""

import re

import pytest
from writers import ROOT

ROWS = [
    row.split(maxsplit=2)
    for row in (ROOT / "lib" / "fuzz" / "unreached").read_text().splitlines()
    if not row.startswith("#")
]
TESTS = {path.stem for path in (ROOT / "lib" / "tests").glob("test_*.c")}


@pytest.mark.parametrize(("name", "reason"), [(name, reason) for name, _, reason in ROWS])
def test_a_function_and_the_tests_that_reach_it_are_there(name: str, reason: str) -> None:
    file, _, function = name.partition(":")
    source = (ROOT / "lib" / "src" / file).read_text()
    assert re.search(rf"^\w[^\n;]*\b{function}\([^;]*?\)\n{{", source, re.MULTILINE), f"{file} has no such function"
    assert set(re.findall(r"\btest_\w+", reason)) <= TESTS


def test_each_function_stands_there_once() -> None:
    names = [name for name, *_ in ROWS]
    assert names == sorted(set(names))
