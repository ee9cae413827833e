# SPDX-License-Identifier: Apache-2.0
"""Independent programs that judge our streams and files: FFmpeg's, and GStreamer in the system's Python.

If one is missing, a test that needs it is skipped and says what to install; in CI, which has them all, it fails.
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
    """Return the path of ffmpeg."""
    return _program("ffmpeg")


def ffprobe() -> str:
    """Return the path of ffprobe."""
    return _program("ffprobe")


def gstreamer_python() -> str:
    """Return a Python with gi.repository.Gst and GstApp, and GStreamer's parsers and demuxers."""
    if told := _why_no_gstreamer():
        missing(f"no GStreamer for {SYSTEM_PYTHON} here ({told})")
    return SYSTEM_PYTHON


def missing(what: str) -> NoReturn:
    """Skip the test and say what to do, or fail it in CI."""
    assert "CI" not in os.environ, f"CI has {what}: {REMEDY}"
    pytest.skip(f"{what}: {REMEDY}")


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        missing(f"no {name} here")
    return path


@functools.cache
def _why_no_gstreamer() -> str:
    """Return why it can't be used; empty if it can."""
    command = [SYSTEM_PYTHON, "-c", ASK_GSTREAMER.format(elements=ELEMENTS)]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        return str(error)
    return (asked.stderr.strip().splitlines() or ["it failed"])[-1] if asked.returncode else ""
