# SPDX-License-Identifier: Apache-2.0
"""Where a host's limits end a program, it says which, and what to do; and what is taken for missing is missing."""

import asyncio
import errno
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from vshm import Camera, vshm

from hosts import (
    FEW_DESCRIPTORS,
    LITTLE_ADDRESS_SPACE,
    NO_PROC,
    NO_SHARED_MEMORY,
    NO_THREADS,
    READ_ONLY_ROOT,
    READ_ONLY_SHARED_MEMORY,
    Host,
    on,
    refusing_sockets,
    refusing_threads,
    require,
)
from vshm_ctypes import Consumer, Producer, VideoShmError
from vshm_ctypes.limits import explain

STREAMER = [sys.executable, "-m", "hil.streamer", "--device", "testsrc:160x96@30", "--channel"]


def refused(words: str, host: Host, verb: str) -> None:
    outcome = vshm(*verb.split(), host=host)
    assert (outcome.code, outcome.out) == (1, ""), outcome
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1, outcome.err


@pytest.mark.parametrize(
    ("host", "words"),
    [(NO_THREADS, "raise ulimit -u or -v, TasksMax= or pids.max"), (refusing_threads(errno.EPERM), "update Docker")],
    ids=lambda value: value.name if isinstance(value, Host) else "",
)
@pytest.mark.parametrize("verb", ["serve --port 0", "export --port 0", "watch RING -t 1 --log LOG"])
def test_no_further_thread(ring: str, verb: str, host: Host, words: str) -> None:
    log = Path(f"/dev/shm{ring}.log")  # the host's user reaches no folder of this one's
    with Camera(ring, mode=0o664):
        refused(words, host, verb.replace("RING", ring).replace("LOG", str(log)))
    log.unlink(missing_ok=True)


@pytest.mark.parametrize("verb", ["export a", "import a/b", "list"])
def test_too_few_addresses_for_a_relay(verb: str) -> None:
    """Zenoh would begin, and end the process where it gets no more, which leaves the ring that it has imported."""
    pytest.importorskip("zenoh")
    refused("raise it", LITTLE_ADDRESS_SPACE, f"relay {verb}")


def test_no_further_descriptor() -> None:
    refused("raise ulimit -n", FEW_DESCRIPTORS, "serve --port 0")  # asyncio listens nowhere then, and says nothing


def test_a_mapping_without_a_descriptor_is_an_error_of_ours(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is like any other of a Consumer, after which programs may go on."""

    def none_left(*_: object) -> int:
        raise OSError(errno.EMFILE, "none left")

    with Camera(ring), Consumer(ring) as stream:
        monkeypatch.setattr("vshm_ctypes.views.os.fstat", none_left)
        with pytest.raises(VideoShmError, match="raise ulimit -n"):
            stream.borrow(10)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (NO_THREADS, "raise ulimit -u or -v, TasksMax= or pids.max"),
        (LITTLE_ADDRESS_SPACE, "raise ulimit -v"),
        (READ_ONLY_SHARED_MEMORY, "/dev/shm is read-only here: mount it to be written"),
        (NO_PROC, "mount proc at /proc"),
        (NO_SHARED_MEMORY, "mount a tmpfs at /dev/shm"),
    ],
    ids=lambda value: value.name if isinstance(value, Host) else "",
)
def test_camera_streamer_says_what_a_host_lacks(ring: str, host: Host, words: str) -> None:
    pytest.importorskip("av")
    outcome = on(host, *STREAMER, f"{ring}:,encoder=libx264")
    assert outcome.returncode == 1, outcome
    assert words in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_library_that_can_not_be_loaded_is_not_called_missing(ring: str, tmp_path: Path) -> None:
    pytest.importorskip("av")
    with Camera(ring):
        refused("can't be loaded", LITTLE_ADDRESS_SPACE, f"record {ring} -o {tmp_path}/clip.mp4")


def test_a_library_that_is_missing_is_named() -> None:
    program = "import sys; sys.modules['av'] = None\nfrom hil.streamer.__main__ import main\nsys.exit(main())"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, "av" in result.stderr, "'video-shm[streamer]'" in result.stderr) == (1, True, True)
    assert len(result.stderr.splitlines()) == 1


def test_what_is_no_limit_is_not_explained() -> None:
    assert explain(RuntimeError("a mistake of ours")) is None
    assert explain(ModuleNotFoundError("av")) is None
    assert explain(OSError(errno.EPERM, "no")) is None
    assert "free some" in (explain(MemoryError()) or "")


def test_a_wait_of_asyncio_without_a_thread_is_an_error_of_ours(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Producer(ring), Consumer(ring) as stream:
        monkeypatch.setattr(threading.Thread, "start", none_left)
        with pytest.raises(VideoShmError, match="raise ulimit -u"):
            asyncio.run(stream.wait_async(10))


def test_no_further_process() -> None:
    pytest.importorskip("aiohttp")
    pytest.importorskip("av")
    refused("no process can be started", NO_THREADS, "demo --no-browser --port 0")


def test_an_encoder_without_threads() -> None:
    for name in ("aiohttp", "av", "numpy"):
        pytest.importorskip(name)
    refused("no thread can be started", refusing_threads(errno.EPERM), "demo --no-browser --port 0")


@pytest.mark.parametrize(
    ("family", "verb"),
    [
        ("AF_UNIX", "serve --port 0"),
        ("AF_INET", "serve --port 0"),
        ("AF_INET", "export --port 0"),
        ("AF_INET", "publish RING udp://127.0.0.1:9 -t 5"),
        ("AF_UNIX", "publish RING unix+mpegts:///nonexistent -t 5"),
        ("AF_INET", "relay list"),
    ],
)
def test_sockets_that_a_sandbox_refuses(ring: str, family: str, verb: str) -> None:
    for name in ("aiohttp", "av", "zenoh"):
        pytest.importorskip(name)
    refused("RestrictAddressFamilies=", refusing_sockets(family), verb.replace("RING", ring))


def test_a_streamer_whose_sockets_are_refused(ring: str) -> None:
    pytest.importorskip("av")
    outcome = on(refusing_sockets("AF_UNIX"), *STREAMER, f"{ring}:,encoder=libx264", "--websocket", "0")
    assert outcome.returncode == 1
    assert "asyncio needs sockets of AF_UNIX, which a sandbox refuses" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_file_system_that_is_read_only_is_not_said_to_be_forbidden(tmp_path: Path) -> None:
    refused("Read-only file system: nothing can be written into", READ_ONLY_ROOT, f"plot log -o {tmp_path}/log.svg")


def test_a_demo_needs_no_disk(ring: str) -> None:
    for name in ("aiohttp", "av", "numpy"):
        pytest.importorskip(name)
    words = [sys.executable, "-m", "vshm_ctypes", "demo", ring, "--no-browser", "--port", "0"]
    host = require(READ_ONLY_ROOT)
    with subprocess.Popen(host.command(*words), stdout=subprocess.PIPE, text=True, start_new_session=True) as demo:
        try:
            assert demo.stdout is not None
            assert "http://" in demo.stdout.readline()
        finally:
            demo.terminate()
    assert demo.returncode == 0
