# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin that records each test of the suite, and judges it by its figures.

A test uses the fixture record, and puts its figures there instead of asserting them. A test marked as timed runs beside
the hiccup control. If the host was not fit, its times are INVALID: it neither passes nor fails. So are times beyond
limits that were never measured on such a machine.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from vshm_ctypes.machine import read_machine

from ..figures.verdict import Verdict
from ..host import foreign_load, outside
from ..host.board import Board, BoardError, choose_board
from ..host.fitness import fitness_of
from ..host.hiccup import Hiccups
from .recorder import RecordedTest, Recorder

MESSAGE_MAX = 20_000
UNPROVEN = "beyond limits that were not measured on such a machine, which proves nothing: hil calibrate measures them"

BOARD = pytest.StashKey[Board]()
RECORDER = pytest.StashKey[Recorder]()
RECORD = pytest.StashKey[RecordedTest]()
CONTROL = pytest.StashKey[Hiccups]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hil", "the harness")
    group.addoption("--report", type=Path, default=Path("report"), metavar="DIR", help="where the report is left")
    group.addoption("--board", metavar="NAME|FILE", help="whose budgets and quirks hold (default: this machine's)")
    group.addoption("--session", metavar="NAME", help="name of these tests in the report (default: the board's)")
    group.addoption("--part", action="store_true", help="one part of a run: hil run makes the report of all")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes minutes; hil run --quick leaves it out")
    config.addinivalue_line("markers", "medians: its times are medians over minutes, which no single stall moves")
    own_stalls = "own_stalls: its load makes short stalls by itself, so that their share says nothing of the host"
    config.addinivalue_line("markers", own_stalls)
    config.addinivalue_line("markers", "timed: depends on time, and runs alone, beside the hiccup control")
    try:
        board = choose_board(config.option.board)
    except (BoardError, OSError) as error:
        raise pytest.UsageError(f"--board: {error}") from None
    config.stash[BOARD] = board
    config.stash[RECORDER] = Recorder(config.option.report, config.option.session or board.name)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if _is_worker(config):
        return
    recorder = config.stash[RECORDER]
    if not config.option.part:
        recorder.clear()
    recorder.begin(config.stash[BOARD], {"pytest": list(config.invocation_params.args)})


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Move the timed tests to the end, when nothing else runs any more."""
    items.sort(key=lambda item: item.get_closest_marker("timed") is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.items and not session.config.option.collectonly:
        session.config.stash[RECORDER].planned([name_of(item) for item in session.items])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    if _is_worker(config):
        return
    config.stash[RECORDER].end()
    if not config.option.part:
        from .finish import finish

        finish(config.option.report, [int(exitstatus)])


def pytest_unconfigure(config: pytest.Config) -> None:
    if (control := config.stash.get(CONTROL, None)) is not None:
        control.__exit__(None, None, None)


def claim_of(item: pytest.Item) -> str:
    """Return what the test claims: the first paragraph of its docstring, else its name as words."""
    function = getattr(item, "function", None)
    text = inspect.getdoc(function) if function else None
    if text:
        return " ".join(text.split("\n\n")[0].split())
    words = item.name.partition("[")[0].removeprefix("test_").replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}."


def name_of(item: pytest.Item) -> str:
    """Return file and name of the test, without its folder, and without xdist's suffix for a group."""
    names = {str((*mark.args, mark.kwargs.get("name"))[0]) for mark in item.iter_markers("xdist_group")}
    return item.nodeid.rpartition("/")[2].removesuffix(f"@{'_'.join(sorted(names))}" if names else "")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    record = item.config.stash[RECORDER].test(name_of(item), claim_of(item))
    item.stash[RECORD] = record
    try:
        return (yield)
    finally:
        record.save()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    record = item.stash[RECORD]
    try:
        with _watched_host(item, record) if item.get_closest_marker("timed") else nullcontext():
            yield
    finally:
        item.user_properties += [(f"{one.name} [{one.unit}]", one.value) for one, _ in record.measurements]
    record.outcome("passed", UNPROVEN if record.is_doubtful else "")
    item.user_properties.append(("verdict", str(record.verdict)))
    if record.verdict is Verdict.FAIL:
        pytest.fail("\n".join(["beyond their limits:", *_failed(record)]), pytrace=False)


@contextmanager
def _watched_host(item: pytest.Item, record: RecordedTest) -> Iterator[None]:
    control = _control(item.config)
    before, load, load_outside = read_machine(), foreign_load.read_usage(), outside.read_usage()
    control.take()
    try:
        yield
    finally:
        seen = control.take()
        share = foreign_load.share(load, foreign_load.read_usage())
        board = item.config.stash[BOARD]
        bounds = board.fitness
        if item.get_closest_marker("medians"):
            bounds = bounds.bearing_single_stalls()
        if item.get_closest_marker("own_stalls"):
            bounds = bounds.bearing_own_stalls()
        fitness = fitness_of(seen, share, before, read_machine(), bounds, outside.share(load_outside))
        record.host(seen, share, dataclasses.replace(fitness, proven=board.proven))


def _failed(record: RecordedTest) -> list[str]:
    names = (("at_most", "at most"), ("at_least", "at least"), ("exactly", "exactly"))
    lines = []
    for one, verdict in record.measurements:
        if verdict is Verdict.FAIL:
            limits = [f"{words} {getattr(one, name):g}" for name, words in names if getattr(one, name) is not None]
            lines.append(f"  {one.name}: {one.value:g} {one.unit}, {' and '.join(limits)} allowed")
    return lines


def _control(config: pytest.Config) -> Hiccups:
    """Return the hiccup control of all timed tests, which takes a second to start on an emulated processor."""
    if CONTROL not in config.stash:
        config.stash[CONTROL] = Hiccups().__enter__()
    return config.stash[CONTROL]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    record = item.stash[RECORD]
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        record.outcome("skipped", reason.removeprefix("Skipped: ")[:MESSAGE_MAX])
    elif report.failed:
        record.outcome("failed", report.longreprtext[-MESSAGE_MAX:])
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    if report.when == "call" and report.passed and dict(report.user_properties).get("verdict") == Verdict.INVALID:
        return "invalid", "I", ("INVALID", {"yellow": True})
    return None


@pytest.fixture
def record(request: pytest.FixtureRequest) -> RecordedTest:
    """The record of this test, for all its figures."""
    found: RecordedTest = request.node.stash[RECORD]
    return found


@pytest.fixture(scope="session")
def board(pytestconfig: pytest.Config) -> Board:
    """The board whose budgets and quirks apply."""
    return pytestconfig.stash[BOARD]


@pytest.fixture(scope="session")
def recorder(pytestconfig: pytest.Config) -> Recorder:
    """The recorder, for the cameras that are used."""
    return pytestconfig.stash[RECORDER]
