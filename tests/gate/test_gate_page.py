# SPDX-License-Identifier: Apache-2.0
"""The gate's page: every pair is a point at its place, and nothing that was given gets out of its cell."""

import dataclasses
import json
import math
from html.parser import HTMLParser
from pathlib import Path

import pytest
from writers import ROOT

pytest.importorskip("scipy", reason="no scipy for this processor")

from hil.cli.main import main
from hil.gate.page import EDGE, WIDTH, page, strip
from hil.gate.result import SCHEMA, Answer, Result, Row, RowVerdict


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        assert all(name not in ("src", "href", "onclick") for name, _ in attributes)


def timed(samples: list[float], verdict: RowVerdict = RowVerdict.WORSE) -> Row:
    return Row("write_p50", "timed", verdict, "us", 10, 12, 1.2, 1.1, 1.3, 0.05, samples=samples)


def result(*rows: Row) -> Result:
    return Result("main", "<b>topic</b>", "standard", "generic", {}, answer=Answer.REGRESSION, rows=list(rows))


def asjson(result: Result) -> str:
    return json.dumps({"schema": SCHEMA, **dataclasses.asdict(result)})


def test_points_stand_where_their_ratios_are() -> None:
    samples = [-0.2, 0.0, math.log(1.05), 0.4]
    made = strip(timed(samples))
    places = [point.x for point in made.points]
    assert places == sorted(places)
    assert places[1] == made.even == WIDTH / 2
    assert places[2] == made.margin
    assert min(places) >= EDGE and max(places) <= WIDTH - EDGE
    assert made.low is not None and made.middle is not None and made.high is not None
    assert made.even < made.low < made.middle < made.high


@pytest.mark.parametrize("samples", [[0.0], [0.0] * 30, [5.0, -5.0], [1e-9]])
def test_all_points_are_in_the_picture(samples: list[float]) -> None:
    made = strip(timed(samples))
    assert all(EDGE <= mark.x <= WIDTH - EDGE for mark in made.marks)
    assert all(EDGE <= point.x <= WIDTH - EDGE for point in made.points)
    assert EDGE <= made.margin <= WIDTH - EDGE


@pytest.mark.parametrize(
    ("samples", "marks"),
    [([0.0], ["0.98", "1", "1.02"]), ([-0.5], ["0.8", "1", "1.25"]), ([5.0], ["0.1", "1", "10"])],
)
def test_the_axis_has_round_ratios_on_either_side_of_one(samples: list[float], marks: list[str]) -> None:
    made = strip(timed(samples) if samples != [0.0] else dataclasses.replace(timed(samples), low=1, high=1, ratio=1))
    assert [mark.text for mark in made.marks] == marks
    at = {mark.text: mark.x for mark in made.marks}
    assert at["1"] == made.even
    assert at[marks[0]] < made.even < at[marks[2]]


def test_the_page_has_every_pair_and_every_metric() -> None:
    text = page(result(timed([0.1] * 20), Row("torn", "integrity", RowVerdict.SAME, candidate=0)))
    tags = Tags(text).found
    assert tags.count("circle") == 20
    assert tags.count("svg") == 1
    assert "write p50" in text and "torn" in text and "regression: worse is write_p50" in text


def test_what_was_given_is_escaped() -> None:
    row = Row("torn", "integrity", RowVerdict.WORSE, detail="<script>alert(1)</script>")
    tags = Tags(page(result(row))).found
    assert "script" not in tags and "b" not in tags


def test_a_session_without_pairs_has_a_page() -> None:
    assert "none were measured" in page(result())


def test_what_is_worse_stands_at_the_top_of_both_lists() -> None:
    same = dataclasses.replace(timed([0.1], RowVerdict.SAME), name="reading")
    text = page(result(same, timed([0.1])))
    assert [text.count(f'badge {tint}"') for tint in ("fail", "pass")] == [1, 1]
    assert text.index("write p50</b>") < text.index("reading</b>")
    assert text.index('data-name="metric">write p50') < text.index('data-name="metric">reading')


def report_on(folder: Path) -> str:
    (folder / "run.json").write_text((ROOT / "tests" / "runs" / "small.json").read_text())
    assert main(["report", str(folder)]) == 0
    return (folder / "index.html").read_text()


def test_a_report_shows_the_gate_that_lies_beside_its_run(tmp_path: Path) -> None:
    without = Tags(report_on(tmp_path)).found
    result(timed([0.1, 0.2, 0.3]), Row("torn", "integrity", RowVerdict.SAME, candidate=0)).write(tmp_path / "gate.json")
    text = report_on(tmp_path)
    tags = Tags(text).found
    assert tags.count("circle") == without.count("circle") + 3
    assert tags.count("svg") == without.count("svg") + 1
    assert "Gate: regression" in text and "write p50" in text and "&lt;b&gt;topic&lt;/b&gt;" in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"schema": 9}',
        json.dumps({"schema": 1, "answer": "regression", "rows": "<script>"}),
        json.dumps(json.loads(asjson(result(timed([0.1])))) | {"seconds": "<script>"}),
        json.dumps(json.loads(asjson(result(timed([0.1])))) | {"reasons": 7}),
    ],
)
def test_a_gate_that_can_t_be_read_hides_no_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "gate.json").write_text(text)
    page_text = report_on(tmp_path)
    assert "gate.json can't be shown" in page_text
    assert "script" not in Tags(page_text).found
    assert "<h2>" in page_text
