# SPDX-License-Identifier: Apache-2.0
"""What camera-streamer shows on a terminal: a line for each ring, redrawn in place, and the log above it."""

import re
import signal
import sys
from pathlib import Path

import pytest
from hosts import on_terminal

from hil.streamer.log import LOG, set_up

COLUMNS = 80
CHANNELS = 4
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) ")


def shown(ring: str, until: str, term: str = "xterm") -> str:
    words = [f"--channel={ring[1:]}_{number}:160x120@10,slots=8,slot=64k" for number in range(CHANNELS)]
    command = [sys.executable, "-m", "hil.streamer", "--device", "testsrc:160x120@10", *words]
    code, text = on_terminal(command, until=until, by=signal.SIGTERM, columns=COLUMNS, term=term)
    assert code == 0
    return text


def screen_of(text: str) -> list[str]:
    """Return the lines as the terminal shows them in the end, with those that scrolled away."""
    lines, row, column = [""], 0, 0
    for sequence, letter in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z])|(.)", text, re.DOTALL):
        if sequence.endswith("A"):
            row = max(row - int(sequence[2:-1] or 1), 0)
        elif sequence == "\x1b[2K":
            lines[row] = ""
        elif letter == "\r":
            column = 0
        elif letter == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif letter:
            lines[row] = lines[row].ljust(column)[:column] + letter + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines if line.strip()]


def test_each_ring_has_a_line_of_its_own_below_the_log(ring: str) -> None:
    lines = screen_of(shown(ring, "dropped"))
    log = [line for line in lines if LOG_LINE.match(line)]
    rest = [line for line in lines if not LOG_LINE.match(line) and not line.startswith(" ")]
    heads = [line for line in lines if line.startswith("CPU ")]
    assert len(heads) == 1
    assert re.fullmatch(r"CPU \d+% +fps +kbit/s +frames +dropped", heads[0])
    at = lines.index(heads[0])
    for number, line in enumerate(lines[at + 1 : at + 1 + CHANNELS]):
        assert re.fullmatch(r"\S+ +\d+\.\d +\d+ +\d+ +\d+", line), line
        assert line.startswith(f"{ring}_{number}"[:20])
    assert all(LOG_LINE.match(line) for line in lines[:at])
    sums = [line for line in log if " frames in " in line]
    assert len(sums) == CHANNELS
    assert rest


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_can_not_redraw_gets_plain_lines(ring: str, term: str) -> None:
    text = shown(ring, "testsrc:160x120@10: ", term)
    assert "\x1b" not in text
    assert "\r" not in text.replace("\r\n", "\n")
    assert sum(" frames in " in line for line in text.splitlines()) == CHANNELS


def test_the_log_goes_on_where_a_stderr_before_was_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOG, "handlers", [])
    monkeypatch.setattr(LOG, "propagate", True)
    set_up("text")
    for line in ("one", "another"):
        path = tmp_path / line
        with path.open("w") as now:
            monkeypatch.setattr(sys, "stderr", now)
            LOG.warning(line)
        assert path.read_text().endswith(f"WARNING {line}\n")
