# SPDX-License-Identifier: Apache-2.0
"""Messages name what they are about: the ring, who holds it, which others there are, the file, the value, the limit."""

import errno
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from vshm import vshm
from writers import wait_until

from vshm_ctypes import (
    Consumer,
    FrameTooLarge,
    IncompatibleRing,
    Producer,
    ProducerBusy,
    ProducerNotRunning,
    RingFull,
    inspect,
)
from vshm_ctypes.processes import program, tell_program

SLEEPS = "import sys; sys.stdin.read()"


def streamer(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "hil.streamer", "--device", "testsrc:160x32@10", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def alone(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests' rings are not seen."""
    module = sys.modules["vshm_ctypes.inspect"]
    look = module.list_rings
    monkeypatch.setattr(
        module, "list_rings", lambda: {name: info for name, info in look().items() if name.startswith(ring)}
    )


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("open_ring", [Consumer, inspect])
def test_a_wrong_name_tells_which_rings_there_are(ring: str, open_ring: type[Consumer]) -> None:
    with Producer(ring), Producer(f"{ring}_b"):
        with pytest.raises(ProducerNotRunning) as told:
            open_ring(f"{ring}_nonesuch")
        assert f"{ring}_nonesuch" in str(told.value)
        assert f"there are: {ring}, {ring}_b; name one of them" in str(told.value)
        assert f"{ring}_nonesuch: no ring of that name; there are: /" in vshm("show", f"{ring}_nonesuch").err


def test_who_waits_in_a_loop_for_a_ring_looks_at_no_other_one(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def look() -> list[str]:
        looked.append("/another")
        return looked

    monkeypatch.setattr(sys.modules["vshm_ctypes.inspect"], "list_rings", look)
    with pytest.raises(ProducerNotRunning) as failed:
        Consumer(ring)
    assert not looked
    assert "/another" in failed.value.strerror and "/another" in str(failed.value)
    assert len(looked) == 1


def test_an_error_can_be_pickled_and_says_the_same(ring: str) -> None:
    with pytest.raises(ProducerNotRunning) as failed:
        Consumer(ring)
    again = pickle.loads(pickle.dumps(failed.value))
    assert (type(again), again.errno, again.ring, str(again)) == (
        ProducerNotRunning,
        errno.ENOENT,
        ring,
        str(failed.value),
    )


@pytest.mark.usefixtures("alone")
def test_without_any_ring_that_is_told(ring: str) -> None:
    with pytest.raises(ProducerNotRunning, match="nor any other: start its producer"):
        inspect(ring)


@pytest.mark.usefixtures("alone")
def test_many_rings_are_not_all_told(ring: str) -> None:
    with ExitStack() as open_ones:
        for number in range(12):
            open_ones.enter_context(Producer(f"{ring}_{number:02}", slots=2, slot_size=64))
        with pytest.raises(ProducerNotRunning, match="_07 and 4 more; name one"):
            inspect(ring)


def test_a_ring_that_is_held_tells_by_whom(ring: str) -> None:
    with Producer(ring), pytest.raises(ProducerBusy) as told:
        Producer(ring)
    assert told.value.pid == os.getpid()
    assert f"another producer, {tell_program(os.getpid())}, holds this ring" in str(told.value)


def test_camera_streamer_tells_ring_holder_and_program(ring: str) -> None:
    with Producer(ring):
        refused = streamer("--channel", ring[1:])
    assert refused.returncode == 1
    assert f"{ring}: another producer, {tell_program(os.getpid())}, holds this ring" in refused.stderr


@pytest.mark.parametrize(
    ("words", "name"), [(["-c", SLEEPS], None), (["-m", "timeit", "-n1", SLEEPS], "timeit"), (["SCRIPT"], "idle.py")]
)
def test_a_program_of_an_interpreter_is_called_by_what_it_runs(
    tmp_path: Path, words: list[str], name: str | None
) -> None:
    script = tmp_path / "idle.py"
    script.write_text(SLEEPS)
    command = [sys.executable, *(str(script) if word == "SCRIPT" else word for word in words)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        cmdline = Path(f"/proc/{process.pid}/cmdline")
        wait_until(lambda: cmdline.read_bytes() != b"", "the kernel tells its words")
        told = program(process.pid)
        process.communicate(b"")
    assert told is not None
    assert told == name if name else told.startswith("python")


def test_what_a_frame_and_a_slot_hold_is_told(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=1000) as producer:
        with pytest.raises(FrameTooLarge, match="a frame of 2000 bytes does not fit into a slot of 1000"):
            producer.write(bytes(2000))
        with producer.reserve(), pytest.raises(ProducerBusy, match="a slot is reserved already"):
            producer.reserve()
        with pytest.raises(IncompatibleRing, match="its slots have 1000 bytes, and this reader takes up to 100"):
            Consumer(ring, max_slot_size=100)


def test_what_is_no_ring_is_told_by_file_and_size(ring: str) -> None:
    path = Path(f"/dev/shm{ring}")
    path.write_text("x" * 100)
    try:
        with pytest.raises(IncompatibleRing, match=rf"/dev/shm{ring} \(100 bytes\) is no ring of this format"):
            Consumer(ring)
    finally:
        path.unlink()


def test_a_link_is_told_to_be_one(ring: str) -> None:
    link = Path(f"/dev/shm{ring}_link")
    link.symlink_to(ring[1:])
    try:
        with Producer(ring), pytest.raises(IncompatibleRing, match=f"{link} is a link to {ring[1:]}, and no link is"):
            Consumer(link.name)
    finally:
        link.unlink()


def test_a_ring_for_which_there_is_no_room_tells_both_sizes(ring: str) -> None:
    with pytest.raises(RingFull, match=r"the ring needs 1048576\.0 MiB, and [0-9.]+ MiB are free"):
        Producer(ring, slots=4096, slot_size=256 << 20)


@pytest.mark.parametrize("verb", ["serve", "export"])
def test_a_port_that_is_taken_tells_by_whom_and_which_option(verb: str, taken_port: int) -> None:
    refused = vshm(verb, "--port", str(taken_port))
    assert refused.code == 1
    assert f"127.0.0.1:{taken_port}: {tell_program(os.getpid())} listens there already" in refused.err
    assert "choose another port with --host and --port" in refused.err


def test_a_taken_port_of_the_websocket_is_told_alike(ring: str, taken_port: int) -> None:
    refused = streamer("--channel", ring[1:], "--websocket", str(taken_port))
    assert refused.returncode == 1
    assert f"127.0.0.1:{taken_port}: {tell_program(os.getpid())} listens there already" in refused.stderr
    assert "with --websocket" in refused.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serve", "--host", "192.0.2.1"], "192.0.2.1:8764: no address of this machine"),
        (["serve", "--host", "nonesuch.invalid"], "nonesuch.invalid:8764: no such host"),
        (["export", "--host", "nonesuch.invalid"], "nonesuch.invalid:9765: no such host"),
    ],
)
def test_an_address_that_can_not_be_is_named(words: list[str], told: str) -> None:
    refused = vshm(*words)
    assert (refused.code, told in refused.err) == (1, True)


def test_no_two_servers_have_the_same_port_by_default() -> None:
    from hil.streamer.presets import PRESETS
    from vshm_ctypes.cli import serve
    from vshm_ctypes.cli.export import verb as export

    ports = [serve.DEFAULT_PORT, export.DEFAULT_PORT, int(PRESETS["original"].websocket)]
    assert ports[2] == 8765
    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["--config", "/nonexistent/camera.toml"], "/nonexistent/camera.toml"),
        (["--ledger", "/nonexistent/ledger"], "/nonexistent/ledger"),
        (["--audio", "file:/nonexistent/a.wav"], "/nonexistent/a.wav"),
    ],
)
def test_camera_streamer_names_the_file_that_is_missing(ring: str, words: list[str], file: str) -> None:
    refused = streamer("--channel", ring[1:], *words)
    assert refused.returncode != 0
    assert f"{file}: No such file or directory" in refused.stderr
