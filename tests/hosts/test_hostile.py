# SPDX-License-Identifier: Apache-2.0
"""A row of the hostile host run for each host, and that the run sees what is wrong."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hostile.bystanders import Bystanders
from hostile.cells import Answer, Cell, Lane, paired_cells, single_cells
from hostile.conversation import adopt_orphans
from hostile.judge import expected_words
from hostile.programs import BRIDGES, PROGRAMS, Program
from judges import ffmpeg
from writers import SHARED_MEMORY

from hosts import (
    ALL_HOSTS,
    FEW_DESCRIPTORS,
    NO_PROC,
    NO_SHARED_MEMORY,
    NO_THREADS,
    PLAIN,
    TIME_NAMESPACE_BEFORE,
    Host,
    own_shared_memory,
    require,
)
from vshm_ctypes.cli.main import VERBS

pytestmark = pytest.mark.xdist_group("hostile")  # one camera for all of them
(CLEAN,) = (program for program in PROGRAMS if program.name == "vshm check --clean")


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    if os.geteuid() != 0:
        pytest.skip("needs namespaces and mounts: run it as root")
    adopt_orphans()
    try:
        with TemporaryDirectory() as name, own_shared_memory(), Bystanders(Path(name)) as bystanders:
            Path(name).chmod(0o777)  # for other users too, as pytest's own folders are not
            yield Lane(Path(name), bystanders, 1)
            assert bystanders.wrong_books() == []
    finally:
        adopt_orphans(False)


@pytest.mark.parametrize("host", ALL_HOSTS, ids=lambda host: host.name)
def test_each_host_is_answered(lane: Lane, host: Host) -> None:
    answer = lane.try_one(Cell(CLEAN, require(host)))
    assert answer.verdict != "FAILED", answer


@pytest.mark.parametrize(
    ("verb", "host"),
    [
        ("publish", PLAIN),
        ("publish", NO_PROC),
        ("publish", FEW_DESCRIPTORS),
        ("relay export", TIME_NAMESPACE_BEFORE),
        ("relay import", PLAIN),
        ("relay list", FEW_DESCRIPTORS),
        ("relay list", NO_THREADS),
    ],
    ids=lambda one: one if isinstance(one, str) else one.name,
)
def test_a_bridge_reaches_its_far_side_or_says_why_not(lane: Lane, verb: str, host: Host) -> None:
    pytest.importorskip("av" if verb == "publish" else "zenoh")
    ffmpeg()
    (bridge,) = (program for program in BRIDGES if program.name.startswith(f"vshm {verb}"))
    answer = lane.try_one(Cell(bridge, host))
    assert answer.verdict in (["ok"] if host in (PLAIN, NO_PROC) else ["ok", "refused"]), answer


# ---- the run itself ----


def fake(script: str, *needs: str, proof: str = "", **more: object) -> Program:
    words = [sys.executable, "-c", f"import os, subprocess, sys\n{script}"]
    return Program("fake", lambda _: words, frozenset(needs), re.compile(proof), **more)  # type: ignore[arg-type]


WRONG = {
    "1 / 0": "Traceback",
    "os.kill(os.getpid(), 9)": "exit -9",
    "sys.exit('fake: no')": "has what it needs",
    "sys.exit(7)": "exit 7",
    "open('/dev/shm/left', 'w').close()": "/dev/shm/left was left behind",
    "open('file', 'w').close()": "file was left behind",
    "open(os.environ['TMPDIR'] + '/x', 'w').close()": "tmp/x was left behind",
    "subprocess.Popen(['sleep', '100'])": "it left sleep",
    "subprocess.Popen(['setsid', 'sleep', '100'])": "it left sleep",
    "os.pwrite(os.open('/dev/shm/video_stream', os.O_RDWR), b'fake', 56)": "the header of /video_stream was written",
}


@pytest.mark.parametrize("script", WRONG)
def test_what_is_wrong_is_seen(lane: Lane, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hostile.conversation.GONE_S", 1.0)
    ring = SHARED_MEMORY / "video_stream"
    with ring.open("r+b") as file:
        before = file.read(64)
        answer = lane.try_one(Cell(fake(script), PLAIN))
        file.seek(0)
        file.write(before)
    assert answer.verdict == "FAILED"
    assert WRONG[script] in answer.why


def why(lane: Lane, program: Program, host: Host = PLAIN) -> str:
    answer: Answer = lane.try_one(Cell(program, host))
    return answer.why


def test_a_program_that_says_nothing_does_not_pass(lane: Lane) -> None:
    assert "nothing tells that it works" in why(lane, fake("pass", proof="works"))
    assert "no file" in why(lane, fake("pass", makes="file"))


def test_a_bridge_that_only_says_that_it_works_does_not_pass(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hostile.conversation.ANSWER_S", 5.0)
    ends = "import signal, time; signal.signal(15, lambda *_: sys.exit()); print('works', flush=True); time.sleep(60)"
    never = fake(ends, proof="works", lasts=True, makes="reached", far=lambda *_: [["true"]])
    assert "not seen to work" in why(lane, never)
    comes = fake(ends, proof="works", lasts=True, makes="reached", far=lambda proof, *_: [["touch", str(proof)]])
    assert why(lane, comes) == ""


def test_a_refusal_has_to_name_the_cause(lane: Lane) -> None:
    assert "without a word of the cause" in why(lane, fake("sys.exit('no')", "ring"), NO_SHARED_MEMORY)
    words = "mount a tmpfs at /dev/shm"
    answer = lane.try_one(Cell(fake(f"sys.exit('{words}')", "ring"), NO_SHARED_MEMORY))
    assert (answer.verdict, answer.why) == ("refused", words)


def test_every_verb_is_tried() -> None:
    tried = {program.name.split()[1] for program in PROGRAMS if program.name.startswith("vshm ")}
    assert tried == {verb.name for verb in VERBS}
    hosts = {cell.host.name for cell in single_cells()}
    assert hosts == {host.name for host in (PLAIN, *ALL_HOSTS)}
    assert len(list(paired_cells())) > 1000


def test_most_have_to_work() -> None:
    """What may be refused is the exception: else everything could be."""
    cells = list(single_cells())
    assert sum(bool(expected_words(cell.program, cell.host)) for cell in cells) < len(cells) / 4
