# SPDX-License-Identifier: Apache-2.0
"""A current folder that was removed: what needs it names it, and what does not need it works."""

import sys
from pathlib import Path

import pytest
from vshm import ROOMY, Camera

from hosts import NO_CURRENT_FOLDER, on

REMOVED = "No such file or directory: the current folder was removed: change to one that exists"


@pytest.mark.parametrize(
    "words",
    [
        "vshm_ctypes record RING -o clip.h264",
        "vshm_ctypes plot watch.log",
        "vshm_ctypes bundle --open case.tar.zst",
        "vshm_ctypes publish RING rtsps://127.0.0.1:1/ring --ca ca.pem",
        "hil.streamer --config camera.toml",
        "hil.streamer --device file:clip.h264",
        "hil run --report FOLDER",
        "hil gate --baseline HEAD --candidate HEAD",
    ],
)
def test_a_removed_folder_is_named(ring: str, tmp_path: Path, words: str) -> None:
    given = words.replace("RING", ring).replace("FOLDER", str(tmp_path)).split()
    with Camera(ring):
        result = on(NO_CURRENT_FOLDER, sys.executable, "-m", *given)
    assert (result.returncode, result.stdout) in ((1, ""), (2, "")), result
    assert REMOVED in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_file_elsewhere_needs_no_current_folder(ring: str, tmp_path: Path) -> None:
    with Camera(ring, **ROOMY):
        for words in (["record", ring, "-c", "5", "-o", f"{tmp_path}/clip.h264"], ["show", ring], ["list"]):
            result = on(NO_CURRENT_FOLDER, sys.executable, "-m", "vshm_ctypes", *words)
            assert result.returncode == 0, result.stderr
