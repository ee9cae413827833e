# SPDX-License-Identifier: Apache-2.0
"""Plugs cameras in for as long as a command runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from .camera_process import UsbCamera
from .host import make_ready

EXIT_NO_CAMERA = 4


def run_beside(count: int, design: str, command: Sequence[str]) -> int:
    """Run a command beside so many cameras of that design, each with a serial number of its own.

    Returns the command's exit code, 128 and the signal's number if one ended it, or 4 if there can be no camera here.
    Raises UsbCameraError or OSError.
    """
    if (missing := make_ready()) is not None:
        print(f"hil.usb: {missing}", file=sys.stderr)
        return EXIT_NO_CAMERA
    with ExitStack() as stack:
        for number in range(1, count + 1):
            camera = stack.enter_context(UsbCamera(design, serial=f"{number:04}"))
            print(f"hil.usb: {camera.path}: {design}, serial number {camera.serial}", file=sys.stderr, flush=True)
        code = subprocess.call(command)
    return code if code >= 0 else 128 - code
