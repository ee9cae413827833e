# SPDX-License-Identifier: Apache-2.0
"""The workflow files are what GitHub and GitLab take, and keep the bench and the repository safe."""

import copy
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from writers import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GITLAB = ROOT / ".gitlab-ci.yml"
TIMEOUT_S = 120
# What starts a run with a file of this repository. A fork's pull request brings a file of its own.
OUR_OWN = {"push", "schedule", "workflow_dispatch"}

Workflow = dict[str, Any]


def loaded(path: Path) -> Workflow:
    content: Workflow = YAML(typ="safe").load(path)
    return content


def steps(job: Workflow) -> list[Workflow]:
    found: list[Workflow] = job["steps"]
    return found


def violations(workflow: Workflow) -> Iterator[str]:
    if workflow.get("permissions") != {"contents": "read"}:
        yield "permissions"
    for name, job in workflow["jobs"].items():
        if "permissions" in job:
            yield f"{name}: permissions of its own"
        if "timeout-minutes" not in job:
            yield f"{name}: no timeout"
        elif sum(step.get("timeout-minutes", 0) for step in steps(job)) > job["timeout-minutes"]:
            yield f"{name}: its steps may take longer than all of it"
        if "self-hosted" in job["runs-on"]:
            if not set(workflow["on"]) <= OUR_OWN:
                yield f"{name}: strangers can start it on the bench"
            if "environment" not in job:
                yield f"{name}: nobody can be asked before it runs on the bench"
        for step in steps(job):
            yield from step_violations(name, step)


def step_violations(job: str, step: Workflow) -> Iterator[str]:
    told = step.get("name") or step.get("uses")
    if "timeout-minutes" not in step:
        yield f"{job}, {told}: no timeout"
    uses = step.get("uses", "")
    if uses and not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", uses):
        yield f"{job}, {told}: not pinned"
    if uses.startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
        yield f"{job}, {told}: leaves its token behind"
    if "${{" in step.get("run", ""):
        yield f"{job}, {told}: text of others becomes a command"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_keeps_the_rules(path: Path) -> None:
    assert list(violations(loaded(path))) == []


def checkout(workflow: Workflow) -> Workflow:
    return next(step for step in steps(workflow["jobs"]["quick"]) if "checkout" in step.get("uses", ""))


def without_timeout(workflow: Workflow) -> None:
    del steps(workflow["jobs"]["quick"])[2]["timeout-minutes"]


def with_a_tag(workflow: Workflow) -> None:
    checkout(workflow)["uses"] = "actions/checkout@v6"


def with_a_token(workflow: Workflow) -> None:
    del checkout(workflow)["with"]["persist-credentials"]


def with_an_injection(workflow: Workflow) -> None:
    steps(workflow["jobs"]["quick"])[2]["run"] = "echo ${{ github.head_ref }}"


def for_strangers(workflow: Workflow) -> None:
    workflow["on"]["pull_request"] = None


def without_reviewers(workflow: Workflow) -> None:
    del workflow["jobs"]["quick"]["environment"]


def with_all_rights(workflow: Workflow) -> None:
    workflow["permissions"] = "write-all"


def with_a_jobs_rights(workflow: Workflow) -> None:
    workflow["jobs"]["quick"]["permissions"] = {"contents": "write"}


def with_too_short_a_job(workflow: Workflow) -> None:
    workflow["jobs"]["quick"]["timeout-minutes"] = 50


def without_a_jobs_timeout(workflow: Workflow) -> None:
    del workflow["jobs"]["quick"]["timeout-minutes"]


@pytest.mark.parametrize(
    "planted",
    [
        without_timeout,
        with_a_tag,
        with_a_token,
        with_an_injection,
        for_strangers,
        without_reviewers,
        with_all_rights,
        with_a_jobs_rights,
        without_a_jobs_timeout,
        with_too_short_a_job,
    ],
)
def test_a_broken_rule_is_found(planted: Callable[[Workflow], None]) -> None:
    workflow = copy.deepcopy(loaded(ROOT / ".github" / "workflows" / "bench.yml"))
    planted(workflow)
    assert len(list(violations(workflow))) == 1


def commands() -> Iterator[tuple[str, str]]:
    for path in WORKFLOWS:
        for job in loaded(path)["jobs"].values():
            yield from ((path.name, step["run"]) for step in steps(job) if "run" in step)
    for name, job in loaded(GITLAB).items():
        if isinstance(job, dict):
            yield from ((f"{GITLAB.name}, {name}", line) for line in job.get("script", []))


def test_what_the_jobs_call_is_there() -> None:
    called = {(where, program) for where, line in commands() for program in re.findall(r"\bci/[\w/-]+", line)}
    assert {program for _, program in called} >= {"ci/test", "ci/hil", "ci/gate", "ci/full"}
    assert [each for each in called if not (ROOT / each[1]).is_file()] == []
    stages = re.findall(r"^\t'([\w-]+) +\|", (ROOT / "ci" / "full").read_text(), re.MULTILINE)
    wanted = {stage for _, line in commands() for stage in re.findall(r"\bci/full ([\w-]+)", line)}
    assert wanted and wanted <= set(stages)


def test_boards_run_the_quick_suite_at_each_push_the_gate_for_the_library_and_a_soak_at_night() -> None:
    bench, gate, night = (loaded(ROOT / ".github" / "workflows" / f"{name}.yml") for name in ("bench", "gate", "night"))
    assert "push" in bench["on"] and gate["on"]["push"] == {"paths": ["lib/**"]} and "schedule" in night["on"]
    for workflow, job, said in ((bench, "quick", "--quick"), (gate, "gate", "ci/gate"), (night, "soak", "-k soak")):
        assert workflow["jobs"][job]["strategy"]["matrix"] == {"board": ["pi4", "pi5"]}
        assert any(said in step.get("run", "") for step in steps(workflow["jobs"][job]))
        assert any(step.get("uses", "").startswith("actions/upload-artifact@") for step in steps(workflow["jobs"][job]))


def test_gitlab_keeps_forks_from_the_bench() -> None:
    jobs = loaded(GITLAB)
    for name in ("quick", "gate"):
        (fork,) = [rule for rule in jobs[name]["rules"] if "SOURCE_PROJECT_ID" in rule.get("if", "")]
        assert fork["when"] == "manual"
        assert jobs[name]["rules"].index(fork) == 1
    for name in ("whole-suite", "soak", "emulated-board"):
        assert jobs[name]["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}]
    for name, job in jobs.items():
        if isinstance(job, dict) and "script" in job:
            assert "timeout" in job, name


@pytest.mark.parametrize(
    ("schema", "paths"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.gitlab-ci", [GITLAB])],
    ids=["github", "gitlab"],
)
def test_they_are_what_the_schemas_say(schema: str, paths: list[Path]) -> None:
    words = ["--builtin-schema", schema, *(["--data-transform", "gitlab-ci"] if "gitlab" in schema else [])]
    done = check_jsonschema(*words, *map(str, paths))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schemas_refuse_what_is_wrong(tmp_path: Path) -> None:
    for path, schema, right, wrong in (
        (WORKFLOWS[0], "vendor.github-workflows", "runs-on:", "runs-at:"),
        (GITLAB, "vendor.gitlab-ci", "when: manual", "when: perhaps"),
    ):
        text = path.read_text()
        assert right in text
        (tmp_path / "wrong.yml").write_text(text.replace(right, wrong))
        assert check_jsonschema("--builtin-schema", schema, str(tmp_path / "wrong.yml")).returncode == 1


def check_jsonschema(*words: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("check-jsonschema") or "check-jsonschema", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.mark.parametrize("name", ["bench", "gate"])
def test_what_strangers_wrote_is_run_by_its_hash_alone(name: str) -> None:
    """A branch, or a pull request's number, can come to mean something else after it was read."""
    workflow = loaded(ROOT / ".github" / "workflows" / f"{name}.yml")
    assert list(workflow["on"]["workflow_dispatch"]["inputs"]) == ["commit"]
    (job,) = workflow["jobs"].values()
    first, second = steps(job)[:2]
    assert second["with"]["ref"] == "${{ inputs.commit || github.sha }}"
    for commit, is_taken in (("a" * 40, True), ("main", False), ("a" * 39, False), ("a" * 40 + "\nmain", False)):
        done = subprocess.run(
            ["bash", "-e", "-c", first["run"]], env={"COMMIT": commit}, timeout=TIMEOUT_S, check=False
        )
        assert (done.returncode == 0) is is_taken, commit
