# SPDX-License-Identifier: Apache-2.0
"""vshm watch of all rings: what becomes of one that its owner spoils ends its line, with the reason, and no other's."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from vshm import TIMEOUT_S, Camera
from writers import SHARED_MEMORY, Channel, wait_until

from vshm_ctypes import Producer
from vshm_ctypes.identity import Identity
from vshm_ctypes.processes import find_users

pytestmark = pytest.mark.usefixtures("alone")


def _truncate(path: Path) -> None:
    os.truncate(path, 0)


def _cut_short(path: Path) -> None:
    os.truncate(path, os.sysconf("SC_PAGE_SIZE"))


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"no ring" * 1000)
    other.rename(path)


def _replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _put_away(path: Path) -> None:
    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (_truncate, "the ring was cut off under its readers: "),
    "cut short": (_cut_short, "the ring was cut off under its readers: "),
    "replaced": (_replace, "not a ring of this format"),
    "replaced by a folder": (_replace_by_a_folder, "not a ring of this format"),
}


@pytest.mark.parametrize(("how", "words"), [*((how, []) for how in SPOILT), ("truncated", ["--json"])])
def test_a_ring_that_is_spoilt_ends_its_own_line_with_the_reason(
    how: str, words: list[str], channel: Channel, tmp_path: Path
) -> None:
    spoil, reason = SPOILT[how]
    log = tmp_path / "watch.log"
    writer = channel.start_writer()
    path = channel.ring_path
    wait_until(path.exists, "the ring is there")
    writer.kill()
    spoilt = f"/{path.name}"
    command = [sys.executable, "-m", "vshm_ctypes", "watch", "--log", str(log), *words]

    def next_of(ring: str, *parts: str) -> str:
        """Return the next line of that ring that has all of these values."""
        assert process.stdout is not None
        while line := process.stdout.readline():
            if ring in line and all(part in line for part in parts):
                return line
        raise AssertionError(f"it has ended: {process.communicate(timeout=TIMEOUT_S)}")

    with Camera("/whole", slots=32, slot_size=2000, fps=20):
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, bufsize=1) as process:
            try:
                next_of(spoilt, "dead")
                assert find_users().of(Identity.of(path.stat()))
                spoil(path)
                told = next_of(spoilt, reason)
                next_of("/whole", "live")
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=TIMEOUT_S)
            finally:
                process.kill()
                _put_away(path)
    if words:
        summary = json.loads(told)["summary"]
        assert (summary["ring"], summary["state"]) == (spoilt, "unreadable")
        assert summary["error"].startswith(reason)
        assert json.loads(out.splitlines()[-1])["summary"]["error"] is None
    assert (process.returncode, err) == (1, "")
    assert spoilt not in out
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    last = [line for line in logged if line["ring"] == spoilt][-1]
    assert last["event"] == "state"
    assert last["text"].startswith(f"the ring can't be read any more: {reason}")


def test_on_a_screen_the_reason_stays_where_its_line_was(monkeypatch: pytest.MonkeyPatch) -> None:
    from vshm_ctypes.cli.watch.all_rings import Overview
    from vshm_ctypes.cli.watch.screen import Screen

    monkeypatch.setenv("COLUMNS", "80")
    overview = Overview()
    with Producer("/spoilt", slots=4, slot_size=100):
        overview.look()
        _replace(SHARED_MEMORY / "spoilt")

        def lines() -> list[str]:
            overview.look()
            overview.taken()
            return [line for line in overview.lines(Screen(False)) if line.startswith("/spoilt")]

        wait_until(lambda: lines()[-1:] != [] and "not a ring" in lines()[-1], "the reason is shown")
        assert len(lines()) == 1
        assert overview.is_empty
    (SHARED_MEMORY / "spoilt").unlink()
    with Producer("/spoilt", slots=4, slot_size=100):
        overview.look()
        assert not [line for line in lines() if "not a ring" in line]
    overview.end()
