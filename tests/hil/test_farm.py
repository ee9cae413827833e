# SPDX-License-Identifier: Apache-2.0
"""hil farm: on every board of a farm at once, with places that are given back whatever happens, and one page."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from lab import Lab, why_not
from writers import ROOT

from hil.cli.main import build_parser
from hil.farm import remote_board as board_module
from hil.farm.farm import BoardResult, exit_code
from hil.farm.page import rows, write_farm_page
from hil.farm.places import FarmError, Place, read_farm
from hil.farm.remote_board import RemoteBoard
from hil.report.merge import load

pytestmark = pytest.mark.xdist_group("farm")  # one lab for all of them

RUN = ROOT / "tests" / "runs" / "small.json"
TIMEOUT_S = 900  # a watchdog: boards make environments of their own, which takes minutes on a busy machine
SUITE = """
import os, time
from pathlib import Path
from hil.figures.measurement import Measurement

def test_one(record, recorder):
    recorder.camera({"name": "none at all"})
    torn = int("/board-b-" in os.getcwd())
    record.measure(Measurement("torn", "frames", torn, exactly=0))

def test_that_takes_its_time():
    if Path("@FOLDER@/slow").exists():
        Path("@FOLDER@/begun").touch()
        time.sleep(120)
"""
CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--camera")
"""


# ---- the farm's file ----


def farm_file(folder: Path, text: str) -> Path:
    pytest.importorskip("labgrid")
    (folder / "farm.yaml").write_text(text)
    return folder / "farm.yaml"


TARGET = "  {name}: {{resources: {{RemotePlace: {{name: {place}}}}}, drivers: {{SSHDriver: {{}}}}}}\n"


def test_targets_are_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LG_COORDINATOR", raising=False)
    targets = TARGET.format(name="pi4", place="shelf-1") + TARGET.format(name="pi5", place="shelf-2")
    farm = read_farm(farm_file(tmp_path, f"targets:\n{targets}options: {{coordinator_address: 'lab:1'}}\n"))
    assert farm.places == (Place("pi4", "shelf-1"), Place("pi5", "shelf-2"))
    assert farm.coordinator == "lab:1"
    monkeypatch.setenv("LG_COORDINATOR", "other:2")
    assert read_farm(farm.file).coordinator == "other:2"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("targets: {}\n", "no targets"),
        ("targets: {pi4: {resources: {}, drivers: {SSHDriver: {}}}}\n", "needs one RemotePlace"),
        ("targets: {pi4: {resources: {RemotePlace: {name: x}}, drivers: {}}}\n", "the driver SSHDriver"),
        ("targets:\n" + TARGET.format(name="a", place="x") + TARGET.format(name="b", place="x"), "give each its own"),
        ("targets:\n" + TARGET.format(name="../a", place="x"), "only letters"),
        ("targets:\n" + TARGET.format(name="a", place="'x; reboot'"), "only letters"),
        ("targets: [", "farm.yaml"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(FarmError, match=told):
        read_farm(farm_file(tmp_path, text))


# ---- what comes back ----


class SilentSsh:
    """An SSHDriver, as far as a report's way back needs one; what "ssh" prints is the archive."""

    def __init__(self, folder: Path, archive: bytes) -> None:
        (folder / "archive").write_bytes(archive)
        # As what is cut off says there, and an error when nobody listens any more.
        (folder / "ssh").write_text(f"#!/bin/sh\ncat {folder}/archive || {{ echo 'cat: broken pipe' >&2; exit 2; }}\n")
        (folder / "ssh").chmod(0o755)
        self._ssh, self.ssh_prefix = str(folder / "ssh"), list[str]()
        self.networkservice = type("Service", (), {"address": "board"})


def archive(name: str, link: str | None = None) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        member = tarfile.TarInfo(name)
        if link is not None:
            member.type, member.linkname = tarfile.SYMTYPE, link
        file.addfile(member, io.BytesIO())
    return data.getvalue()


@pytest.mark.parametrize("name", ["../evil", "@FOLDER@/evil"])
def test_a_board_can_not_write_outside_its_folder(tmp_path: Path, name: str) -> None:
    sent = archive(name.replace("@FOLDER@", str(tmp_path)))
    board = RemoteBoard(cast(Any, SilentSsh(tmp_path, sent)), "board", lambda line: None)
    with suppress(FarmError):  # refused, or taken as below the folder
        board.fetch_report(tmp_path / "into")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "sent", [archive("link", "/etc/passwd"), b"no archive", archive("x")[:-20]], ids=["link", "text", "cut short"]
)
def test_a_report_that_is_none_is_refused(tmp_path: Path, sent: bytes) -> None:
    board = RemoteBoard(cast(Any, SilentSsh(tmp_path, sent)), "board", lambda line: None)
    with pytest.raises(FarmError, match="can't be unpacked"):
        board.fetch_report(tmp_path / "into")
    assert not list((tmp_path / "into").glob("link"))


def test_a_board_can_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "REPORT_BYTES_MAX", 3 << 20)
    many = io.BytesIO()
    with tarfile.open(fileobj=many, mode="w:gz") as file:
        for number in range(5):
            member = tarfile.TarInfo(f"file{number}")
            member.size = 1 << 20
            file.addfile(member, io.BytesIO(bytes(member.size)))
    board = RemoteBoard(cast(Any, SilentSsh(tmp_path, many.getvalue())), "board", lambda line: None)
    with pytest.raises(FarmError, match="larger than 3 MiB"):
        board.fetch_report(tmp_path / "into")
    assert sum(path.stat().st_size for path in (tmp_path / "into").iterdir()) < 3 << 20


def result(verdict: str | None, code: int | None, problem: str | None = None) -> BoardResult:
    run = load(RUN) | {"verdict": verdict} if verdict else None
    return BoardResult(Place(f"pi-{verdict}", "shelf"), run, code, problem)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([result("pass", 0), result("pass", 0)], 0),
        ([result("pass", 0), result("invalid", 3)], 3),
        ([result("invalid", 3), result("fail", 1)], 1),
        ([result("pass", 0), result(None, None, "the connection was lost")], 1),
        ([result("pass", 0, "no report came back")], 1),
        ([result("pass", 0), result(None, 4)], 4),
        ([result("pass", 0), result(None, None, "interrupted")], 130),
        ([], 1),
    ],
)
def test_all_boards_together_are_as_good_as_the_worst(results: list[BoardResult], code: int) -> None:
    assert exit_code(results) == code


def test_the_page_has_a_row_for_each_board_and_hostile_words_stay_text(tmp_path: Path) -> None:
    hostile = result(None, None, "<script>alert(1)</script>")
    text = write_farm_page([result("pass", 0), hostile], tmp_path).read_text()
    assert text.count("<tr><td ") == 2
    assert text.index("pi-None") < text.index("pi-pass"), "what did not pass comes first"
    assert 'href="pi-pass/index.html"' in text
    assert "<script>" not in text and "&lt;script&gt;" in text
    [passed, failed] = rows([result("pass", 0), hostile])
    assert (passed["verdict"], failed["verdict"], failed["report"]) == ("pass", "fail", None)
    [session] = load(RUN)["sessions"][:1]
    assert passed["machine"].endswith(session["machine"]["before"]["architecture"])


def test_the_pages_p99_is_the_slowest_hundredth_of_the_worst_test() -> None:
    run = load(RUN)
    [row] = rows([result("pass", 0)])
    tests = [test for session in run["sessions"] for test in session["tests"] if "test_latency" in test["name"]]
    told = [one["value"] for test in tests for one in test["measurements"] if one["name"] == "p99 latency"]
    assert row["p99_us"] == pytest.approx(max(told), rel=0.01)


# ---- in a lab ----


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if (missing := why_not()) is not None:
        assert "CI" not in os.environ, f"CI has no lab: {missing}"
        pytest.skip(f"no lab here: {missing}")
    with Lab(tmp_path_factory.mktemp("lab")) as one:
        yield one


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "test_suite.py").write_text(SUITE.replace("@FOLDER@", str(tmp_path)))
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


def words(lab: Lab, wheel: Path, suite: Path, *names: str, wait: str = "60") -> list[str]:
    command = [sys.executable, "-m", "hil", "farm", "--env", str(lab.farm(*names)), "--wheel", str(wheel)]
    command += ["--report", str(suite.parent / "report"), "--wait", wait, "--json"]
    return [*command, "--", "--camera", "testsrc", "--suite", str(suite)]


def fleet(command: list[str]) -> tuple[int, list[dict[str, Any]], str]:
    """Return (exit code, the rows, what was said)."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_two_boards_run_at_once_and_come_to_one_page(lab: Lab, wheel: Path, suite: Path) -> None:
    code, told, said = fleet(words(lab, wheel, suite, "a", "b"))
    assert [(row["target"], row["verdict"], row["problem"]) for row in told] == [
        ("a", "pass", None),
        ("b", "fail", None),
    ], said
    assert code == 1
    report = suite.parent / "report"
    for name in ("a", "b"):
        assert load(report / name)["sessions"][0]["cameras"] == [{"name": "none at all"}]
        assert (report / name / "index.html").exists()
        assert f"{name}: reserved" in said
    assert (report / "index.html").read_text().count("<tr><td ") == 2
    assert lab.held == set()
    # It was the wheel that ran, not this checkout.
    home = lab.board_folder("a") / "venv"
    assert list(home.glob("lib/python3*/site-packages/vshm_ctypes/lib*/libvideo_shm.so*"))


def test_a_board_that_does_not_answer_is_told_and_the_others_run(
    lab: Lab, wheel: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory() as folder:  # tmp_path's name leaves no room for ssh's sockets
        monkeypatch.setenv("TMPDIR", folder)
        code, told, said = fleet(words(lab, wheel, suite, "a", "dead"))
        assert list(Path(folder).iterdir()) == []
    assert [row["verdict"] for row in told] == ["pass", "fail"], said
    assert "ssh" in told[1]["problem"].lower()
    assert (code, lab.held) == (1, set())


def test_a_place_that_others_have_is_waited_for_only_so_long(lab: Lab, wheel: Path, suite: Path) -> None:
    lab.client("-p", lab.place("a"), "acquire")
    try:
        code, told, _ = fleet(words(lab, wheel, suite, "a", wait="2"))
        assert code == 1
        assert "no answer within 2 s" in told[0]["problem"]
        assert lab.held == {lab.place("a")}  # theirs still
        assert lab.client("reservations") == ""  # ours is gone from the queue
    finally:
        lab.client("-p", lab.place("a"), "release")


def test_ctrl_c_ends_what_runs_there_and_brings_its_report(lab: Lab, wheel: Path, suite: Path) -> None:
    (suite.parent / "slow").touch()
    command = words(lab, wheel, suite, "a")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + TIMEOUT_S
        while not (suite.parent / "begun").exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        output, said = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130, said
    assert json.loads(output)[0]["problem"] == "interrupted"
    outcomes = [test["outcome"] for test in load(suite.parent / "report" / "a")["sessions"][0]["tests"]]
    assert outcomes == ["passed", "interrupted"]
    assert lab.held == set()


def test_what_is_behind_two_dashes_is_for_the_boards() -> None:
    words = ["farm", "--env", "x.yaml", "--wheel", "no.whl", "--", "--camera", "testsrc", "--json"]
    told = build_parser().parse_args(words)
    assert told.words == ["--camera", "testsrc", "--json"] and not told.json


def test_a_wheel_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hil", "fleet", "--env", "x.yaml", "--wheel", str(tmp_path / "no.whl")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (done.returncode, "there is no such wheel" in done.stderr) == (2, True)
