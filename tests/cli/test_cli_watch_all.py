# SPDX-License-Identifier: Apache-2.0
"""vshm watch without a ring's name: a line for each ring, and they come and go; on terminals of any size, and pipes."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest
from hosts import ANOTHER_USER, on_terminal
from vshm import KEYFRAME, TIMEOUT_S, Camera, vshm
from writers import SHARED_MEMORY, Channel, wait_until

from vshm_ctypes import Producer, list_rings
from vshm_ctypes.commandline.output import cut, width_of
from vshm_ctypes.commandline.table import table_lines

WATCH = [sys.executable, "-m", "vshm_ctypes", "watch"]
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SMALL: dict[str, Any] = {"slots": 32, "slot_size": 2000, "fps": 20}

pytestmark = pytest.mark.usefixtures("alone")


@contextmanager
def cameras(*names: str) -> Iterator[None]:
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(Camera(name, **SMALL))
        yield


def lines_until(out: IO[str], is_wanted: Callable[[str], bool]) -> list[str]:
    lines: list[str] = []
    deadline = time.monotonic() + TIMEOUT_S
    while not (lines and is_wanted(lines[-1])):
        line = out.readline()
        assert line and time.monotonic() < deadline, lines
        lines.append(line)
    return lines


@contextmanager
def watching(*words: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [*WATCH, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_json_tells_each_second_of_each_ring_and_sums_up() -> None:
    with cameras("/first", "/second"):
        outcome = vshm("watch", "-t", "3", "--json")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    summaries = [line["summary"] for line in lines if "summary" in line]
    assert outcome.code == 0, outcome.err
    assert [summary["ring"] for summary in summaries] == ["/first", "/second"]
    assert {line["ring"] for line in lines if "summary" not in line} == {"/first", "/second"}
    for summary in summaries:
        assert summary["received"] > 0
        assert (summary["missed"], summary["state"]) == (0, "live")


def test_rings_come_and_go_and_one_that_is_gone_is_a_finding(tmp_path: Path) -> None:
    log = tmp_path / "watch.log"
    with Camera("/stays", **SMALL), watching("--log", str(log)) as process:
        assert process.stdout is not None
        lines_until(process.stdout, lambda line: line.startswith("/stays live: "))
        with Camera("/comes", **SMALL):
            lines_until(process.stdout, lambda line: line.startswith("/comes live: "))
        lines_until(process.stdout, lambda line: line.startswith("/comes gone: 0.0 fps"))
        with Camera("/comes", **SMALL):  # the same again, though it was gone
            lines_until(process.stdout, lambda line: bool(re.match(r"/comes live: [1-9]", line)))
        lines_until(process.stdout, lambda line: line.startswith("/comes gone: 0.0 fps"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, err) == (1, "")
    comes, stays = [line for line in out.splitlines() if "the writer is" in line]
    assert re.match(r"/comes: \d+ frames .* 1 restarts, .* the writer is gone$", comes)
    assert re.match(r"/stays: .* the writer is live$", stays)
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    told = [line["text"] for line in logged if line["ring"] == "/comes" and line.get("event") == "state"]
    names = ["the ring is gone", "the ring is there again", "the ring is gone"]
    assert [text for text in told if text in names] == names


def test_a_ring_that_is_gone_for_long_is_summed_up_and_watched_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from vshm_ctypes.cli.watch import all_rings

    monkeypatch.setattr(all_rings, "GONE_S", 0.0)
    overview = all_rings.Overview()
    with cameras("/short"):
        overview.look()
        assert not overview.is_empty

    def is_given_up() -> bool:
        overview.look()
        return overview.is_empty

    wait_until(is_given_up, "it is given up")
    (summary,) = overview.summaries
    assert (summary.ring, summary.state, overview.is_finding) == ("/short", "gone", True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_sums_up_and_its_log_is_one_of_each_ring(number: signal.Signals, tmp_path: Path) -> None:
    log = tmp_path / "watch.log"
    with cameras("/first", "/second"):
        with watching("--log", str(log)) as process:
            assert process.stdout is not None
            lines_until(process.stdout, lambda line: line.startswith("/second live"))
            process.send_signal(number)
            out, err = process.communicate(timeout=TIMEOUT_S)
        assert (process.returncode, err) == (0, "")
        assert sum("the writer is live" in line for line in out.splitlines()) == 2
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for ring in ("/first", "/second"):
        assert [line.get("first", False) for line in lines if line["ring"] == ring][:2] in ([True], [True, False])
    drawn = vshm("plot", str(log), "--ring", "second", "--json")
    assert (drawn.code, drawn.json["ring"], drawn.json["unreadable"]) == (0, "/second", 0)
    assert "also has lines of /first: choose a ring with --ring NAME" in drawn.err
    assert vshm("plot", str(log), "--json").json["ring"] == lines[0]["ring"]
    missing = vshm("plot", str(log), "--ring", "third")
    assert missing.code == 2
    assert "holds no line of vshm watch --log of /third, but of /first, /second" in missing.err


def test_a_pipe_that_is_closed_ends_it_without_a_word() -> None:
    with cameras("/only"), watching() as process:
        assert process.stdout is not None and process.stderr is not None
        lines_until(process.stdout, lambda line: line.startswith("/only live"))
        process.stdout.close()
        assert process.wait(TIMEOUT_S) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_can_not_move_its_cursor_gets_plain_lines(term: str) -> None:
    with cameras("/only"):
        code, shown = on_terminal(WATCH, until="/only live: ", term=term)
    assert code == 0
    assert "\x1b" not in shown


def test_a_log_that_can_not_be_written_leaves_nothing_in_shared_memory(ring: str, tmp_path: Path) -> None:
    with Camera(ring):
        command = [*WATCH, "--log", str(tmp_path / "nowhere" / "log")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            _, told = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, "nowhere" in told) == (1, True)
    assert list(SHARED_MEMORY.glob(f"vshm_consumer_{process.pid}_*")) == []


def test_without_a_ring_it_is_exit_3_and_says_what_to_do() -> None:
    outcome = vshm("watch")
    assert (outcome.code, outcome.out) == (3, "")
    assert "no ring: start a producer" in outcome.err


def test_rings_that_this_user_may_not_read_are_named(channel: Channel) -> None:
    channel.start_writer()
    wait_until(channel.ring_path.exists, "the ring is there")
    channel.ring_path.chmod(0o600)
    outcome = vshm("watch", "-t", "1", host=ANOTHER_USER)
    assert outcome.code == 1
    assert f"this user may not read /{channel.ring_path.name}: vshm check says what to do" in outcome.err


class Terminal:
    """A watch of all on a terminal, which may be resized while it runs."""

    def __init__(self, columns: int, lines: int) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(columns, lines)
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        environment = kept | {"TERM": "xterm"}
        self.process = subprocess.Popen(
            WATCH, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)
        self._shown = ""

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def picture(self, is_wanted: Callable[[list[str]], bool]) -> list[str]:
        """Return the lines of the next whole screen like that, without control sequences."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            assert time.monotonic() < deadline, self._shown
            self._shown += os.read(self._ours, 65536).decode()
            *pictures, self._shown = self._shown.split("\x1b[J")
            for picture in pictures:
                lines = CONTROL.sub("", picture.rpartition("\x1b[H")[2]).split("\r\n")
                if is_wanted(lines):
                    return lines

    def end(self) -> int:
        os.killpg(self.process.pid, signal.SIGINT)
        with suppress(OSError):  # how Linux tells that the terminal is nobody's any more
            while os.read(self._ours, 65536):
                pass
        return self.process.wait(TIMEOUT_S)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


ODD = ["/" + "n" * 200, "/colour\x1b[31m", "/two\nlines", "/\u6f22\u5b57" * 1 + "\u00e9e\u0301"]


def fits(columns: int, height: int, lines: list[str]) -> bool:
    return max(map(width_of, lines)) < columns and len(lines) <= height


def test_twenty_rings_of_odd_names_fit_into_any_terminal_and_follow_its_size() -> None:
    names = [*ODD, *(f"/ring_{number:02}" for number in range(16))]
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(Producer(name, slots=2, slot_size=100)).write(KEYFRAME, keyframe=True)
        terminal = stack.enter_context(Terminal(100, 30))
        whole = terminal.picture(lambda lines: len(lines) == 22)
        assert whole[0].startswith("20 rings at ")
        assert whole[1].split()[:3] == ["RING", "STATE", "FPS"]
        assert whole[1].split()[-1] == "DROPPED"  # one long name costs no column
        for columns, height in ((40, 10), (12, 4), (200, 50)):
            terminal.resize(columns, height)
            lines = terminal.picture(partial(fits, columns, height))
            assert len(lines) == min(height, 22)
            if height < 22:
                assert re.search(r"^\d+ more", lines[-1])
        assert terminal.end() in (0, 1)


def test_what_a_line_is_cut_to_counts_columns_and_not_letters() -> None:
    assert [width_of(text) for text in ("ring", "漢字", "e\u0301")] == [4, 4, 1]
    assert cut("漢字漢字", 5) == "漢字…"
    assert cut("ring", 4) == "ring"
    lines = table_lines(("RING", "FPS"), [("漢字" * 10, "25.0"), ("ab", "1.0")], 20, ("FPS",), (), ("RING",))
    assert max(map(width_of, lines)) <= 20
    assert lines[1].endswith("25.0")
    assert lines[1].startswith("…")


def test_colours_are_for_terminals_whose_user_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with cameras("/only"):
        _, coloured = on_terminal(WATCH, until="\x1b[J\x1b[H")
        monkeypatch.setenv("NO_COLOR", "1")
        _, plain = on_terminal(WATCH, until="\x1b[J\x1b[H")
    assert "\x1b[32mlive" in coloured
    assert not re.search(r"\x1b\[[0-9;]*m", plain)


def test_a_ring_that_goes_just_as_it_is_found_is_no_trouble(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from vshm_ctypes.cli.watch import all_rings

    with Producer(ring):
        there = list_rings()
    monkeypatch.setattr(all_rings, "list_rings", lambda: there)
    overview = all_rings.Overview()
    overview.look()
    overview.end()
    assert not [note for note in overview.notes() if ring in note]


def test_more_rings_than_it_watches_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from vshm_ctypes.cli.watch import all_rings

    monkeypatch.setattr(all_rings, "MOST_RINGS", 1)
    overview = all_rings.Overview()
    with cameras("/first", "/second"):
        overview.look()
        assert overview.notes() == ["1 more ring: name one to watch it"]
    overview.end()
    assert not [path for path in SHARED_MEMORY.iterdir() if path.name in ("first", "second")]
