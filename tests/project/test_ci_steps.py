# SPDX-License-Identifier: Apache-2.0
"""What CI calls: how a verdict becomes a step's result, and which commit the gate holds a change against."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from writers import ROOT

TIMEOUT_S = 60
WORKER = """#!/bin/sh
echo "$0" "$@" >>"$TOLD"
"""


def step(folder: Path, command: str) -> tuple[int, str, str]:
    """Return (exit code, output, the job's summary) of a step that runs a shell command."""
    summary = folder / "job.md"
    summary.write_text("what other steps said\n")
    done = subprocess.run(
        [str(ROOT / "ci" / "github-step"), "told.md", "sh", "-c", command],
        cwd=folder,
        env=os.environ | {"GITHUB_STEP_SUMMARY": str(summary)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout, summary.read_text()


@pytest.mark.parametrize("code", [0, 1, 2, 4, 130])
def test_a_step_ends_as_its_command_does(tmp_path: Path, code: int) -> None:
    assert step(tmp_path, f"echo hello; exit {code}") == (code, "hello\n", "what other steps said\n")


def test_no_answer_is_a_warning(tmp_path: Path) -> None:
    code, output, summary = step(tmp_path, "echo '### INVALID' >told.md; exit 3")
    assert code == 0
    assert output.startswith("::warning title=No answer::")
    assert "### INVALID" in summary


def test_where_nothing_was_measured_there_is_no_excuse(tmp_path: Path) -> None:
    assert step(tmp_path, "exit 3")[:2] == (3, "")


@pytest.mark.parametrize("code", [0, 1])
def test_what_a_command_told_goes_into_the_jobs_summary(tmp_path: Path, code: int) -> None:
    _, _, summary = step(tmp_path, f"echo '### FAIL' >told.md; exit {code}")
    assert summary == "what other steps said\n### FAIL\n"


def test_an_earlier_runs_words_are_not_told_again(tmp_path: Path) -> None:
    (tmp_path / "told.md").write_text("### PASS\n")
    assert step(tmp_path, "exit 1")[2] == "what other steps said\n"


def test_outside_github_a_step_runs_too(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    command = [str(ROOT / "ci" / "github-step"), "told.md", "sh", "-c", "echo x >told.md"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=TIMEOUT_S)
    assert (tmp_path / "told.md").read_text() == "x\n"


class Repository:
    """A clone with ci/gate in it; what the gate would call only tells that it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = folder / "told"
        for path in ("ci/gate", "ci/lib.sh"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, folder / path)
        for path in ("ci/bootstrap", ".venv/bin/cmake", ".venv/bin/python"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(WORKER)
            (folder / path).chmod(0o755)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "somebody@example.invalid")
        self.git("config", "user.name", "Somebody")

    def git(self, *words: str) -> str:
        command = ["git", "-C", str(self.folder), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_S).stdout.strip()

    def commit(self, name: str) -> str:
        self.git("commit", "-q", "--allow-empty", "-m", name)
        return self.git("rev-parse", "HEAD")

    def gate(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.folder / "ci" / "gate"), *words]
        environment = os.environ | {"TOLD": str(self.told)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def baseline(self, *words: str) -> str:
        """Return the baseline that hil gate was given."""
        done = self.gate(*words)
        assert done.returncode == 0, done.stderr
        called = self.told.read_text().splitlines()[-1].split()
        assert called[1:5] == ["-m", "hil", "gate", "--baseline"]
        assert called[6:8] == ["--candidate", "HEAD"]
        return called[5]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_branch_is_held_against_where_it_left(repository: Repository) -> None:
    first = repository.commit("first")
    repository.git("checkout", "-q", "-b", "topic")
    tip = repository.commit("change")
    repository.commit("another")
    repository.git("checkout", "-q", "main")
    repository.commit("meanwhile")
    repository.git("checkout", "-q", "topic")
    assert repository.baseline("main", tip) == first  # BEFORE is for the branch itself only


def test_the_branch_itself_is_held_against_what_it_was_before_the_push(repository: Repository) -> None:
    before = repository.commit("first")
    repository.commit("second")
    parent = repository.commit("third")
    repository.commit("fourth")
    assert repository.baseline("main", before) == before
    assert repository.baseline("main", "0" * 40) == parent  # the first push of all, as GitHub and GitLab tell it
    assert repository.baseline("main", "e" * 40) == parent  # forced: it is not here any more
    assert repository.baseline("main") == parent


def test_options_are_handed_on_to_the_gate(repository: Repository) -> None:
    before = repository.commit("first")
    repository.commit("second")
    assert repository.baseline("main", before, "--minutes", "9") == before
    assert repository.told.read_text().splitlines()[-1].endswith("--candidate HEAD --minutes 9 --output gate")


@pytest.mark.parametrize(
    ("written", "code"), [("", 2), ('{ "answer": "no regression" }', 2), ('{ "answer": "regression" }', 1)]
)
def test_a_regression_is_what_the_gate_has_written_down(repository: Repository, written: str, code: int) -> None:
    """An exit code of 1 alone may be Python's, of an error in the gate itself."""
    before = repository.commit("first")
    repository.commit("second")
    script = repository.folder / ".venv" / "bin" / "python"
    script.write_text(f"#!/bin/sh\nmkdir -p gate\n[ -z '{written}' ] || echo '{written}' >gate/gate.json\nexit 1\n")
    assert repository.gate("main", before).returncode == code


def test_without_a_baseline_it_is_said_why(repository: Repository) -> None:
    repository.commit("first")
    done = repository.gate("main")
    assert done.returncode == 2  # 1 is a regression's
    assert "the first one" in done.stderr
    done = repository.gate("origin/main")
    assert done.returncode == 2  # 1 is a regression's
    assert "not fetched" in done.stderr
    assert repository.gate().returncode == 2
    assert not repository.told.exists()


def own_shm(command: str, *, before: str = "") -> tuple[int, str]:
    """Return (exit code, output) of a command with a /dev/shm of its own. before: what the shell is told first."""
    script = f"set -euo pipefail; . {ROOT}/ci/lib.sh; {before} own_shm sh -c '{command}'"
    done = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=False)
    return done.returncode, done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a mount of its own: run it as root")
def test_rings_of_a_stage_with_its_own_shared_memory_are_nobody_elses(ring: str) -> None:
    path = Path("/dev/shm") / ring[1:]
    assert own_shm(f"ls -A /dev/shm && touch {path} && exit 3") == (3, "")
    assert not path.exists()


def test_where_no_mount_is_permitted_a_stage_runs_all_the_same(ring: str) -> None:
    path = Path("/dev/shm") / ring[1:]
    path.touch()
    assert own_shm(f"ls {path}; exit 3", before="unshare() { false; };") == (3, f"{path}\n")
