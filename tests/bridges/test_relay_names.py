# SPDX-License-Identifier: Apache-2.0
"""vshm relay where two exporters have one name, as two boards fresh from one image have."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from far_sides import free_port
from filmed import filmed
from writers import WATCHDOG_S, wait_until

pytest.importorskip("zenoh", reason="eclipse-zenoh is not installed: pip install 'video-shm[relay]'")
RELAY = [sys.executable, "-m", "vshm_ctypes", "relay"]


@contextmanager
def relay(*words: str, errors: Path | None = None) -> Iterator[None]:
    """Run the verb until the block ends. errors: file for what it says."""
    with ExitStack() as stack:
        told = subprocess.DEVNULL if errors is None else stack.enter_context(errors.open("w"))
        process = stack.enter_context(subprocess.Popen([*RELAY, *words], stderr=told))
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(WATCHDOG_S)


def test_an_import_says_that_two_exporters_have_one_name(ring: str, tmp_path: Path) -> None:
    ends = [f"tcp/127.0.0.1:{free_port()}" for _ in range(2)]
    errors = tmp_path / "errors"
    with ExitStack() as stack:
        stack.enter_context(filmed(ring))
        for end in ends:
            stack.enter_context(relay("export", ring, "--board", "pi", "--listen", end))
        connect = [word for end in ends for word in ("--connect", end)]
        stack.enter_context(relay("import", f"pi{ring}", "--as", f"{ring}_copy", *connect, errors=errors))
        wait_until(lambda: f"pi{ring}: 2 exporters have this name" in errors.read_text(), "it says so")
        assert "give each its own --board" in errors.read_text()
