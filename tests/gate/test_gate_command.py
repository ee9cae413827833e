# SPDX-License-Identifier: Apache-2.0
"""hil gate as a whole: what it answers, what it leaves, and how it is broken off."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from gate_channels import nothing_is_left_but, orphans
from writers import BUILD, ROOT

pytest.importorskip("scipy", reason="no scipy for this processor")

from hil.gate.defects import build_defect, read_defects
from hil.gate.promises import PROMISES
from hil.gate.result import Answer, Result

LIBRARY = BUILD / "libvideo_shm.so"
TIMEOUT_S = 240
FILES = ["gate.html", "gate.json", "gate.md", "gate.xml"]
# The command, asking only so many promises: all of them once are enough, as they take more time than all the rest.
FEW = """\
import sys
from hil.cli.main import main
from hil.gate import session

session.PROMISES = {name: session.PROMISES[name] for name in sys.argv.pop(1).split()}
raise SystemExit(main())
"""
ONE = ["goes_on_after_a_death"]
CHATTY = """\
#include <unistd.h>
__attribute__((constructor)) static void chat(void) { if (write(1, "hello", 5) != 5) _exit(1); }
"""


def command(candidate: Path, folder: Path, minutes: float = 0.3, promises: Iterable[str] = PROMISES) -> list[str]:
    words = ["gate", "--baseline", str(LIBRARY), "--candidate", str(candidate), "--minutes", str(minutes)]
    program = ["-m", "hil"] if promises is PROMISES else ["-c", FEW, " ".join(promises)]
    return [sys.executable, *program, *words, "--output", str(folder / "gate")]


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}


def gate(
    candidate: Path, folder: Path, *more: str, promises: Iterable[str] = PROMISES
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(candidate, folder, promises=promises), *more],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def left(folder: Path) -> list[str]:
    """Return what builds and interrupted sessions have left."""
    return [path.name for path in (folder / "cache" / "video-shm" / "gate").iterdir()]


@pytest.fixture(autouse=True)
def nothing_left_in_shared_memory() -> Iterator[None]:
    before = orphans()
    yield
    nothing_is_left_but(before)


def test_in_a_pipe_no_line_is_wrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    missing = tmp_path / "-".join(["a library that is not there"] * 5)
    told = gate(missing, tmp_path)
    assert told.returncode == 2
    assert str(missing) in told.stderr
    assert "building" in told.stderr  # and that is a line of its own
    monkeypatch.setenv("COLUMNS", "60")
    assert str(missing) not in gate(missing, tmp_path).stderr


def test_a_library_against_itself_is_never_a_regression(tmp_path: Path) -> None:
    """It may be inconclusive in so short a time, and invalid on a poor host."""
    done = gate(LIBRARY, tmp_path)
    assert done.returncode in (0, 3), done.stderr
    assert sorted(path.name for path in (tmp_path / "gate").iterdir()) == FILES
    result = Result.read(tmp_path / "gate" / "gate.json")
    assert result.answer.exit_code == done.returncode and result.groups > 0
    kinds = {row.kind for row in result.rows}
    assert kinds == {"timed", "counted", "promise", "integrity", "static", "mixed"}
    assert "latency p50" in done.stdout and result.answer.value.split()[0] in done.stdout
    assert left(tmp_path) == []


def test_a_planted_defect_is_a_regression(tmp_path: Path) -> None:
    (defect,) = [defect for defect in read_defects(ROOT) if defect.name == "jump_to_newest"]
    candidate = build_defect(ROOT, defect, tmp_path / "defect")
    done = gate(candidate, tmp_path, "--json", promises=set(defect.seen_by) & set(PROMISES))
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["answer"] == Answer.REGRESSION
    worse = {row["name"] for row in told["rows"] if row["verdict"] == "worse"}
    assert worse & set(defect.seen_by)
    assert left(tmp_path) == []


def test_a_baseline_that_does_not_work_is_no_measure(tmp_path: Path) -> None:
    """Its words are in what the worker tells."""
    (tmp_path / "chatty.c").write_text(CHATTY)
    chatty = tmp_path / "chatty.so"
    compile_it: list[str | Path] = ["cc", "-shared", "-fPIC", "-o", chatty, tmp_path / "chatty.c"]
    compile_it += ["-Wl,--no-as-needed", LIBRARY, f"-Wl,-rpath,{BUILD}"]
    subprocess.run(compile_it, check=True, timeout=60)
    done = gate(chatty, tmp_path, "--baseline", str(chatty), promises=ONE)
    assert done.returncode == 2
    assert "the baseline does not work" in done.stderr and "does it print something?" in done.stderr


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("building", signal.SIGINT),
        ("promise: ", signal.SIGINT),
        ("promise: ", signal.SIGTERM),
        ("counting", signal.SIGTERM),
        ("group 2", signal.SIGINT),
    ],
)
def test_it_can_be_broken_off_at_any_time(tmp_path: Path, number: signal.Signals, step: str) -> None:
    with subprocess.Popen(
        # More minutes than a busy machine takes up to the last of these steps.
        command(LIBRARY, tmp_path, minutes=60, promises=PROMISES if step.startswith("promise") else ONE),
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = ""
        while step not in said and (line := process.stderr.readline()):
            said += line
        process.send_signal(number)
        said += process.stderr.read()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert left(tmp_path) == []
