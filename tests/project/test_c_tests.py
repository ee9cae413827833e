# SPDX-License-Identifier: Apache-2.0
"""The C tests whose programs CTest runs in parts, several at a time: no test is left out of all parts."""

import json
import re
import subprocess
from collections import defaultdict

from writers import BUILD

PART = re.compile(r"(\d+)/(\d+)")


def asked(*words: str) -> set[str]:
    """Return the names of the tests that a program runs."""
    done = subprocess.run([BUILD / "tests/test_geometry", *words], capture_output=True, text=True, check=False)
    assert done.returncode == (0 if "ok" in done.stderr else 1)
    return set(re.findall(r"^ok +(\w+)", done.stderr, re.MULTILINE))


def test_each_test_of_a_program_is_in_one_part() -> None:
    first, second, third = (asked(f"{part}/3") for part in (1, 2, 3))
    assert first | second | third == asked()
    assert not first & second and not second & third and not first & third


def test_a_part_that_has_no_test_fails() -> None:
    assert asked("0/3") == asked("4/3") == asked("1/0") == set()


def test_ctest_runs_all_parts_of_a_program() -> None:
    told = subprocess.run(["ctest", "--test-dir", BUILD, "--show-only=json-v1"], capture_output=True, check=True)
    parts = defaultdict(set)
    for test in json.loads(told.stdout)["tests"]:
        program, *words = test.get("command", [""])
        if words and (part := PART.fullmatch(words[0])):
            parts[program].add((int(part[1]), int(part[2])))
    assert parts
    for program, found in parts.items():
        of = max(found)[1]
        assert found == {(part, of) for part in range(1, of + 1)}, program
