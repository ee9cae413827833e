# SPDX-License-Identifier: Apache-2.0
"""The run as Markdown says what matters, and whatever is in a name stays text."""

import re
from typing import Any

import pytest
from writers import ROOT

from hil.report.markdown import markdown
from hil.report.merge import load

RUN = ROOT / "tests" / "runs" / "small.json"
HOSTILE = "<img src=x> | [a](http://evil.example) `b` **c**\n\n# d"


@pytest.fixture
def run() -> dict[str, Any]:
    return load(RUN)


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def test_verdict_problems_and_what_needs_attention_are_told(run: dict[str, Any]) -> None:
    run["problems"] = ["the virtual machine did not come up"]
    text = unescaped(markdown(run))
    assert text.startswith("### FAIL: ")
    assert "- **problem**: the virtual machine did not come up" in text
    tests = [test for session in run["sessions"] for test in session["tests"]]
    attention = [test for test in tests if test["verdict"] in ("fail", "invalid")]
    assert {test["verdict"] for test in attention} == {"fail", "invalid"}
    for test in attention:
        line = f"- **{test['verdict'].upper()}** {' '.join(test['claim'].split())} ({test['name']})\n"
        told = text.partition(line)[2].split("\n- ")[0]
        for one in test["measurements"]:
            assert (f"  - {one['name']}: " in told) == (one["verdict"] != "pass")
    for test in tests:
        if test["verdict"] == "pass":
            assert f"({test['name']})" not in text


def test_latencies_are_a_table_of_equal_rows(run: dict[str, Any]) -> None:
    lines = markdown(run).splitlines()
    begin = lines.index("| latency | verdict | p50 | p99 | max |")
    rows = [line for line in lines[begin:] if line.startswith("|")]
    assert lines[begin - 1] == ""
    assert len(rows) > 2
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
    assert "ms" in rows[2] or "µs" in rows[2]


def test_a_hostile_name_is_no_mark_up(run: dict[str, Any]) -> None:
    plain = len(markdown(run).splitlines())
    for session in run["sessions"]:
        for camera in session["cameras"]:
            camera["name"] = HOSTILE
        for test in session["tests"]:
            test["claim"] = HOSTILE
    text = markdown(run)
    assert len(text.splitlines()) == plain
    assert HOSTILE.split()[0] in unescaped(text)
    assert not re.search(r"(?<!\\)[<>`\[\]]|(?<!\\)\*\*c", text)
