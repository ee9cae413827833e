# SPDX-License-Identifier: Apache-2.0
"""The hil command: what it prints, and its exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from argparse import SUPPRESS
from pathlib import Path
from typing import Any

import pytest
from writers import ROOT

from hil.cli import run as run_verb
from hil.cli import run_inside
from hil.cli.main import build_parser, main
from hil.cli.run_inside import Session
from hil.report.merge import load
from hil.streamer.arguments import build_parser as streamer_parser
from hil.suite.camera_choice import Choice, NoCameraError, chosen_cameras

RUN = ROOT / "tests" / "runs" / "small.json"
TIMEOUT_S = 120

PROGRAM = """
import os, time, pytest
from pathlib import Path
from hil.figures.measurement import Measurement

def test_one(record, pytestconfig, recorder):
    option = pytestconfig.option
    recorder.camera({"name": "none at all", "words": option.camera, "seconds": option.seconds})
    record.measure(Measurement("torn", "frames", int(os.environ.get("TORN", "0")), exactly=0))

@pytest.mark.long
def test_two(record):
    Path(os.environ["BEGUN"]).touch()
    time.sleep(60)
"""
CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--camera")
    parser.addoption("--seconds", type=float)
    parser.addoption("--require-camera", action="store_true")
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite that needs no camera, in place of the real one; the folder where it reports."""
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "test_suite.py").write_text(PROGRAM)
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setenv("SUITE", str(folder))
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))
    return tmp_path / "report"


def run_words(report: Path, *words: str) -> list[str]:
    return ["run", "--suite", os.environ["SUITE"], "--camera", "testsrc", "--report", str(report), *words]


def hil(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hil", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def cameras(report: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(report)["sessions"][0]["cameras"]
    return found


def test_run_hands_its_words_on_and_ends_with_the_verdict(suite: Path) -> None:
    done = hil(*run_words(suite, "--seconds", "7", "--quick"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PASS  1 passed in ")
    assert str(suite / "index.html") in done.stdout
    assert "PASS" in done.stderr and "One." in done.stderr  # the line of the test, as it ended
    assert cameras(suite) == [{"name": "none at all", "words": "testsrc", "seconds": 7.0}]
    assert (suite / "junit.xml").exists()


def test_run_fails_with_1(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORN", "3")
    done = hil(*run_words(suite, "--quick", "--json"))
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["verdict"], told["exit_code"]) == ("fail", 1)


def test_a_part_that_a_signal_ended_says_so_as_a_shell_would(suite: Path) -> None:
    (Path(os.environ["SUITE"]) / "test_suite.py").write_text("import os\ndef test_crash(): os.kill(os.getpid(), 11)\n")
    assert hil(*run_words(suite, "--part")).returncode == 128 + signal.SIGSEGV


def test_each_camera_may_have_a_session_name_of_its_own(suite: Path) -> None:
    done = hil(*run_words(suite, "--quick", "--session", "one", "--camera", "/dev/video7", "--session", "other"))
    assert done.returncode == 0, done.stderr
    assert [session["name"] for session in load(suite)["sessions"]] == ["one", "other"]


def test_a_usb_camera_beside_another_one_is_asked_less_in_short(tmp_path: Path) -> None:
    arguments = build_parser().parse_args(["run", "--quick", "--report", str(tmp_path)])
    usb, other = (Session(Choice("here", words), words) for words in ("usb", "/dev/video0"))
    assert run_verb._plan(arguments, usb, is_second=True).markers == run_verb.QUICK_BESIDE
    assert run_verb._plan(arguments, usb, is_second=False).markers == run_verb.QUICK
    assert run_verb._plan(arguments, other, is_second=True).markers == run_verb.QUICK
    arguments.quick = False
    assert run_verb._plan(arguments, usb, is_second=True).markers == ""


def test_each_session_in_the_virtual_machine_is_called_after_its_camera() -> None:
    arguments = build_parser().parse_args(["run"])
    named = {words: run_verb.session_of(arguments, Choice("vm", words), None) for words in ("vivid", "usb:h264-slices")}
    assert named == {"vivid": "vivid-vm", "usb:h264-slices": "usb-h264-slices-vm"}
    here = [run_verb.session_of(arguments, Choice("here", words), None) for words in ("/dev/video0,/dev/video1", "usb")]
    assert here == ["video0", "usb"]
    assert run_verb.session_of(arguments, Choice("here", "testsrc:320x240@30"), None) == "testsrc"
    assert run_verb.session_of(arguments, Choice("vm", "usb"), "mine") == "mine"


def test_without_its_modules_a_kernel_has_no_usb_camera_and_that_is_said() -> None:
    vivid, usb = (Session(Choice("vm", words), words) for words in ("vivid", "usb"))
    said: list[str] = []
    assert run_inside._possible([vivid, usb], frozenset({"vhci_hcd"}), said.append) == ([vivid], [])
    assert "no vhci_hcd" in said[0]
    assert run_inside._possible([usb], frozenset({"vhci_hcd"}), said.append) == ([], said[:1])
    assert run_inside._possible([vivid, usb], frozenset(), said.append) == ([vivid, usb], [])


def test_a_second_run_replaces_the_first(suite: Path) -> None:
    assert hil(*run_words(suite, "--quick", "--session", "one")).returncode == 0
    assert hil(*run_words(suite, "--quick", "--session", "two")).returncode == 0
    assert [session["name"] for session in load(suite)["sessions"]] == ["two"]


def test_several_cameras_make_one_report(suite: Path, tmp_path: Path) -> None:
    done = hil(*run_words(suite, "--quick", "--camera", f"file:{tmp_path}/clip.mp4", "--camera", "/dev/video7"))
    assert done.returncode == 0, done.stderr
    run = load(suite)
    assert [session["name"] for session in run["sessions"]] == ["file", "testsrc", "video7"]
    assert run["verdict"] == "pass"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_leaves_a_report_of_what_was_run(suite: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "hil", *run_words(suite)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        begun = Path(os.environ["BEGUN"])
        deadline = time.monotonic() + TIMEOUT_S
        while not begun.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)  # as a service manager does
        output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert output.startswith("FAIL  1 failed, 1 passed")
    outcomes = [test["outcome"] for test in load(suite)["sessions"][0]["tests"]]
    assert outcomes == ["passed", "interrupted"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "--board", "pi9", "--camera", "testsrc"], "no board pi9"),
        (["report", "/nowhere"], "/nowhere: there is no run"),
        (["vm", "--cpus", "0", "--", "true"], "--cpus from 1"),
        (["calibrate", "/nowhere", "-o", "/dev/null"], "/nowhere: there is no run"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "VERB"),
        (["run", "--seconds", "-1"], "--seconds"),
        (["run", "--cameras", "0"], "--cameras"),
        (["run", "--camera", "vm", "--camera", "testsrc", "--session", "x"], "--session"),
        (["run", "--camera", "usb:none"], "none: no such design"),
        (["run", "--kernel", "latest"], "--kernel latest: like 6.12"),
    ],
)
def test_what_makes_no_sense_ends_with_2(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = main(words)
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == 2
    assert told in capsys.readouterr().err


def test_no_camera_ends_with_4_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def none(*_words: object) -> None:
        raise NoCameraError("no camera here; vivid is not loaded, and only root can load it: sudo modprobe vivid")

    monkeypatch.setattr(run_verb, "chosen_cameras", none)
    assert main(["run", "--report", str(tmp_path)]) == 4
    assert "sudo modprobe vivid" in capsys.readouterr().err


def test_every_verb_explains_itself() -> None:
    text = build_parser().format_help()
    assert all(f"    {verb} " in text or f"    {verb}\n" in text for verb in ("run", "vm", "report", "calibrate"))
    assert "3 invalid" in " ".join(text.split())


def test_every_option_says_what_it_is_for() -> None:
    """A default alone does not."""
    parsers = {"camera-streamer": streamer_parser()}
    for action in build_parser(whole=True)._actions:
        parsers |= action.choices if isinstance(action.choices, dict) else {}
    options = [(name, action) for name, parser in parsers.items() for action in parser._actions]
    told = [(name, action.dest, re.sub(r"\(default.*?\)", "", action.help or "")) for name, action in options]
    assert len(told) > 80
    unexplained = [(name, option) for name, option, text in told if not text.strip() and option != SUPPRESS]
    assert unexplained == []


def test_help_of_vm_tells_its_own_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """They are those of the command inside."""
    with pytest.raises(SystemExit):
        main(["vm", "--help"])
    assert "124 the deadline has passed" in " ".join(capsys.readouterr().out.split())


def test_a_named_source_is_taken_as_it_is() -> None:
    with chosen_cameras("/dev/video7,/dev/video9", 1, lambda line: None) as choices:
        assert choices == [Choice("here", "/dev/video7,/dev/video9", count=2)]


def test_report_shows_a_run_again(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(RUN.read_text())
    done = hil("report", str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.startswith("FAIL  ")
    assert (tmp_path / "index.html").stat().st_size > 10_000
    assert json.loads(hil("report", str(tmp_path), "--json").stdout) == json.loads(RUN.read_text())


def test_report_sets_two_runs_side_by_side(tmp_path: Path) -> None:
    done = hil("report", str(RUN), str(RUN), "-o", str(tmp_path / "both.html"))
    assert done.returncode == 0
    assert done.stdout.startswith("A: FAIL")
    assert (tmp_path / "both.html").stat().st_size > 10_000
    told = json.loads(hil("report", str(RUN), str(RUN), "--json").stdout)
    assert {one["change"] for test in told for one in test["measurements"]} <= {0.0, None}
