# SPDX-License-Identifier: Apache-2.0
"""What a session found is told alike to people, to CI and to programs."""

import json
import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("scipy", reason="no scipy for this processor")

from rich.console import Console

from hil.gate.output import write_all
from hil.gate.render import heading, junit, markdown, print_table, summary
from hil.gate.result import Answer, Result, Row, RowVerdict


def result(*verdicts: RowVerdict) -> Result:
    made = Result("main", "topic", "standard stream", "generic", {"processors": 2}, groups=20, seconds=100)
    made.rows = [
        Row(f"m{number}", "timed", verdict, "us", 10, 12, 1.2, 1.1, 1.3, 0.05, samples=[0.1, 0.2])
        for number, verdict in enumerate(verdicts)
    ]
    made.conclude()
    return made


@pytest.mark.parametrize(
    ("verdicts", "answer", "code"),
    [
        ((RowVerdict.SAME, RowVerdict.UNMEASURED, RowVerdict.AS_BEFORE), Answer.NO_REGRESSION, 0),
        ((RowVerdict.SAME, RowVerdict.WORSE, RowVerdict.UNDECIDED), Answer.REGRESSION, 1),
        ((RowVerdict.WORSE, RowVerdict.INVALID), Answer.REGRESSION, 1),
        ((RowVerdict.SAME, RowVerdict.UNDECIDED), Answer.INCONCLUSIVE, 3),
        ((RowVerdict.UNDECIDED, RowVerdict.INVALID), Answer.INVALID, 3),
    ],
)
def test_the_answer_follows_from_the_rows(verdicts: tuple[RowVerdict, ...], answer: Answer, code: int) -> None:
    made = result(*verdicts)
    assert made.answer is answer
    assert made.answer.exit_code == code


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    made = result(RowVerdict.SAME, RowVerdict.WORSE)
    write_all(made, tmp_path / "out")
    assert Result.read(tmp_path / "out" / "gate.json") == made
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "gate.html",
        "gate.json",
        "gate.md",
        "gate.xml",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "rows": [{}], "answer": "x"}'])
def test_what_is_no_gate_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gate.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="no gate"):
        Result.read(path)


def test_junit_has_a_case_for_each_metric() -> None:
    made = result(RowVerdict.SAME, RowVerdict.WORSE, RowVerdict.UNDECIDED, RowVerdict.UNMEASURED)
    suite = junit(made).getroot()
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]
    kinds = [[child.tag for child in case] for case in suite.iter("testcase")]
    assert kinds == [[], ["failure"], ["error"], ["skipped"]]


def test_markdown_shows_what_needs_attention_first() -> None:
    made = result(RowVerdict.SAME, RowVerdict.WORSE)
    made.rows[1].detail = "a | b"
    text = markdown(made)
    assert text.index("| m1 ") < text.index("<details>") < text.index("| m0 ")
    assert "a \\| b" in text
    assert "regression" in text.splitlines()[0]


def test_the_table_shows_every_metric_and_the_answer() -> None:
    made = result(RowVerdict.SAME, RowVerdict.WORSE)
    out = StringIO()
    print_table(made, Console(file=out, width=160))
    lines = out.getvalue().splitlines()
    assert any("m1" in line and "1.200" in line and "1.100 to 1.300" in line and "worse" in line for line in lines)
    assert " ".join(lines[-1:]).startswith("regression: worse is m1; promises: none asked; ")


def test_inconclusive_says_what_more_time_it_needs() -> None:
    made = result(RowVerdict.UNDECIDED, RowVerdict.UNDECIDED)
    made.rows[0].needed_s, made.rows[1].needed_s = 600.0, 1200.0
    assert summary(made).startswith("inconclusive: m0, m1: --minutes 21 would be needed; ")
    made.rows[1].needed_s = None
    assert "by any length of session" in summary(made)


def asked() -> Result:
    made = result(RowVerdict.SAME)
    made.rows += [Row(name, "promise", RowVerdict.SAME) for name in ("one", "two", "three")]
    made.rows.append(Row("four", "promise", RowVerdict.AS_BEFORE, detail="It flies: expected 1, seen 0"))
    made.rows += [Row(name, "promise", RowVerdict.UNMEASURED, detail="not asked: no ptrace") for name in ("a", "b")]
    made.rows.append(Row("mixed_one", "mixed", RowVerdict.SAME))
    made.rows.append(Row("mixed_two", "mixed", RowVerdict.UNMEASURED, detail="not asked: the library has no x"))
    made.conclude()
    return made


TOLD = (
    "promises: 4 asked, 3 kept; broken, but not kept by the baseline either: four; not asked: a, b, since no ptrace; "
    "mixed builds: 1 asked, 1 kept; not asked: mixed_two, since the library has no x"
)


def test_an_answer_says_how_much_was_asked_and_what_was_not(tmp_path: Path) -> None:
    """Whatever it is: as text, Markdown, a page, JUnit and JSON."""
    made = asked()
    assert summary(made) == f"no regression: nothing that was measured is worse than its margin allows; {TOLD}"
    write_all(made, tmp_path)
    assert TOLD in (tmp_path / "gate.html").read_text() and TOLD in (tmp_path / "gate.md").read_text()
    told = {each.get("name"): each.get("value") for each in ElementTree.parse(tmp_path / "gate.xml").iter("property")}
    counts = {"promises_asked": "4", "promises_kept": "3", "promises_not_asked": "2"}
    counts |= {"mixed_builds_asked": "1", "mixed_builds_kept": "1", "mixed_builds_not_asked": "1"}
    assert told == counts | {"summary": summary(made)}
    kept = json.loads((tmp_path / "gate.json").read_text())
    expected = {"asked": 4, "kept": 3, "broken": [], "as_before": ["four"], "unasked": {"no ptrace": ["a", "b"]}}
    assert kept["promises"] == expected
    assert kept["mixed_builds"]["unasked"] == {"the library has no x": ["mixed_two"]}
    assert Result.read(tmp_path / "gate.json") == made
    for answer in (Answer.REGRESSION, Answer.INVALID):
        made.answer = answer
        assert summary(made).endswith(f"; {TOLD}")


def test_a_session_in_which_no_promise_was_asked_is_not_silent_about_it() -> None:
    assert summary(result(RowVerdict.SAME)).endswith("; promises: none asked; mixed builds: none asked")


HOSTILE = "[bold]<img src=x>\x1b[31m\x00 ![a](b) `c` | d\nnext"


def test_what_a_strangers_library_says_stays_words(tmp_path: Path) -> None:
    made = result(RowVerdict.WORSE)
    made.rows[0].detail, made.candidate = HOSTILE, "[/tmp/x] <b>"
    write_all(made, tmp_path)
    ElementTree.parse(tmp_path / "gate.xml")
    text = (tmp_path / "gate.md").read_text()
    assert not re.search(r"<img|<b>|(?<!\\)!\[|\x1b|\x00", text)
    out = StringIO()
    print_table(made, Console(file=out, width=200))
    assert "[bold]<img src=x>" in out.getvalue() and "[/tmp/x]" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_it_is_told_which_commits_were_compared() -> None:
    made = result(RowVerdict.SAME)
    made.baseline_commit, made.candidate_commit = "0123456789abcdef", "fedcba98"
    made.candidate = "fedcba98"
    assert heading(made).startswith("fedcba98 against main (0123456789): ")
