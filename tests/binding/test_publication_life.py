# SPDX-License-Identifier: Apache-2.0
"""The whole life of what a reader publishes: however it begins and ends, nothing stays that nobody can name."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from anywhere import interrupted_anywhere
from children import run, running
from vshm import codes, vshm
from writers import SHARED_MEMORY, Channel, wait_until

from vshm_ctypes import Consumer, Producer, inspect, left_behind, shared_record
from vshm_ctypes.publication import Publication
from vshm_ctypes.published import PREFIX, RECORD, PublishedConsumer, list_published

# Children that are killed at one line after the other on their way to a publication and back. Prints how many lines.
KILLED_ANYWHERE = """
import os, signal, sys
from pathlib import Path
from vshm_ctypes import Consumer, shared_record
from vshm_ctypes.cli.check.leftovers import find_publications, remove
from vshm_ctypes.processes import Users
from vshm_ctypes.published import list_published

ring, kind = sys.argv[1:]
if kind == "named":
    shared_record.open_nameless = lambda *_: None

def live_until(step):
    steps = 0
    def look(frame, event, _):
        nonlocal steps
        if event == "call" and not frame.f_code.co_filename.endswith(("shared_record.py", "nameless.py")):
            return None
        steps += event == "line"
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return look
    sys.settrace(look)
    Consumer(ring, publish=True).close()
    os._exit(7)

for step in range(1, 10_000):
    pid = os.fork()
    if pid == 0:
        live_until(step)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7:
        break
    left = {str(path) for path in Path("/dev/shm").glob(f"vshm_consumer_{pid}_*")}
    whole = {str(one.path) for one in list_published() if one.pid == pid and one.ring == ring}
    assert whole == left or kind == "named", (step, "it had a name before it was whole")
    told = [one for one in find_publications() if one.subject in left]
    assert {one.subject for one in told} == left, (step, "nobody tells of it")
    assert all([remove(one, Users()) for one in told]), step
    assert not any(map(os.path.exists, left)), step
print(step)
"""

DAEMON = """
import os, sys
from vshm_ctypes import Consumer
stream = Consumer(sys.argv[1], publish=True)
stream.receive(timeout=0)
if os.fork():
    os._exit(0)  # as daemons do: nothing is closed
os.setsid()
print(os.getpid(), flush=True)
while not os.path.exists(sys.argv[2]):
    stream.receive(timeout=0.05)
stream.close()
"""

BESIDE_ITS_PARENT = """
import os, sys
from vshm_ctypes import Consumer
stream = Consumer(sys.argv[1], publish=True)
stream.receive(timeout=0)
child = os.fork()
if child == 0:
    stream.receive(timeout=0.6)
    stream.close()
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
print("ready", flush=True)
sys.stdin.read()
stream.close()
"""

BECOMES_ANOTHER_PROGRAM = """
import os, sys
from vshm_ctypes import Consumer
stream = Consumer(sys.argv[1], publish=True)
stream.receive(timeout=0)
os.execv(sys.executable, [sys.executable, "-c", "import sys; print('another', flush=True); sys.stdin.read()"])
"""

# Ends of programs in which nobody closes the reader.
ENDS = {
    "beside a thread that reads": """
import sys, threading
from vshm_ctypes import Consumer
stream = Consumer(sys.argv[1], publish=True, reconnect=True)
threading.Thread(target=stream.receive, daemon=True).start()
""",
    "by a second signal": """
import os, signal, sys, time
from vshm_ctypes import Consumer
from vshm_ctypes.commandline.ending import SAME_S, heeding
stream = Consumer(sys.argv[1], publish=True)
with heeding(lambda: None):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SAME_S * 2)
    os.kill(os.getpid(), signal.SIGTERM)
""",
    "by a fault": """
import os, sys
from vshm_ctypes import Consumer
from vshm_ctypes.cli.sigbus import tell_of_faults
stream = Consumer(sys.argv[1], publish=True)
tell_of_faults()
os.truncate("/dev/shm" + sys.argv[1], 0)
stream.receive(timeout=0)
""",
}


def of_ring(ring: str) -> list[PublishedConsumer]:
    return [consumer for consumer in list_published() if consumer.ring == ring]


def test_a_reader_is_told_of_from_the_start(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring, publish=True):
        (shown,) = of_ring(ring)
        assert (shown.pid, shown.alive, shown.identity) == (os.getpid(), True, producer.info().identity)
        assert (shown.received, shown.missed, shown.span) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["nameless", "named"])
def test_a_reader_that_is_killed_anywhere_leaves_nothing_that_is_not_told_and_removed(
    alone: None, ring: str, kind: str
) -> None:
    with Producer(ring):
        assert int(run(KILLED_ANYWHERE, ring, kind)) > 20


def test_what_was_only_begun_is_left_over_once_nobody_has_it_open(alone: None) -> None:
    paths = {SHARED_MEMORY / f"{PREFIX}{os.getpid()}_{size}": size for size in (0, 100, RECORD.size)}
    with ExitStack() as readers:  # before they have the lock
        for path, size in paths.items():
            readers.enter_context(path.open("xb")).truncate(size)
        outcome = vshm("check", "--clean", "--json", "-s", "0.1")
        assert [codes(outcome, str(path)) for path in paths] == [[], [], []]
        assert all(path.exists() for path in paths)
    outcome = vshm("check", "--json", "-s", "0.1")
    assert [codes(outcome, str(path)) for path in paths] == [["stale-publication"]] * 3
    removed = vshm("check", "--clean", "--json", "-s", "0.1").json["removed"]
    assert {one["subject"] for one in removed} == {*map(str, paths)}
    assert not any(path.exists() for path in paths)


def test_what_only_bears_such_a_name_stays(alone: None) -> None:
    contents = {"longer": bytes(RECORD.size + 1), "a_word": b"VSHM", "something": bytes(RECORD.size - 1) + b"x"}
    paths = [SHARED_MEMORY / f"{PREFIX}{os.getpid()}_{name}" for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    linked = SHARED_MEMORY / f"{PREFIX}{os.getpid()}_linked"
    linked.touch()
    (SHARED_MEMORY / "kept").hardlink_to(linked)
    outcome = vshm("check", "--clean", "--json", "-s", "0.1")
    assert outcome.json["removed"] == []
    assert [path for path in (*paths, linked) if codes(outcome, str(path)) or not path.exists()] == []


def test_a_daemon_has_counters_of_its_own_once_its_parent_is_gone(ring: str, tmp_path: Path) -> None:
    over = tmp_path / "over"
    with Producer(ring) as producer, running(DAEMON, ring, str(over)) as parent:
        try:
            parent.wait(60)
            wait_until(lambda: [one.alive for one in of_ring(ring)] == [True], "the daemon's are there, and no others")
            (shown,) = of_ring(ring)
            assert shown.pid != parent.pid
            producer.write(b"x")
            wait_until(lambda: of_ring(ring)[0].received == 1, "it goes on to tell")
        finally:
            over.touch()
    wait_until(lambda: of_ring(ring) == [], "it puts them away")


def test_counters_whose_name_is_removed_are_made_anew(ring: str) -> None:
    """logind removes all that a user has in shared memory, and a mount over it hides it."""
    with Producer(ring), Consumer(ring, publish=True) as stream:
        (before,) = of_ring(ring)
        before.path.unlink()

        def is_seen() -> bool:
            stream.receive(timeout=0.05)
            return [one.alive for one in of_ring(ring)] == [True]

        wait_until(is_seen, "it is seen again")
        (now,) = of_ring(ring)
        assert now.path != before.path
    assert not now.path.exists()


def test_a_child_leaves_the_counters_of_its_living_parent_alone(ring: str) -> None:
    with Producer(ring), running(BESIDE_ITS_PARENT, ring) as parent:
        (shown,) = of_ring(ring)
        assert (shown.pid, shown.alive) == (parent.pid, True)
        parent.communicate(timeout=60)
        assert (parent.returncode, of_ring(ring)) == (0, [])


def test_a_program_that_becomes_another_one_reads_no_more(ring: str) -> None:
    with Producer(ring), running(BECOMES_ANOTHER_PROGRAM, ring) as process:
        (left,) = of_ring(ring)
        assert (left.pid, left.alive) == (process.pid, False)
        left.path.unlink()


@pytest.mark.parametrize("end", ENDS)
def test_an_end_in_which_nobody_closes_anything_leaves_nothing(channel: Channel, end: str) -> None:
    name, writer = f"/{channel.ring_path.name}", channel.start_writer()
    wait_until(lambda: channel.ring_path.exists() and inspect(name).frames > 0, "the writer writes")
    writer.kill()
    command = [sys.executable, "-c", ENDS[end], name]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    expected = {"by a second signal": -signal.SIGTERM, "by a fault": 1}
    assert result.returncode == expected.get(end, 0), result.stderr
    assert of_ring(name) == []


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # one of /proc, which is closed at once
def test_an_interruption_anywhere_leaves_nothing_behind_the_process(ring: str) -> None:
    with Producer(ring) as producer:
        info = producer.info()

        def check() -> None:
            left_behind.remove_all()  # as at its end
            assert list(SHARED_MEMORY.glob(f"{PREFIX}{os.getpid()}_*")) == []

        interrupted_anywhere(lambda: None, lambda: Publication(ring, info).close(), check, of=3)


def test_a_file_system_without_nameless_files_has_named_ones(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_record, "open_nameless", lambda *_: None)
    with Producer(ring), Consumer(ring, publish=True):
        (shown,) = of_ring(ring)
        assert (shown.alive, shown.path.stat().st_mode & 0o777) == (True, 0o644)
    assert of_ring(ring) == []
