# SPDX-License-Identifier: Apache-2.0
"""Where drivers behave differently in several runs is told, and nothing else is."""

import json
from pathlib import Path
from typing import Any

import pytest
from writers import ROOT

from hil.cli.main import main
from hil.report.drivers import Difference, differences, in_page, kernels_of

RUN = ROOT / "tests" / "runs" / "small.json"


def run(kernel: str, buffers: int = 32, flagged: float = 3, verdict: str = "pass", compliance: str = "") -> Any:
    measurements = [
        {"name": "flagged", "unit": "pictures", "value": flagged, "timed": False},
        {"name": "latency", "unit": "ms", "value": buffers / 10, "timed": True},
        {"name": "frames in time", "unit": "frames", "value": buffers - 32, "timed": True},
    ]
    camera: dict[str, Any] = {"name": "usb", "card": f"of {kernel}", "most_buffers": buffers}
    session = {
        "name": "usb-vm",
        "machine": {"before": {"kernel": kernel}},
        "cameras": [camera | ({"v4l2_compliance": compliance} if compliance else {})],
        "tests": [{"name": "test_x.py::test_hole[usb]", "verdict": verdict, "measurements": measurements}],
    }
    return {"sessions": [session]}


def test_what_is_the_same_on_all_kernels_is_not_told() -> None:
    assert differences([run("6.1"), run("6.12", flagged=5), run("7.2", verdict="invalid")]) == []


@pytest.mark.parametrize(
    ("other", "subject", "values"),
    [
        ({"buffers": 64}, "usb: most_buffers", ("32", "64")),
        ({"flagged": 0}, "test_hole[usb]: flagged", ("3.0", "0.0")),
        ({"verdict": "fail"}, "test_hole[usb]", ("pass", "fail")),
    ],
)
def test_what_a_driver_does_on_one_kernel_only_is_told(other: Any, subject: str, values: tuple[str, ...]) -> None:
    assert differences([run("6.1"), run("7.2", **other)]) == [Difference("usb-vm", subject, values)]


def test_what_one_run_does_not_have_is_no_difference_but_is_shown_where_others_differ() -> None:
    good, bad = run("6.1", compliance="0 failed"), run("7.2", compliance="6 failed")
    assert differences([good, run("6.12")]) == []
    [told] = differences([good, run("6.12"), bad])
    assert told.values == ("0 failed", "-", "6 failed")


def test_each_run_is_called_after_its_kernel() -> None:
    assert kernels_of([run("6.1"), {"sessions": []}, run("7.2")]) == ["6.1", "-", "7.2"]
    inside, outside = run("6.1"), run("6.18")  # as ci/hil judges the test picture outside of the virtual machine
    inside["sessions"][0]["cameras"][0]["v4l2"] = True
    assert kernels_of([{"sessions": outside["sessions"] + inside["sessions"]}]) == ["6.1"]


def test_hil_report_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = json.loads(RUN.read_text())
    assert main(["report", str(RUN), str(RUN), "--drivers", str(RUN)]) == 0
    kernel = kernels_of([text])[0]
    assert capsys.readouterr().out == f"drivers behave alike on {kernel}, {kernel}, {kernel}\n"
    text["sessions"][0]["cameras"][0]["most_buffers"] = 64
    other = json.loads(RUN.read_text())
    other["sessions"][0]["cameras"][0]["most_buffers"] = 32
    for name, one in (("a", text), ("b", other)):
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    assert main(["report", str(tmp_path / "a.json"), "--drivers", str(tmp_path / "b.json")]) == 0
    out = capsys.readouterr().out
    assert "most_buffers" in out and "64" in out and "32" in out
    assert main(["report", str(tmp_path / "a.json"), "--drivers", str(tmp_path / "b.json"), "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)["differences"]
    assert told["values"] == ["64", "32"]


def test_a_page_gets_them_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- drivers -->\nold\n<!-- end of drivers -->\nafter\n")
    found = [Difference("usb-vm", "usb: most_buffers", ("32", "a|b"))]
    told = in_page(page.read_text(), ["6.1", "7.2"], found)
    table = "| camera | what | 6.1 | 7.2 |\n| --- | --- | --- | --- |\n| usb-vm | usb: most_buffers | 32 | a\\|b |\n"
    assert told == f"before\n<!-- drivers -->\n\n{table}\n<!-- end of drivers -->\nafter\n"
    assert main(["report", str(RUN), "--drivers", str(RUN), "--into", str(page)]) == 0
    kernel = capsys.readouterr().out.rpartition(", ")[2].strip()
    assert f"Drivers behave alike on {kernel}, {kernel}.\n" in page.read_text()
    assert main(["report", str(RUN), "--into", str(page)]) == 2
    (tmp_path / "none.md").write_text("nothing")
    assert main(["report", str(RUN), "--drivers", str(RUN), "--into", str(tmp_path / "none.md")]) == 2
