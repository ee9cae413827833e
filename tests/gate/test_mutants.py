# SPDX-License-Identifier: Apache-2.0
"""What ci/mutants.py takes for a change of the library, and what its answers amount to."""

import importlib.util
import sys
from types import ModuleType

import pytest
from writers import ROOT

BEFORE = "int f(int a)\n{\n\t/* a sum */\n\treturn a + 1;\n}\n"


@pytest.fixture(scope="module")
def mutants() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants", ROOT / "ci" / "mutants.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def test_one_line_that_is_another_is_a_change(mutants: ModuleType) -> None:
    found = mutants.changed_line("f.c", BEFORE, BEFORE.replace("a + 1", "a - 1"))
    assert found.change == ("f.c", 4, "return a + 1;", "return a - 1;")


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        BEFORE.replace("a sum", "no sum"),
        BEFORE.replace("\treturn", "\t\treturn"),
        BEFORE.replace("\treturn a + 1;\n", ""),
        BEFORE.replace("int a", "int b").replace("a + 1", "b + 1"),
    ],
)
def test_nothing_else_is_one(mutants: ModuleType, after: str) -> None:
    assert mutants.changed_line("f.c", BEFORE, after) is None


@pytest.mark.parametrize(("found", "missed", "code"), [(10, 0, 0), (7, 3, 0), (6, 4, 1), (9, 0, 3), (0, 10, 1)])
def test_the_share_that_is_found_is_the_answer(
    mutants: ModuleType, capsys: pytest.CaptureFixture[str], found: int, missed: int, code: int
) -> None:
    answers = [mutants.Mutant("f.c", 4, "a", "b", ("tells_it",))] * found + [
        mutants.Mutant("f.c", 5, "c", "d")
    ] * missed
    assert mutants.report(answers) == code
    printed = capsys.readouterr().out
    assert printed.count("found by NONE") == missed and printed.count("found by 1, tells_it") == found
    assert printed.endswith(f"{found} of {found + missed} changes of the library are found by a promise\n")
