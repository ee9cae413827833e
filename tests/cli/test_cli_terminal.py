# SPDX-License-Identifier: Apache-2.0
"""vshm where a person looks: tables, refreshing in place, progress; all of it on a pseudo-terminal."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hosts import on_terminal
from vshm import TIMEOUT_S, Camera
from writers import wait_until

from vshm_ctypes.commandline.output import plain
from vshm_ctypes.info import State
from vshm_ctypes.printable import printable

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def vshm_shown(*words: str, until: str = "", columns: int = 120, term: str = "xterm") -> tuple[int, str]:
    """Return (exit code, what vshm showed). until: Ctrl-C is pressed once that was shown."""
    return on_terminal([sys.executable, "-m", "vshm_ctypes", *words], until=until, columns=columns, term=term)


def test_list_is_a_table(ring: str) -> None:
    with Camera(ring):
        code, shown = vshm_shown("list", columns=400)
    assert code == 0
    plain_text = CONTROL.sub("", shown)
    assert "RING" in plain_text
    assert "─" in plain_text or "━" in plain_text
    assert ring in plain_text


def test_list_breaks_no_name_in_a_very_narrow_terminal(ring: str) -> None:
    with Camera(ring):
        code, shown = vshm_shown("list", columns=36)
    assert code == 0
    lines = shown.split("\r\n")
    assert ring in lines
    (paragraph,) = re.findall(rf"^{ring}\n((?:  .*\n)+)", shown.replace("\r", ""), flags=re.MULTILINE)
    assert re.match(r"codec h264, stream 640x360, fps \d", " ".join(paragraph.split()))
    assert all(len(line) <= 36 for line in paragraph.splitlines())


AGAIN = "\x1b[J\x1b[H"  # what was shown is over, and is shown anew from the top


def test_watch_refreshes_in_place_and_ctrl_c_ends_it_with_a_summary(ring: str) -> None:
    with Camera(ring):
        code, shown = vshm_shown("watch", ring, until=AGAIN)
    assert shown.count("latency   p99") >= 2
    assert "▁" in shown or "█" in shown
    (left,) = shown.split("\x1b[?1049l")[1:]  # on the screen that was there before
    assert left.startswith(f"{ring}: ")
    assert "the writer is live" in left
    assert code == (", 0 missed, " not in left)  # on a busy machine some may be
    assert "\x1b" not in left


@pytest.mark.parametrize("of_all", [False, True], ids=["one", "all"])
def test_ctrl_z_gives_the_shell_its_screen_and_fg_draws_anew(ring: str, of_all: bool) -> None:
    watch = f"{sys.executable} -m vshm_ctypes watch {'' if of_all else ring}"
    shell = ["setsid", "--ctty", "bash", "-c", f"set -m; {watch}; echo STOPPED; bg; wait %1; fg; echo AT ITS END"]
    ours, theirs = pty.openpty()
    shown = ""

    def shows(wanted: str) -> None:
        nonlocal shown
        while wanted not in shown:
            shown += os.read(ours, 65536).decode(errors="replace")

    environment = os.environ | {"TERM": "xterm"}
    with (
        Camera(ring),
        subprocess.Popen(shell, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process,
    ):
        try:
            os.close(theirs)
            shows(AGAIN)
            os.write(ours, b"\x1a")
            shows("STOPPED\r\n")
            before, shown = shown.split("STOPPED\r\n")
            assert before.rpartition("\x1b[?1049h")[2].count("\x1b[?25h\x1b[?1049l") == 1
            shows(AGAIN)
            drawn = shown.partition("\x1b[?1049h\x1b[?25l")[2]
            assert drawn.startswith("\x1b[H")
            assert "latency" in drawn.partition("\x1b[J")[0]
            os.write(ours, b"\x03")
            shows("AT ITS END")
            assert shown.count("\x1b[?1049h") == shown.count("\x1b[?1049l") == 1
        finally:
            process.kill()
            os.close(ours)


def test_watch_stays_in_a_narrow_terminal(ring: str) -> None:
    with Camera(ring):
        _, shown = vshm_shown("watch", ring, until=AGAIN, columns=40)
    block = CONTROL.sub("", shown.split("\x1b[H")[1]).split("\r\n")
    assert len(block) == 8
    assert all(len(line) < 40 for line in block)


def test_a_stream_is_not_poured_into_a_terminal(ring: str) -> None:
    with Camera(ring):
        code, shown = vshm_shown("record", ring, "-c", "2", "-o", "-")
    assert (code, "stdout is a terminal" in shown) == (2, True)


@pytest.mark.parametrize("term", ["xterm", "vt100", "linux", "a-terminal-that-nobody-has-described\udcff"])
def test_record_shows_how_far_it_is(ring: str, tmp_path: Path, term: str) -> None:
    with Camera(ring):
        code, shown = vshm_shown("record", ring, "-o", str(tmp_path / "clip.h264"), "-c", "100", term=term)
    assert code == 0
    assert "frames" in CONTROL.sub("", shown)
    assert "\x1b[" in shown


@pytest.mark.parametrize("term", ["dumb", "unknown", "network", "vt52", ""])
def test_a_terminal_that_can_not_move_its_cursor_gets_plain_lines(ring: str, tmp_path: Path, term: str) -> None:
    with Camera(ring):
        _, watched = vshm_shown("watch", ring, until="fps", term=term)
        _, recorded = vshm_shown("record", ring, "-o", str(tmp_path / "clip.h264"), "-t", "1", term=term)
        _, listed = vshm_shown("list", term=term)
    for shown in (watched, recorded, listed):
        assert "\x1b" not in shown
        assert "\r" not in shown.replace("\r\n", "\n")
    assert re.search(rf"{ring} live: [\d.]+ fps", watched)
    assert len(recorded.splitlines()) <= 2


def recording_that_is_hung_up_on(ring: str, path: Path, *before: str) -> "subprocess.Popen[bytes]":
    """Return vshm record once its terminal has gone away."""
    ours, theirs = pty.openpty()
    command = [*before, sys.executable, "-m", "vshm_ctypes", "record", ring, "-o", str(path)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    shown = b""
    while b"frames" not in shown:
        shown += os.read(ours, 65536)
    os.close(ours)
    return process


def test_a_recording_whose_terminal_is_closed_is_ended_whole(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.h264"
    with Camera(ring, fps=25), recording_that_is_hung_up_on(ring, path, "setsid", "--ctty") as process:
        assert process.wait(TIMEOUT_S) == 0
    assert path.stat().st_size % 1000 == 0


def test_a_recording_that_is_to_outlive_its_terminal_does(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.h264"
    ignoring = ("setsid", "--ctty", "env", "--ignore-signal=HUP")
    with Camera(ring, fps=25), recording_that_is_hung_up_on(ring, path, *ignoring) as process:
        at_its_end = path.stat().st_size
        wait_until(lambda: path.stat().st_size > at_its_end + 20_000, "it goes on")
        process.terminate()
        assert process.wait(TIMEOUT_S) == 0
    assert path.stat().st_size % 1000 == 0


def test_what_is_printed_can_not_drive_a_terminal() -> None:
    assert printable("a\x1b[31mb\n\x07\udcff") == r"a\x1b[31mb\n\x07\xff"


def test_json_has_names_for_enums_and_objects_for_tuples() -> None:
    assert plain({"state": State.LIVE, "paths": (Path("/x"), 1)}) == {"state": "live", "paths": ["/x", 1]}


@pytest.mark.parametrize("columns", [60, 80, 90, 400])  # short pids and ages leave room for GOP in 100
def test_list_leaves_out_columns_and_never_a_digit(alone: None, ring: str, columns: int) -> None:
    name = f"/w_{ring[-9:]}"  # as long as names are
    with Camera(name):
        code, shown = vshm_shown("list", columns=columns)
    lines = [line.rstrip() for line in CONTROL.sub("", shown).replace("\r", "").split("\n")]
    assert code == 0
    assert all(len(line) <= columns for line in lines)
    (head,) = [line for line in lines if " RING " in line]
    (line,) = [line for line in lines if line.startswith(f"  {name} ")]
    assert re.search(r" \d+\.\d ", line)  # frames per second
    assert "live" in line
    assert "…" not in line
    assert ("GOP" in head, "too narrow for" in shown) == ((True, False) if columns == 400 else (False, True))


def test_list_and_check_have_colours_where_the_terminal_has(ring: str) -> None:
    with Camera(ring):
        _, listed = vshm_shown("list", columns=400)
        _, checked = vshm_shown("check", ring)
        _, plain_list = vshm_shown("list", columns=400, term="dumb")
    assert re.search(r"\x1b\[32mlive", listed)
    assert re.search(r"\x1b\[3[23]m(OK|\d+ findings?): 1 ring, ", checked)
    assert "\x1b" not in plain_list
