# SPDX-License-Identifier: Apache-2.0
"""The page says what the run found: in one file, whatever the names in it, and small enough for a phone."""

import copy
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from writers import ROOT

from hil.report import figures
from hil.report.charts import Detail, time_chart
from hil.report.compare import compare, write_comparison
from hil.report.merge import SCHEMA, RunError, load
from hil.report.page import write_page
from hil.report.summary import print_comparison, print_summary
from hil.report.words import machine_rows

RUN = ROOT / "tests" / "runs" / "small.json"
HOSTILE = "</title><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>'\"&\x1b[2J"
SIZE_MAX = 10**6


class Page(HTMLParser):
    """What a browser would make of it: tags, what they refer to, and the text that is read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} closes another"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data


@pytest.fixture
def run() -> dict[str, Any]:
    return load(RUN)


def page_of(run: dict[str, Any], folder: Path) -> tuple[str, Page]:
    text = write_page(run, folder / "index.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_the_stored_run_keeps_to_the_schema_and_the_schema_to_its_own() -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(json.loads(RUN.read_text()))) == []


def test_verdict_machine_claims_and_figures_are_there(run: dict[str, Any], tmp_path: Path) -> None:
    text, page = page_of(run, tmp_path)
    assert page.open == []
    words = " ".join(page.text.split())
    first = words.index("FAIL")
    assert 0 <= first < 200
    [session] = run["sessions"]
    for told in (session["machine"]["before"]["kernel"], session["board"]["title"], "not proven", "testsrc"):
        assert told in words
    for test in session["tests"]:
        assert test["claim"] in words
        for one in test["measurements"]:
            assert one["name"] in words
            assert figures.figure(one["value"], one["unit"]) in words
            assert figures.limits(one) in words
    assert page.tags.count("svg") == sum(
        bool(test["histograms"]) + bool(test["timeline"] or test["faults"]) + bool(test["frame_book"])
        for test in session["tests"]
    )
    stalls = sum(len(test["host"]["stalls"]) for test in session["tests"] if test["host"])
    drawn = re.findall(r'class="stall" d="([^"]*)"', text)
    assert "".join(drawn).count("M") == stalls > 0
    assert text.count('class="fault-mark"') == sum(len(test["faults"]) for test in session["tests"])


def test_what_did_not_pass_comes_first_and_is_open(run: dict[str, Any], tmp_path: Path) -> None:
    passed = copy.deepcopy(run["sessions"][0])
    passed["name"] = "another camera"
    passed["tests"] = [test for test in passed["tests"] if test["verdict"] == "pass"]
    text, _ = page_of(run | {"sessions": [passed, *run["sessions"]]}, tmp_path)
    assert re.findall(r"<h2>(.*)</h2>", text) == [run["sessions"][0]["name"], "another camera"]
    assert re.findall(r'class="badge (\w+)"', text)[:5] == ["fail", "invalid", "pass", "pass", "pass"]
    assert re.findall(r"<details( open)?>", text)[:3] == [" open", " open", ""]


def test_pictures_are_well_formed_and_within_their_frame(run: dict[str, Any], tmp_path: Path) -> None:
    text, _ = page_of(run, tmp_path)
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert pictures
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for name, most in (("x", width), ("x1", width), ("cx", width), ("y", height), ("y1", height), ("cy", height)):
            places = [float(each.attrib[name]) for each in root.iter() if name in each.attrib]
            assert all(0 <= place <= most for place in places), name
        for points in (each.attrib["points"] for each in root.iter() if "points" in each.attrib):
            pairs = [tuple(map(float, pair.split(","))) for pair in points.split()]
            assert all(0 <= x <= width and 0 <= y <= height for x, y in pairs)


def test_an_outage_is_a_gap_in_the_time_line(run: dict[str, Any], tmp_path: Path) -> None:
    [test] = [one for one in run["sessions"][0]["tests"] if "test_restart" in one["name"]]
    killed, started = (fault["at_ns"] for fault in test["faults"][:2])
    chart = time_chart(test, Detail())
    assert chart is not None
    [before, after] = [line for line in chart.lines if line.name == "median"]
    ends, begins = (float(points.split(",")[0]) for points in (before.points.split()[-1], after.points.split()[0]))
    marks = [mark.x for mark in chart.faults[:2]]
    assert started > killed
    assert ends <= marks[0] + 1 < marks[1] <= begins + 1  # a point is of all from its time on
    assert len(chart.areas) == 2
    test["faults"], test["timeline"] = [], [[at * 10**8, 1000, 2000] for at in range(100)]
    assert [line.name for line in (time_chart(test, Detail()) or chart).lines] == ["longest", "median"]


def test_nothing_is_fetched_from_anywhere(run: dict[str, Any], tmp_path: Path) -> None:
    text, page = page_of(run, tmp_path)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not {"src", "href", "xlink:href", "action", "srcset", "data"} & {name for name, _ in page.attributes}
    assert not re.search(r"url\(|@import|https?://", text)
    assert "default-src 'none'" in text


def everywhere(value: Any, text: str) -> Any:
    """Return the run with all free text replaced, even the names of things."""
    fixed = {"verdict", "outcome", "histogram", "budget", "histograms", "started", "version"}
    if isinstance(value, dict):
        return {
            name: ({f"{text}{key}": one for key, one in part.items()} if name == "histograms" else part)
            if name in fixed
            else everywhere(part, text)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [everywhere(part, text) for part in value]
    return text if isinstance(value, str) else value


def test_hostile_names_are_shown_and_do_nothing(run: dict[str, Any], tmp_path: Path) -> None:
    hostile = everywhere(run, HOSTILE)
    (tmp_path / "run.json").write_text(json.dumps(hostile))
    loaded = load(tmp_path)
    text, page = page_of(loaded, tmp_path)
    write_comparison(loaded, loaded, (HOSTILE, HOSTILE), tmp_path / "both.html")
    both = (tmp_path / "both.html").read_text()
    assert "alert(1)" in page.text
    for each in (text, both):
        assert not {"script", "img"} & set(Page(each).tags)
        assert not any(name.startswith("on") for name, _ in Page(each).attributes)


def test_hostile_names_do_not_drive_the_terminal(run: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    hostile = everywhere(run, HOSTILE)
    print_summary(hostile)
    print_comparison(hostile, hostile)
    assert "\x1b" not in capsys.readouterr().out


def test_sixty_tests_with_ten_consumers_stay_below_a_megabyte(run: dict[str, Any], tmp_path: Path) -> None:
    [session] = run["sessions"]
    latency = next(test for test in session["tests"] if test["histograms"] and test["host"])
    histogram = next(iter(latency["histograms"].values()))
    consumer = next(test for test in session["tests"] if test["frame_book"])["frame_book"]
    large = latency | {
        "histograms": {f"consumer {number}": histogram for number in range(10)},
        "frame_book": consumer | {"consumers": consumer["consumers"][:1] * 10},
        "host": latency["host"] | {"stalls": [[at * 10**6, 900_000 + at, 0] for at in range(400)]},
        "timeline": [[at * 10**8, 10**5 + at * 1000, 10**7 - at] for at in range(240)],
    }
    many = run | {"sessions": [session | {"tests": [large | {"name": f"test_{n}"} for n in range(60)]}]}
    many["sessions"][0]["tests"][7] = large | {"verdict": "fail"}
    text, page = page_of(many, tmp_path)
    assert len(text.encode()) < SIZE_MAX
    assert page.text.count(large["claim"]) == 60
    assert page.tags.count("svg") == 3  # of the one that failed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": 2}, "schema 2; this version of hil reads 1"),
        ({"verdict": "great"}, "verdict"),
        ({"seconds": "long"}, r"\$\.seconds"),
        ({"sessions": [{}]}, r"\$\.sessions"),
        ({"more": 1}, "more"),
    ],
)
def test_what_is_no_run_is_refused(run: dict[str, Any], tmp_path: Path, change: dict[str, Any], told: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps(run | change))
    with pytest.raises(RunError, match=told):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"schema": NaN}'])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"run\.json"):
        load(tmp_path)


def test_a_histogram_that_can_not_be_read_hides_nothing_else(run: dict[str, Any], tmp_path: Path) -> None:
    for test in run["sessions"][0]["tests"]:
        test["histograms"] = dict.fromkeys(test["histograms"], "AAAA")
    _, page = page_of(run, tmp_path)
    assert run["sessions"][0]["tests"][0]["claim"] in page.text


def test_the_summary_fits_a_screen_and_names_what_failed(
    run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_summary(run)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAIL  1 failed")
    assert len(lines) <= 40
    text = "\n".join(lines)
    for test in run["sessions"][0]["tests"]:
        assert (test["name"] in text) == (test["verdict"] in ("fail", "invalid"))
    assert "stood still" in text


def test_two_runs_are_compared_figure_by_figure(run: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(run))
    tests = {test["name"]: test for test in changed["sessions"][0]["tests"]}
    name = next(name for name, test in tests.items() if test["histograms"])
    figures_of = {one["name"]: one for one in tests[name]["measurements"]}
    figures_of["p99 latency"]["value"] *= 2
    figures_of["rate"]["value"] *= 1.1
    del changed["sessions"][0]["tests"][0]
    pairs = {test.name: {pair.name: pair for pair in test.pairs} for test in compare(run, changed)}
    assert pairs[name]["p99 latency"].change == pytest.approx(1.0)
    assert pairs[name]["p99 latency"].direction == "worse"
    assert pairs[name]["rate"].direction == "better"
    assert (pairs[name]["p50 latency"].change, pairs[name]["p50 latency"].direction) == (0.0, "")
    gone = run["sessions"][0]["tests"][0]["name"]
    assert all(pair.second is None and pair.change is None for pair in pairs[gone].values())


def test_what_a_machine_does_not_tell_is_not_shown_as_zero() -> None:
    session = copy.deepcopy(json.loads(RUN.read_text())["sessions"][0])
    for look in session["machine"].values():
        look.update(memory_total=None, load=None, temperature_c=None)
    session["machine"]["after"]["temperature_c"] = 60.0
    rows = dict(machine_rows(session))
    assert "memory" not in rows["Processors"]
    assert "Load" not in rows
    assert rows["Temperature"] == "60 °C after"
    session["machine"]["after"]["throttling"] = None
    run = json.loads(RUN.read_text())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(run | {"sessions": [session]})


def test_a_longer_run_is_no_worse_and_what_changed_is_on_top(
    run: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Counts grow with the run; only where they break their limit, is that told. What is alike is folded."""
    changed = json.loads(json.dumps(run))
    *_, last = [test for test in changed["sessions"][0]["tests"] if test["histograms"]]
    {one["name"]: one for one in last["measurements"]}["p99 latency"]["value"] *= 2
    frames = [
        one for test in changed["sessions"][0]["tests"] for one in test["measurements"] if one["name"] == "frames"
    ]
    for one in frames:
        one["value"] *= 0.9
    frames[0]["verdict"] = "fail"
    tests = compare(run, changed)
    found = [pair.direction for test in tests for pair in test.pairs if pair.name == "frames"]
    assert sorted(found) == [""] * (len(frames) - 1) + ["worse"]
    assert [test.place for test in tests] == sorted(test.place for test in tests)
    assert {pair.name for test in tests[:2] for pair in test.changed if pair.direction == "worse"} == {
        "frames",
        "p99 latency",
    }
    print_comparison(run, changed)
    told = capsys.readouterr().out
    alike = sum(len(test.alike) for test in tests)
    assert f"{alike} figures alike in both" in told
    assert "p50 latency" not in told
    write_comparison(run, changed, ("a", "b"), tmp_path / "both.html")
    page = (tmp_path / "both.html").read_text()
    assert "alike in both</summary>" in page
    print_comparison(run, run)
    assert "nothing changed: " in capsys.readouterr().out
