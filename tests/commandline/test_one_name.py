# SPDX-License-Identifier: Apache-2.0
"""Two programs that write a file of one name at once: what is whole is one of both, what lasts is one's alone."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hosts import NO_NAMELESS_FILES, PLAIN, Host
from vshm import TIMEOUT_S, Camera, vshm
from writers import wait_until

from hil.streamer.ledger import Ledger
from vshm_ctypes.bundles.archive import members
from vshm_ctypes.commandline.atomic_file import WholeFile, write_whole
from vshm_ctypes.commandline.ending import held

BUSY = "another program is writing it: choose another name"
SMALL_BUNDLE = ("--no-video", "--seconds", "0.2")
EACH = pytest.mark.parametrize("host", [PLAIN, NO_NAMELESS_FILES], ids=["nameless files", "none of those"])


@contextmanager
def begun(*words: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "vshm_ctypes", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@EACH
@pytest.mark.parametrize("force", [False, True])
def test_of_two_bundles_onto_one_name_there_is_one_whole(tmp_path: Path, host: Host, force: bool) -> None:
    path = tmp_path / "case.tar.zst"
    outcomes = {}

    def bundle(number: int) -> None:
        more = ["--force"] if force else []
        outcomes[number] = vshm("bundle", "-o", str(path), *SMALL_BUNDLE, *more, host=host)

    threads = [threading.Thread(target=bundle, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(outcome.code for outcome in outcomes.values())
    assert codes == ([0, 0, 0] if force else [0, 1, 1]), [outcome.err for outcome in outcomes.values()]
    for outcome in outcomes.values():
        assert outcome.code == 0 or f"{path}: it is there already: --force overwrites it" in outcome.err
    assert "manifest.json" in dict(members(path))
    assert [left.name for left in tmp_path.iterdir()] == [path.name]


def made_at_once(path: Path, force: bool) -> list[str]:
    """Return what became of two threads that write a file of one name step by step together."""
    meet, outcomes = threading.Barrier(2), ["", ""]

    def make(number: int) -> None:
        try:
            with held(), WholeFile(path, force) as file:
                meet.wait()
                for _ in range(50):
                    file.write(bytes([65 + number]) * 1000)
                    file.flush()
                meet.wait()
        except FileExistsError as error:
            outcomes[number] = str(error.strerror)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("is_nameless", [False, True])
def test_what_two_write_step_by_step_is_never_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool, is_nameless: bool
) -> None:
    if not is_nameless:
        monkeypatch.setattr(WholeFile, "_nameless", lambda self: None)
    # As two programs in containers of their own may have it.
    monkeypatch.setattr(threading, "get_native_id", lambda: 7)
    path = tmp_path / "file"
    outcomes = made_at_once(path, force)
    assert path.read_bytes() in (b"A" * 50_000, b"B" * 50_000)
    assert sorted(map(bool, outcomes)) == ([False, False] if force else [False, True])
    assert [left.name for left in tmp_path.iterdir()] == [path.name]


def test_a_file_whose_name_was_claimed_meanwhile_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WholeFile, "_nameless", lambda self: None)
    path = tmp_path / "file"
    with pytest.raises(FileExistsError), held(), WholeFile(path, force=False) as file:
        file.write(b"late")
        path.write_bytes(b"first")
    assert path.read_bytes() == b"first"
    write_whole(path, b"forced")
    assert path.read_bytes() == b"forced"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("record", "RING", "-o", "FILE"), "clip.h264"),
        (("record", "RING", "-o", "clip.h264", "--timing", "FILE"), "clip.timing"),
        (("watch", "RING", "--log", "FILE"), "watch.log"),
    ],
)
def test_what_lasts_is_written_by_one_program_alone(
    ring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    said = [{"RING": ring, "FILE": str(path)}.get(word, word) for word in words]
    more = ["--force"] if said[0] == "record" else []
    with ExitStack() as stack:
        stack.enter_context(Camera(ring, fps=25))
        first = stack.enter_context(begun(*said, *more))
        wait_until(lambda: path.exists() and path.stat().st_size > 0, "the first writes")
        other = [word.replace("clip.h264", "other.h264") if word == "clip.h264" else word for word in said]
        second = vshm(*other, *more, "-t", "1")
        assert second.code == 1
        assert f"{path}: {BUSY}" in second.err or f"{path.name}: {BUSY}" in second.err
        size = path.stat().st_size
        wait_until(lambda: path.stat().st_size > size, "the first goes on")
        first.send_signal(signal.SIGINT)
        told = "".join(first.communicate(timeout=TIMEOUT_S))
        assert first.returncode == 0 or re.search(r"[1-9]\d* missed", told), told  # as on a busy machine
    if name == "watch.log":
        assert [json.loads(line)["ring"] for line in path.read_text().splitlines()]
    assert vshm(*said, *more, "-t", "0.2").code in (1, 3)  # the ring is gone: it is not the file that is taken


def test_a_container_is_written_by_one_program_alone(ring: str, tmp_path: Path) -> None:
    pytest.importorskip("av")
    from vshm_ctypes.cli.record.container_sink import ContainerSink

    path = tmp_path / "clip.mp4"
    path.write_bytes(b"what was there")
    sink = ContainerSink(path, force=True)
    with pytest.raises(OSError, match=BUSY):
        ContainerSink(path, force=True)
    assert path.read_bytes() == b"what was there"
    sink.close()
    ContainerSink(path, force=True).close()


def test_a_ledger_is_written_by_one_program_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with Ledger(path):
        with pytest.raises(OSError, match=BUSY) as refused:
            Ledger(path)
        assert refused.value.filename == str(path)
    with Ledger(path):
        pass


def test_a_device_or_a_pipe_is_everybody_s(tmp_path: Path) -> None:
    with Ledger(Path(os.devnull)), Ledger(Path(os.devnull)):
        pass
