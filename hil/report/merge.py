# SPDX-License-Identifier: Apache-2.0
"""Merges the parts that recorders left into one run, and reads and writes run.json."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vshm_ctypes import __version__
from vshm_ctypes.printable import shell_word

from ..figures.exit import exit_for
from ..figures.schema import check
from ..figures.verdict import Verdict, worst
from .crash import crash
from .recorder import PARTS, now_text, write_json

SCHEMA = Path(__file__).parent / "run.schema.json"
SCHEMA_VERSION = 1
FILE = "run.json"

Run = dict[str, Any]  # in the form of run.schema.json


class RunError(ValueError):
    """This is no run, or it can't be read. The message says where and what."""


def merge(folder: Path, pytest_codes: Iterable[int] = (), problems: Iterable[str] = ()) -> Run:
    """Return the run whose parts are in a report's folder.

    pytest_codes: pytest's exit codes. problems: what else went wrong; with any, the run fails. Raises RunError.
    """
    sessions = [_session(folder, path.parent.name) for path in sorted((folder / PARTS).glob("*/session.json"))]
    verdicts = [Verdict(test["verdict"]) for session in sessions for test in session["tests"] if test["verdict"]]
    told = [*problems, *_problems(folder, pytest_codes, Verdict.FAIL in verdicts)]
    verdict = worst([*verdicts, *(Verdict.FAIL for _ in told)]) if verdicts or told else None
    run = {
        "schema": SCHEMA_VERSION,
        "version": __version__,
        "started": min((session["started"] for session in sessions), default=now_text()),
        "seconds": sum(session["seconds"] for session in sessions),
        "verdict": verdict,
        "exit_code": exit_for(verdict),
        "problems": told,
        "sessions": sessions,
    }
    return checked(json.loads(json.dumps(run)), str(folder / PARTS))


def _problems(folder: Path, pytest_codes: Iterable[int], is_failed: bool) -> list[str]:
    """Return what pytest's exit codes say that no record does."""
    told = {2: "the tests were interrupted", 3: "pytest broke down", 4: "pytest did not understand its arguments"}
    problems = []
    for code in pytest_codes:
        if code == 1 and not is_failed:
            problems.append("pytest says that tests failed, though no record of one does: did a worker crash?")
        elif crashed := crash(folder, code):
            problems.append(crashed)
        elif code not in (0, 1, 5):  # 5: no test was collected
            problems.append(told.get(code, f"pytest ended with {code}"))
    return problems


def session_tests(folder: Path, session: str) -> list[dict[str, Any]]:
    """Return the last attempt at each test of a session, in the order in which they ran. Raises RunError."""
    attempts: dict[str, dict[str, Any]] = {}
    for path in (folder / PARTS / session / "tests").glob("*.json"):
        test = _read(path)
        if test["name"] not in attempts or attempts[test["name"]]["attempt"] < test["attempt"]:
            attempts[test["name"]] = test
    for test in attempts.values():
        if test["outcome"] == "interrupted" and not test["message"]:
            test["message"] = "It began and did not end: it was interrupted, or its process died."
    return sorted(attempts.values(), key=lambda test: (test["begin_ns"], test["name"]))


def _session(folder: Path, name: str) -> dict[str, Any]:
    parts = folder / PARTS / name
    session: dict[str, Any] = _read(parts / "session.json")
    session.pop("begin_ns", None)
    session["cameras"] = [_read(path) for path in sorted((parts / "cameras").glob("*.json"))]
    session["tests"] = session_tests(folder, name)
    if not session["seconds"]:  # it was killed before it could record this
        session["seconds"] = sum(test["seconds"] for test in session["tests"])
    return session


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: {error}") from None


def checked(run: Any, where: str) -> Run:
    """Return the run if it is valid. Raises RunError."""
    if isinstance(run, dict) and run.get("schema", SCHEMA_VERSION) != SCHEMA_VERSION:
        raise RunError(f"{where}: schema {run['schema']!r}; this version of hil reads {SCHEMA_VERSION}")
    try:
        check(run, SCHEMA)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{where}: {error}") from None
    result: Run = run
    return result


def load(path: Path) -> Run:
    """Return a run from its file, or from its report's folder. Raises RunError or OSError."""
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        raise RunError(f"{file}: there is no run here; make one with hil run --report {shell_word(file.parent)}")
    return checked(_read(file), str(file))


def save(run: Run, folder: Path) -> None:
    """Write run.json. Raises OSError."""
    write_json(folder / FILE, run)
