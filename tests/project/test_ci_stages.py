# SPDX-License-Identifier: Apache-2.0
"""How ci/test and ci/full run their stages, with stages that only tell that they were run."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import is_running, wait_until_gone
from writers import ROOT, wait_until

TIMEOUT_S = 60
SCRIPT = """#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
readonly not_here=77
die() {{ echo "$*" >&2; exit 1; }}
. {root}/ci/stages.sh
stages=(
	'bootstrap | first'
	'quick | nothing to do'
	'below | what needs no quiet machine'
	'lower | likewise'
	'apart | in a lane of its own'
	'top   | what they run below'
)
beside=('below lower' apart)
stage_limit_s={limit}
stage_bootstrap() {{ :; }}
stage_quick() {{ :; }}
{functions}
case $1 in
--run) stage_itself "$2" ;;
*) run_stages "$@" ;;
esac
"""
# The one waits for the other, so neither ends unless both run.
MEET = """
meet() { touch "$1"; until [ -e "$2" ]; do sleep 0.01; done; }
stage_below() { meet below top; echo "below met it"; }
stage_lower() { [ -e over ] || touch lower; }
stage_top() { meet top below; until [ -e lower ]; do sleep 0.01; done; echo "top met it"; }
"""


class Stages:
    """A script with such stages in a folder."""

    def __init__(self, folder: Path, functions: str, limit: int = TIMEOUT_S) -> None:
        self.folder = folder
        self.script = folder / "stages"
        self.script.write_text(SCRIPT.format(root=ROOT, functions=functions, limit=limit))
        self.script.chmod(0o755)

    def run(self, *names: str) -> tuple[int, str]:
        done = subprocess.run([self.script, *names], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        return done.returncode, done.stdout + done.stderr


def results(said: str) -> dict[str, str]:
    """Return what the summary says of each stage."""
    return {name: result for name, (_, result) in summary(said).items()}


def summary(said: str) -> dict[str, tuple[int, str]]:
    """Return the processor time of each stage in seconds, and its result."""
    _, _, told = said.partition("\nstage  ")
    rows = re.findall(r"^(\w+) +\d+ +(\d+)  (.+)$", told, re.MULTILINE)
    return {name: (int(cpu), result) for name, cpu, result in rows}


def test_what_needs_no_quiet_machine_runs_beside_the_next_that_does_not_say_so(tmp_path: Path) -> None:
    code, said = Stages(tmp_path, MEET).run("quick", "below", "lower", "top")
    assert code == 0, said
    assert results(said) == dict.fromkeys(("quick", "below", "lower", "top"), "ok")
    assert list(results(said)) == ["quick", "below", "lower", "top"]
    assert said.index("=== below\nbelow met it\n=== below: ok") < said.index("=== lower: ok")


def test_lanes_run_beside_each_other(tmp_path: Path) -> None:
    functions = """
meet() { touch "$1"; until [ -e below ] && [ -e apart ] && [ -e top ]; do sleep 0.01; done; }
stage_below() { meet below; }
stage_apart() { meet apart; }
stage_top() { meet top; }
"""
    code, said = Stages(tmp_path, functions).run("below", "apart", "top")
    assert (code, results(said)) == (0, dict.fromkeys(("below", "apart", "top"), "ok")), said


def test_beside_nothing_they_run_in_order(tmp_path: Path) -> None:
    functions = "stage_below() { sleep 0.2; echo 1 >>order; }\nstage_lower() { echo 2 >>order; }\n"
    functions += "stage_apart() { echo 3 >>order; }"
    code, said = Stages(tmp_path, functions).run("quick", "below", "lower", "apart")
    assert (code, (tmp_path / "order").read_text()) == (0, "1\n2\n3\n"), said


@pytest.mark.parametrize("broken", ["quick", "below", "top"])
def test_one_that_fails_is_named_and_the_others_run(tmp_path: Path, broken: str) -> None:
    functions = "stage_below() { :; }\nstage_lower() { :; }\nstage_top() { :; }\n"
    functions += f"stage_{broken}() {{ echo {broken} broke; false; echo but went on; }}"
    code, said = Stages(tmp_path, functions).run("quick", "below", "lower", "top")
    assert code == 1
    assert results(said) == dict.fromkeys(("quick", "below", "lower", "top"), "ok") | {broken: "FAILED (1)"}
    assert said.rstrip().endswith(f"FAILED: {broken}")
    assert f"{broken} broke" in said and "but went on" not in said


def test_without_what_bootstrap_brings_nothing_is_run(tmp_path: Path) -> None:
    code, said = Stages(tmp_path, "stage_bootstrap() { false; }").run("bootstrap", "quick")
    assert (code, results(said)) == (1, {"bootstrap": "FAILED (1)"})


def test_each_is_told_its_own_processor_time(tmp_path: Path) -> None:
    work = f"work() {{ {sys.executable} -c 'import time\nwhile time.process_time() < 3: pass'; }}\n"
    stages = f"{work}stage_below() {{ work; }}\nstage_apart() {{ (work); }}\n"
    stages += "stage_lower() { touch over; }\nstage_top() { until [ -e over ]; do sleep 0.1; done; sleep 0.5; }\n"
    code, said = Stages(tmp_path, stages).run("below", "lower", "apart", "top")
    assert code == 0, said
    times = {name: cpu for name, (cpu, _) in summary(said).items()}
    assert times["below"] >= 2 and times["apart"] >= 2
    assert times["lower"] <= 1 and times["top"] <= 1  # each is rounded; top ends when its lanes have


def test_what_is_not_for_this_machine_is_no_failure(tmp_path: Path) -> None:
    code, said = Stages(tmp_path, "stage_quick() { return 77; }").run("quick")
    assert (code, results(said)) == (0, {"quick": "not on this machine"})


def test_one_that_does_not_end_is_ended(tmp_path: Path) -> None:
    functions = f"stage_below() {{ sleep 600 & echo $! >{tmp_path}/pid; wait; }}\nstage_top() {{ :; }}"
    code, said = Stages(tmp_path, functions, limit=1).run("below", "top")
    assert (code, results(said)) == (1, {"below": "FAILED (not done after 1 s)", "top": "ok"})
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_an_unknown_one_is_refused_before_any_runs(tmp_path: Path) -> None:
    code, said = Stages(tmp_path, "stage_quick() { touch ran; }").run("quick", "tset")
    assert code == 1 and "no such stage: tset" in said
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_of_them(tmp_path: Path, number: signal.Signals) -> None:
    functions = "".join(
        f"stage_{name}() {{ trap 'sleep 1; exit' TERM; sleep 600 & "
        f"echo $$ $! >{name}.part; mv {name}.part {name}; wait; }}\n"
        for name in ("below", "apart", "top")
    )
    script = Stages(tmp_path, functions, limit=10 * TIMEOUT_S).script
    with subprocess.Popen([script, "quick", "below", "apart", "top"], stdout=subprocess.PIPE, text=True) as process:
        try:
            for name in ("below", "apart", "top"):
                wait_until((tmp_path / name).exists, f"{name} runs")
            os.kill(process.pid, number)
            said, _ = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
    assert (process.returncode, results(said)) == (130, {"quick": "ok"})
    for name in ("below", "apart", "top"):
        stage, within = map(int, (tmp_path / name).read_text().split())
        assert not is_running(stage), "it is there still, and writes where it was told to"
        wait_until_gone(within)
