# SPDX-License-Identifier: Apache-2.0
"""hil run runs the suite on a camera, and writes its report."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from vshm_ctypes.commandline.output import print_json
from vshm_ctypes.commandline.shell_completions import completed, words_and
from vshm_ctypes.commandline.verb import positive
from vshm_ctypes.printable import printable

from ..figures.exit import Exit
from ..host.board import choose_board
from ..report.crash import LOG
from ..report.recorder import PARTS
from ..suite.camera_choice import Choice, NoCameraError, both_inside, chosen_cameras
from ..suite.pytest_runs import SUITE, Outcome, RunPlan, run_passes
from ..suite.usb_words import USB, usb_design
from ..vm.kernel_files import KERNEL, wanted_version
from .run_inside import Session, run_inside, suite_words

CAMERA = (
    "auto, vm (vivid and a USB camera of our own in a virtual machine), vivid, usb or usb:DESIGN (a USB camera of our "
    "own), /dev/videoN (several, separated by commas), ring:NAME (another ring), or another "
    "source of camera-streamer; may be given several times"
)
CAMERAS, VIDEO_NODES = ("auto", "vm", "vivid", USB, "rpicam", "testsrc"), "/dev/video*"
SYSTEM = "a root file system for another processor, as ci/emulated-board makes it"
QUICK, QUICK_BESIDE = "not long", "not long and not ring"  # what --quick leaves, and of a second camera beside


def add_arguments(parser: ArgumentParser) -> None:
    camera = parser.add_argument("--camera", action="append", metavar="SOURCE", help=f"{CAMERA} (default: auto)")
    completed(camera, words_and(CAMERAS, VIDEO_NODES, "_hil_cameras"))
    parser.add_argument("--cameras", type=int, default=1, metavar="N", help="cameras that vivid makes (default: 1)")
    parser.add_argument("--board", metavar="NAME|FILE", help="board with budgets and quirks (default: the machine's)")
    parser.add_argument("--consumers", type=int, metavar="N", help="most readers at once (default: each test's own)")
    parser.add_argument("--seconds", type=positive, metavar="S", help="watch each stream for at least S seconds")
    parser.add_argument("--library", type=Path, metavar="FILE", help="libvideo_shm.so to test (default: the package's)")
    parser.add_argument(
        "--report", type=Path, default=Path("report"), metavar="DIR", help="write the report into DIR (default: report)"
    )
    session = "name in the report (default: the camera's); give it once for each --camera"
    parser.add_argument("--session", action="append", metavar="NAME", help=session)
    parser.add_argument("--quick", action="store_true", help="leave out the tests that take long")
    parser.add_argument(
        "--require-camera", action="store_true", help="let a test fail, rather than be skipped, if it has no camera"
    )
    parser.add_argument("--part", action="store_true", help="only record the tests; the caller makes the report")
    parser.add_argument(
        "--suite", type=Path, default=SUITE, metavar="DIR", help="folder of the tests to run (default: those of hil)"
    )
    parser.add_argument("--system", type=Path, metavar="DIR", help=f"with --camera vm: run on {SYSTEM}")
    parser.add_argument("--kernel", metavar="VERSION", help=f"boot the virtual machine with {KERNEL}")
    parser.add_argument("-k", metavar="EXPRESSION", help="run only tests whose names match this expression of pytest")
    parser.add_argument("--json", action="store_true", help="print the run as JSON instead of text for people")
    parser.add_argument("pytest", nargs="*", metavar="WORD", help="further arguments for pytest, behind --")


def run(arguments: Namespace) -> int:
    """Return the verdict's exit code, or 4 without a camera. Raises ValueError for contradictory arguments."""
    Path.cwd()
    Path(os.devnull).stat()  # without these two pytest does not start
    choose_board(arguments.board)  # refused now rather than after a virtual machine has booted
    if not 1 <= arguments.cameras <= 16:
        raise ValueError("--cameras is from 1 to 16")
    cameras = arguments.camera or ["auto"]
    if arguments.system and cameras != ["vm"]:
        raise ValueError("--system is for --camera vm, and for that alone")
    if len(arguments.session or cameras) != len(cameras):
        raise ValueError("--session names one camera's tests: say it once for each --camera")
    arguments.kernel = wanted_version(arguments.kernel) if arguments.kernel else ""
    for words in cameras:
        usb_design(words)  # a design that there is not is refused now, too
    arguments.report = arguments.report.resolve()
    if not arguments.part:
        _clear(arguments.report)
    outcome, no_camera = _run_all(arguments, cameras)
    if arguments.part:
        return next((code if code > 0 else 128 - code for code in outcome.codes if code not in (0, 5)), 0)
    if no_camera and not outcome.codes:
        return Exit.NO_CAMERA
    return _finish(arguments, outcome, no_camera)


def _run_all(arguments: Namespace, cameras: list[str]) -> tuple[Outcome, bool]:
    """Return (what came of all cameras together, whether one was missing)."""
    whole, no_camera = Outcome(), False
    names = arguments.session or [None] * len(cameras)
    for number, (words, name) in enumerate(zip(cameras, names, strict=True)):
        if whole.interrupted:
            break
        try:
            with _chosen(arguments, words) as choices:
                sessions = [Session(choice, session_of(arguments, choice, name)) for choice in choices]
                one = _run_there(arguments, sessions, number)
        except NoCameraError as error:
            _say(str(error))
            whole.problems.append(str(error))
            no_camera = True
            continue
        whole.codes += one.codes
        whole.problems += one.problems
        whole.interrupted = one.interrupted
    return whole, no_camera


def _clear(report: Path) -> None:
    """Remove what an earlier run left.

    Its run.json, which tells how long each test takes, stays until it is replaced.
    """
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(report / PARTS)
    (report / LOG).unlink(missing_ok=True)


def _say(line: str) -> None:
    print(f"hil: {printable(line)}", file=sys.stderr, flush=True)


def session_of(arguments: Namespace, choice: Choice, name: str | None) -> str:
    """Return the session's name for a camera in the report: the given one, else vivid-vm, usb-arm64, video0, ..."""
    if name is not None:
        return name
    own = Path(choice.words.partition(",")[0]).name if choice.words.startswith("/") else choice.words
    place = f"-{_architecture(arguments)}" if choice.place == "vm" else ""
    return own.partition(":")[0] + place if usb_design(own) is None else own.replace(":", "-") + place


def _architecture(arguments: Namespace) -> str:
    """Return what a session in the virtual machine is called after: the architecture of another processor, else vm."""
    from ..vm.system import system_in

    return system_in(arguments.system).architecture if arguments.system else "vm"


@contextlib.contextmanager
def _chosen(arguments: Namespace, words: str) -> Iterator[list[Choice]]:
    if arguments.system:  # with a kernel of its own
        yield both_inside(arguments.cameras)
        return
    with chosen_cameras(words, arguments.cameras, _say, arguments.kernel) as choices:
        yield choices


def _run_there(arguments: Namespace, sessions: list[Session], number: int) -> Outcome:
    """Run the suite on cameras in one place. number: of their --camera."""
    if sessions[0].choice.place == "vm":
        with contextlib.ExitStack() as stack:
            for session in sessions:
                _show_progress(arguments, session, stack)
            return run_inside(arguments, sessions, _say)
    whole = Outcome()
    for at, session in enumerate(sessions):
        with contextlib.ExitStack() as stack:
            _show_progress(arguments, session, stack)
            one = run_passes(_plan(arguments, session, is_second=number + at > 0))
        whole.codes += one.codes
        whole.problems += one.problems
        whole.interrupted = one.interrupted
        if whole.interrupted:
            break
    return whole


def _show_progress(arguments: Namespace, session: Session, stack: contextlib.ExitStack) -> None:
    if not arguments.part:
        from ..report.progress import Progress

        earlier_s = _earlier_seconds(arguments.report, session.name)
        stack.enter_context(Progress(arguments.report, session.name, earlier_s))


def _plan(arguments: Namespace, session: Session, is_second: bool) -> RunPlan:
    choice = session.choice
    words = [*suite_words(arguments, choice), *arguments.pytest]
    is_beside = is_second and usb_design(choice.words) is not None
    markers = (QUICK_BESIDE if is_beside else QUICK) if arguments.quick else ""
    return RunPlan(arguments.report, session.name, choice.count, words, markers, arguments.suite)


def _earlier_seconds(report: Path, session: str) -> dict[str, float]:
    """Return how long each test took in the run whose report is still there, in seconds."""
    from ..report.merge import RunError, load

    with contextlib.suppress(RunError, OSError):
        sessions = [each for each in load(report)["sessions"] if each["name"] == session]
        return {test["name"]: test["seconds"] for each in sessions for test in each["tests"]}
    return {}


def _finish(arguments: Namespace, outcome: Outcome, no_camera: bool) -> int:
    from ..report.finish import finish
    from ..report.page import FILE
    from ..report.summary import print_summary

    result = finish(arguments.report, outcome.codes, outcome.problems)
    if arguments.json:
        print_json(result)
    else:
        print_summary(result)
        print(f"\n{printable(arguments.report / FILE)}")
    if outcome.interrupted:
        return Exit.INTERRUPTED
    failed = any(test["verdict"] == "fail" for session in result["sessions"] for test in session["tests"])
    return Exit.NO_CAMERA if no_camera and not failed else int(result["exit_code"])
