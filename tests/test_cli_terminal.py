# SPDX-License-Identifier: Apache-2.0
"""vshm where a person looks: tables, refreshing in place, progress; all of it on a pseudo-terminal."""

import re
import sys
from pathlib import Path

from hosts import on_terminal
from vshm import Camera

from vshm_ctypes.cli.output import plain, printable
from vshm_ctypes.info import State

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def vshm_shown(*words: str, until: str = "", columns: int = 120) -> tuple[int, str]:
    """(exit code, what vshm showed). until: Ctrl-C once that was shown."""
    return on_terminal([sys.executable, "-m", "vshm_ctypes", *words], until=until, columns=columns)


def test_list_is_a_table(ring: str) -> None:
    with Camera(ring):
        code, shown = vshm_shown("list", columns=400)
    assert code == 0
    plain_text = CONTROL.sub("", shown)
    assert "RING" in plain_text
    assert "─" in plain_text or "━" in plain_text
    assert ring in plain_text


def test_list_breaks_no_name_in_a_narrow_terminal(ring: str) -> None:
    with Camera(ring):
        code, shown = vshm_shown("list", columns=60)
    assert code == 0
    lines = shown.split("\r\n")
    assert ring in lines
    (paragraph,) = re.findall(rf"^{ring}\n((?:  .*\n)+)", shown.replace("\r", ""), flags=re.MULTILINE)
    assert "codec h264, stream 640x360, fps 1" in " ".join(paragraph.split())
    assert all(len(line) <= 60 for line in paragraph.splitlines())


def test_watch_refreshes_in_place_and_ctrl_c_ends_it_with_a_summary(ring: str) -> None:
    with Camera(ring):
        code, shown = vshm_shown("watch", ring, until="\x1b[8A")
    assert code == 0
    assert shown.count("latency   p99") >= 2
    assert "▁" in shown or "█" in shown
    assert "the writer is live" in shown.splitlines()[-1]


def test_watch_stays_in_a_narrow_terminal(ring: str) -> None:
    with Camera(ring):
        _, shown = vshm_shown("watch", ring, until="\x1b[8A", columns=40)
    block = CONTROL.sub("", shown).split("\r\n")[:8]
    assert all(len(line) < 40 for line in block)


def test_record_shows_how_far_it_is(ring: str, tmp_path: Path) -> None:
    with Camera(ring):
        code, shown = vshm_shown("record", ring, "-o", str(tmp_path / "clip.h264"), "-c", "100")
    assert code == 0
    assert "frames" in CONTROL.sub("", shown)
    assert "\x1b[" in shown


def test_what_is_printed_can_not_drive_a_terminal() -> None:
    assert printable("a\x1b[31mb\n\x07\udcff") == r"a\x1b[31mb\n\x07\xff"


def test_json_has_names_for_enums_and_objects_for_tuples() -> None:
    assert plain({"state": State.LIVE, "paths": (Path("/x"), 1)}) == {"state": "live", "paths": ["/x", 1]}
