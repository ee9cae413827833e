# SPDX-License-Identifier: Apache-2.0
"""hil vm runs a command in a virtual machine that has cameras, with this checkout and this Python."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from vshm_ctypes.commandline.ending import heeding
from vshm_ctypes.commandline.verb import Parser

from ..usb.designs import DESIGNS, design_of
from .errors import VmDeadline, VmError, VmUnavailable
from .kernel import kernel_for
from .kernel_files import KERNEL, wanted_version
from .machine import Job
from .machine import run as run_job
from .system import System, system_in
from .usb_cameras import clips_for

EXIT_FAILED, EXIT_NO_CAMERA, EXIT_DEADLINE, EXIT_INTERRUPTED = 1, 4, 124, 130
EXIT_CODES = (
    "exit codes: that of COMMAND; else 1 the machine failed, 2 usage error, 4 no virtual machine is possible here, "
    "124 the deadline has passed, 130 interrupted"
)
MOST_CAMERAS, MOST_USB = 16, 8
DEFAULT = "webcam"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of hil vm."""
    parser.epilog = EXIT_CODES
    parser.add_argument("--cameras", type=int, default=1, metavar="N", help="number of vivid cameras (default: 1)")
    usb = "number of USB cameras of our own, on the kernel's uvcvideo (default: 0)"
    parser.add_argument("--usb", type=int, default=0, metavar="N", help=usb)
    design = f"design of the USB cameras: {', '.join(DESIGNS)} (default: {DEFAULT})"
    parser.add_argument("--design", default=DEFAULT, metavar="NAME", help=design)
    parser.add_argument("--kernel", metavar="VERSION", help=f"boot {KERNEL}")
    parser.add_argument("--cpus", type=int, default=2, metavar="N", help="number of processors (default: 2)")
    parser.add_argument("--memory", default="2G", metavar="SIZE", help="memory, such as 512M (default: 2G)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=600.0,
        metavar="S",
        help="end the machine after S seconds, boot included (default: 600)",
    )
    results = "folder that COMMAND may write into, at the same path inside (default: report)"
    parser.add_argument("--results", type=Path, default=Path("report"), metavar="DIR", help=results)
    system = "root file system for another processor, as ci/emulated-board makes it (default: this machine's own files)"
    parser.add_argument("--system", type=Path, metavar="DIR", help=system)
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="command to run inside, behind --")


def _say(text: str) -> None:
    print(f"hil vm: {text}", file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Run hil vm with the given arguments, by default the command line's.

    Returns the exit code; usage errors exit with 2.
    """
    parser = Parser("hil vm", description=__doc__)
    add_arguments(parser)
    try:
        return run(parser.parse_args(words))
    except ValueError as error:
        parser.error(str(error))


def run(arguments: argparse.Namespace) -> int:
    """Return the command's exit code, or one of ours.

    4: no virtual machine is possible; 124: the deadline passed; 1: the machine failed; 130: Ctrl-C. Raises ValueError
    for contradictory arguments.
    """
    if not re.fullmatch(r"[1-9]\d*[MG]", arguments.memory):
        raise ValueError(f"--memory {arguments.memory}: give a size such as 512M or 2G")
    if not (0 <= arguments.cameras <= MOST_CAMERAS and arguments.cpus > 0 and arguments.seconds > 0):
        raise ValueError(f"--cameras is from 0 to {MOST_CAMERAS}, --cpus from 1 on, and --seconds above 0")
    if not 0 <= arguments.usb <= MOST_USB:
        raise ValueError(f"--usb is from 0 to {MOST_USB}, as many as vhci_hcd has ports")
    design_of(arguments.design)
    version = wanted_version(arguments.kernel) if arguments.kernel else ""
    try:
        system = system_in(arguments.system) if arguments.system else None
    except VmUnavailable as error:
        raise ValueError(str(error)) from None
    try:
        with heeding(requests=2):  # a signal ends the emulator too
            kernel = kernel_for(system, _say, version)  # before pictures are made, which takes long
            return run_job(_job(arguments, system), kernel, _say)
    except KeyboardInterrupt:
        _say("interrupted")
        return EXIT_INTERRUPTED
    except VmUnavailable as error:
        _say(str(error))
        return EXIT_NO_CAMERA
    except VmDeadline as error:
        _say(str(error))
        return EXIT_DEADLINE
    except VmError as error:
        _say(str(error))
        return EXIT_FAILED


def _job(arguments: argparse.Namespace, system: System | None) -> Job:
    return Job(
        command=tuple(arguments.command),
        results=arguments.results,
        cameras=arguments.cameras,
        usb=arguments.usb,
        design=arguments.design,
        environment=clips_for([arguments.design] if arguments.usb else [], system),
        cpus=arguments.cpus,
        memory=arguments.memory,
        seconds=arguments.seconds,
        system=system,
    )
