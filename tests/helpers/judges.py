# SPDX-License-Identifier: Apache-2.0
"""Programs that judge our streams and files independently: FFmpeg's, and GStreamer in a Python of the system.

Where one is missing, a test that asks for it is skipped, and told what to install. CI has them all, so there it fails.
"""

import functools
import os
import shutil
import subprocess
from typing import NoReturn

import pytest

REMEDY = "ci/bootstrap base judges"
TIMEOUT_S = 60
# The distribution's Python: its binding of GStreamer is a package of the distribution, which no venv sees.
SYSTEM_PYTHON = "/usr/bin/python3"
ELEMENTS = ["appsink", "appsrc", "avdec_h264", "h264parse", "h265parse", "matroskademux", "qtdemux", "tsdemux"]
ASK_GSTREAMER = """
import gi
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp
Gst.init(None)
missing = [name for name in {elements} if Gst.ElementFactory.find(name) is None]
raise SystemExit(f"GStreamer has no {{', '.join(missing)}}" if missing else 0)
"""


def ffmpeg() -> str:
    """FFmpeg's program."""
    return _program("ffmpeg")


def ffprobe() -> str:
    """The program of FFmpeg that tells what is in a file."""
    return _program("ffprobe")


def gstreamer_python() -> str:
    """A Python that has GStreamer, with its parsers and demuxers, as gi.repository.Gst and GstApp."""
    if told := _why_no_gstreamer():
        missing(f"no GStreamer for {SYSTEM_PYTHON} here ({told})")
    return SYSTEM_PYTHON


def missing(what: str) -> NoReturn:
    """Skips the test, with the remedy; fails it in CI."""
    assert "CI" not in os.environ, f"CI has {what}: {REMEDY}"
    pytest.skip(f"{what}: {REMEDY}")


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        missing(f"no {name} here")
    return path


@functools.cache
def _why_no_gstreamer() -> str:
    """What is wrong with it; nothing, where it can be used."""
    command = [SYSTEM_PYTHON, "-c", ASK_GSTREAMER.format(elements=ELEMENTS)]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        return str(error)
    return (asked.stderr.strip().splitlines() or ["it failed"])[-1] if asked.returncode else ""
