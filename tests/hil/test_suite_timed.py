# SPDX-License-Identifier: Apache-2.0
"""Which tests of the suite depend on the host's speed: only where they are marked is its fitness known."""

import ast
from collections.abc import Iterator

from hil.suite.pytest_runs import SUITE

NOWHERE = "pictures that the driver had nowhere to put"


def measured() -> Iterator[tuple[str, bool, dict[str, ast.expr], str]]:
    """Yield (place, whether it is marked as timed, keywords, name) for each figure that a test of the suite records."""
    for path in sorted(SUITE.glob("test_*.py")):
        tree = ast.parse(path.read_text())
        all_marked = any("mark.timed" in ast.unparse(each) for each in tree.body if isinstance(each, ast.Assign))
        for test in tree.body:
            if not isinstance(test, ast.FunctionDef) or not test.name.startswith("test_"):
                continue
            is_marked = all_marked or any("mark.timed" in ast.unparse(each) for each in test.decorator_list)
            for call in ast.walk(test):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "Measurement":
                    keywords = {str(each.arg): each.value for each in call.keywords}
                    yield f"{path.name}:{call.lineno}", is_marked, keywords, ast.unparse(call.args[0])


def test_a_timed_figure_with_a_limit_stands_in_a_test_that_is_marked_so() -> None:
    """Without the mark nobody watches the host, and each host is taken for fit."""
    limits = {"at_most", "at_least", "exactly"}
    found = [
        (place, is_marked)
        for place, is_marked, keywords, _ in measured()
        if limits & keywords.keys() and ast.unparse(keywords.get("timed", ast.Constant(False))) == "True"
    ]
    assert len(found) > 5
    assert [place for place, is_marked in found if not is_marked] == []


def test_whether_a_slow_camera_fills_the_drivers_buffers_depends_on_the_host() -> None:
    [timed] = [ast.unparse(keywords["timed"]) for _, _, keywords, name in measured() if NOWHERE in name]
    assert timed == "True"
