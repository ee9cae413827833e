# SPDX-License-Identifier: Apache-2.0
"""The examples of camera-streamer --help do what they say when they are pasted into a shell, one after the other."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from lab import free_port
from vshm import TIMEOUT_S
from writers import wait_until

from hil.streamer.arguments import EPILOG
from vshm_ctypes import list_rings

OF_A_CAMERA = ("camera-streamer --list", "camera-streamer")  # which say what is missing where there is no camera


def examples() -> list[str]:
    return re.findall(r"^  (.*camera-streamer.*)$", EPILOG, flags=re.MULTILINE)


def pasted(line: str, folder: Path) -> tuple[int, str, bool]:
    """Return (exit code, stderr, whether it wrote frames until Ctrl-C)."""
    words = line.replace("8765", str(free_port()))
    environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        ["bash", "-c", words], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    has_frames = False

    def is_seen() -> bool:
        nonlocal has_frames
        rings = list_rings()
        has_frames = bool(rings) and all(info.frames for info in rings.values())
        return has_frames or process.poll() is not None

    try:
        wait_until(is_seen, f"{line}: frames, or its end")
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        err = process.communicate(timeout=TIMEOUT_S)[1]
        return process.returncode, err, has_frames
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.mark.usefixtures("alone")
def test_each_example_of_the_help_works_as_it_is_pasted(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "camera-streamer"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m hil.streamer "$@"\n')
    program.chmod(0o755)
    assert len(examples()) > 5
    for line in examples():
        code, err, has_frames = pasted(line, tmp_path)
        if line in OF_A_CAMERA:
            assert code in (0, 1), (line, err)
            continue
        assert code == 0, (line, err)
        ends_itself = "--print-config" in line or "--completion" in line
        assert has_frames is not ends_itself, (line, err)
