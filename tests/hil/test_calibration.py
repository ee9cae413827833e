# SPDX-License-Identifier: Apache-2.0
"""A board file from runs: the worst of each budget, with room above, and never more claimed than was measured."""

import json
from pathlib import Path
from typing import Any

import pytest
from writers import ROOT

from hil.cli import run as run_verb
from hil.cli.main import main
from hil.host.board import FOLDER, find_board, read_board
from hil.host.calibration import ROOM, board_text, measured, rounded_up
from hil.report.merge import load
from hil.suite.camera_choice import NoCameraError

RUN = ROOT / "tests" / "runs" / "small.json"
GENERIC = find_board("generic")


def measurement(budget: str | None, value: float, verdict: str = "pass", timed: bool = True) -> dict[str, Any]:
    return {"budget": budget, "value": value, "verdict": verdict, "timed": timed}


def run_of(*measurements: dict[str, Any], board: str = "generic", fit: bool | None = True) -> dict[str, Any]:
    test = {"measurements": list(measurements), "host": None if fit is None else {"fit": fit}}
    return {"sessions": [{"board": {"name": board}, "tests": [test]}]}


def test_the_worst_of_all_runs_counts_also_beyond_the_old_limit() -> None:
    found = measured(
        [
            run_of(measurement("rate.deviation_share", 0.002), measurement(None, 99)),
            run_of(measurement("rate.deviation_share", 0.004, "fail")),
            run_of(measurement("rate.deviation_share", 0.005, "invalid")),  # the host was fit: the limit was in doubt
            run_of(measurement("memory.growth_kb", 8, timed=False), fit=None),
        ],
        "generic",
    )
    assert found.worst == {"rate.deviation_share": 0.005, "memory.growth_kb": 8}
    assert (found.runs, found.skipped) == (4, 0)


def test_figures_of_an_unfit_host_or_another_board_do_not_count() -> None:
    disturbed = run_of(
        measurement("rate.deviation_share", 0.5, "invalid"), measurement("memory.growth_kb", 8, timed=False), fit=False
    )
    other = run_of(measurement("rate.deviation_share", 0.9), board="pi4")
    found = measured([disturbed, other, run_of(measurement("rate.deviation_share", 0.001))], "generic")
    assert found.worst == {"rate.deviation_share": 0.001, "memory.growth_kb": 8}
    assert (found.runs, found.skipped) == (2, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (0.00123, 0.0013), (1.0, 1.0), (12.1, 13), (150.0, 150), (151, 160), (99.5, 100), (123456, 130000)],
)
def test_budgets_are_rounded_up_to_two_digits(value: float, expected: float) -> None:
    assert rounded_up(value) == expected


def written(path: Path, runs: int, keys: list[str]) -> tuple[str, Any]:
    found = measured([run_of(*(measurement(key, 2.0) for key in keys))] * runs, "generic")
    path.write_text(board_text(GENERIC, 'Our "bench" \\ 3', found))
    return path.read_text(), read_board(path)


def test_what_is_written_is_a_board_with_the_measured_budgets(tmp_path: Path) -> None:
    text, board = written(tmp_path / "bench.toml", 3, ["rate.deviation_share"])
    assert board.title == 'Our "bench" \\ 3'
    assert board.budgets["rate.deviation_share"] == 2.0 * ROOM
    assert {key: value for key, value in board.budgets.items() if key != "rate.deviation_share"} == {
        key: value for key, value in GENERIC.budgets.items() if key != "rate.deviation_share"
    }
    assert (board.stream, board.fitness, board.quirks) == (GENERIC.stream, GENERIC.fitness, GENERIC.quirks)
    assert text.count("# not measured") == len(GENERIC.budgets) - 1


@pytest.mark.parametrize(
    ("runs", "left_out", "proven"),
    [(3, 0, True), (2, 0, False), (3, 1, False)],
)
def test_proven_takes_three_runs_and_every_budget(tmp_path: Path, runs: int, left_out: int, proven: bool) -> None:
    keys = list(GENERIC.budgets)[left_out:]
    _, board = written(tmp_path / "bench.toml", runs, keys)
    assert board.proven is proven


def test_the_verb_writes_a_file_that_the_next_run_can_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    words = ["calibrate", str(RUN), str(RUN), "--board", "generic", "-o", str(file), "--title", "mine"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    figures = {
        one["budget"]: one["value"]
        for test in load(RUN)["sessions"][0]["tests"]
        for one in test["measurements"]
        if one["budget"] and (one["verdict"] != "invalid" or not one["timed"])
    }
    assert (told["runs"], told["measured"], told["proven"]) == (2, len(figures), False)
    board = find_board(str(file))
    assert all(board.budgets[key] >= value * ROOM * 0.999 for key, value in figures.items())


def test_nothing_to_calibrate_from_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(RUN), "--board", "pi5", "-o", str(tmp_path / "mine.toml")]) == 3
    assert "the reports are of: generic" in capsys.readouterr().err
    assert not (tmp_path / "mine.toml").exists()


def test_every_board_survives_being_written(tmp_path: Path) -> None:
    for path in FOLDER.glob("*.toml"):
        board = read_board(path)
        copy = tmp_path / path.name
        copy.write_text(board_text(board, board.title, measured([], board.name)))
        again = read_board(copy)
        assert (again.budgets, again.models, again.command_lines, again.capabilities, again.quirks) == (
            board.budgets,
            board.models,
            board.command_lines,
            board.capabilities,
            board.quirks,
        )


SUITE = """
from pathlib import Path

def test_one(record, recorder, board):
    recorder.camera({"name": "none at all"})
    count = Path(__file__).with_name("count")
    count.write_text("x" * (count.exists() and len(count.read_text())) + "x")
    record.measure(board.measurement("rate.deviation_share", "deviation", len(count.read_text()) / 100))
"""


def run_words(folder: Path, camera: str) -> list[str]:
    suite = folder / "suite"
    suite.mkdir()
    (suite / "test_suite.py").write_text(SUITE)
    (suite / "conftest.py").write_text("def pytest_addoption(parser):\n    parser.addoption('--camera')\n")
    (suite / "pytest.ini").write_text("[pytest]\n")
    return ["--", "--suite", str(suite), "--camera", camera]


def test_the_verb_runs_the_suite_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It goes on if figures are beyond the budgets to be replaced, as 0.01 is here from the second run on."""
    file = tmp_path / "mine.toml"
    words = ["calibrate", "--runs", "3", "-o", str(file), "--board", "generic", "--json"]
    assert main([*words, *run_words(tmp_path, "testsrc")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["runs"], told["measured"], told["invalid_figures"]) == (3, 1, 0)
    assert find_board(str(file)).budgets["rate.deviation_share"] == pytest.approx(0.03 * ROOM)
    assert sorted(path.parent.name for path in tmp_path.glob("mine-runs/*/run.json")) == ["1", "2", "3"]


def test_without_a_camera_the_verb_ends_with_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def none(words: str, *_: object) -> None:
        asked.append(words)
        raise NoCameraError("no camera here")

    monkeypatch.setattr(run_verb, "chosen_cameras", none)
    words = ["calibrate", "--runs", "3", "-o", str(tmp_path / "mine.toml"), "--board", "generic"]
    assert main([*words, *run_words(tmp_path, "vivid")]) == 4
    assert asked == ["vivid"]  # once, and not three times
    assert not (tmp_path / "mine.toml").exists()


def test_neither_runs_nor_reports_are_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "-o", str(tmp_path / "mine.toml")]) == 2
    assert "--runs 3" in capsys.readouterr().err
