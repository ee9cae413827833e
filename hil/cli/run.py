# SPDX-License-Identifier: Apache-2.0
"""hil run runs the suite on a camera, and writes its report."""

from __future__ import annotations

import contextlib
import shutil
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from vshm_ctypes.commandline.ending import held
from vshm_ctypes.commandline.output import print_json, printable
from vshm_ctypes.commandline.shell_completions import completed, words_and
from vshm_ctypes.commandline.verb import Verb, positive

from ..figures.exit import Exit
from ..host import outside
from ..host.board import choose_board
from ..report.crash import LOG
from ..report.recorder import PARTS
from ..suite.camera_choice import Choice, NoCameraError, chosen_camera
from ..suite.pytest_runs import SUITE, Outcome, RunPlan, run_passes

CAMERA = (
    "auto, vm (vivid in a virtual machine), vivid, /dev/videoN (several, separated by commas), or another source of "
    "camera-streamer; may be given several times"
)
CAMERAS, VIDEO_NODES = ("auto", "vm", "vivid", "rpicam", "testsrc"), "/dev/video*"
SYSTEM = "a root file system for another processor, as ci/emulated-board makes it"
VM_SECONDS = 3600.0
STREAMS = 30  # streams that a run watches, each for at least --seconds
VM_CAMERAS = 2  # at least: one test streams from two at once


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
    parser.add_argument("--session", metavar="NAME", help="name in the report (default: the camera's)")
    parser.add_argument("--quick", action="store_true", help="leave out the tests that take long")
    parser.add_argument(
        "--require-camera", action="store_true", help="let a test fail, rather than be skipped, if it has no camera"
    )
    parser.add_argument("--part", action="store_true", help="only record the tests; the caller makes the report")
    parser.add_argument(
        "--suite", type=Path, default=SUITE, metavar="DIR", help="folder of the tests to run (default: those of hil)"
    )
    parser.add_argument("--system", type=Path, metavar="DIR", help=f"with --camera vm: run on {SYSTEM}")
    parser.add_argument("-k", metavar="EXPRESSION", help="run only tests whose names match this expression of pytest")
    parser.add_argument("--json", action="store_true", help="print the run as JSON instead of text for people")
    parser.add_argument("pytest", nargs="*", metavar="WORD", help="further arguments for pytest, behind --")


def run(arguments: Namespace) -> int:
    """Return the verdict's exit code, or 4 without a camera. Raises ValueError for contradictory arguments."""
    choose_board(arguments.board)  # refused now rather than after a virtual machine has booted
    if not 1 <= arguments.cameras <= 16:
        raise ValueError("--cameras is from 1 to 16")
    cameras = arguments.camera or ["auto"]
    if arguments.system and cameras != ["vm"]:
        raise ValueError("--system is for --camera vm, and for that alone")
    if arguments.session and len(cameras) > 1:
        raise ValueError("--session names one camera's tests, and there are several")
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
    for words in cameras:
        if whole.interrupted:
            break
        try:
            with chosen_camera(words, arguments.cameras, _say) as choice:
                one = _run_there(arguments, choice)
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


def session_of(arguments: Namespace, choice: Choice) -> str:
    """Return the session's name for a camera in the report: vivid-vm, video0, testsrc, ..."""
    if arguments.session:
        return str(arguments.session)
    name = Path(choice.words.partition(":")[0].partition(",")[0]).name
    return f"{name}-vm" if choice.place == "vm" else name


def suite_words(arguments: Namespace, choice: Choice) -> list[str]:
    """Return the suite's own options, which hil run has under the same names."""
    words = ["--camera", choice.words]
    for name in ("board", "consumers", "seconds", "library"):
        if (value := getattr(arguments, name)) is not None:
            words += [f"--{name}", str(value)]
    words += ["--require-camera"] if arguments.require_camera else []
    return words + (["-k", arguments.k] if arguments.k else [])


def _run_there(arguments: Namespace, choice: Choice) -> Outcome:
    session = session_of(arguments, choice)
    if arguments.part:
        return run_passes(_plan(arguments, choice, session))
    from ..report.progress import Progress

    with Progress(arguments.report, session, _earlier_seconds(arguments.report, session)):
        if choice.place == "vm":
            return _run_in_vm(arguments, choice, session)
        return run_passes(_plan(arguments, choice, session))


def _plan(arguments: Namespace, choice: Choice, session: str) -> RunPlan:
    words = [*suite_words(arguments, choice), *arguments.pytest]
    markers = "not long" if arguments.quick else ""
    return RunPlan(arguments.report, session, choice.count, words, markers, arguments.suite)


def _run_in_vm(arguments: Namespace, choice: Choice, session: str) -> Outcome:
    from ..vm import Job, VmError, kernel_for, system_in
    from ..vm import run as run_in_vm
    from ..vm.machine import FOLDER
    from ..vm.system import PYTHON, RESULTS
    from ..workers.programs import ProgramError, compile_all

    if arguments.system is None:
        python, report = sys.executable, arguments.report
        there = ["--suite", str(arguments.suite.resolve())]
    else:
        python, report, there = str(PYTHON), RESULTS, []
    command = [python, "-m", "hil", "run", "--part", "--session", session, "--report", str(report), *there]
    command += ["--cameras", str(choice.count), *(["--quick"] if arguments.quick else [])]
    inside = Choice("here", ",".join(f"/dev/video{number}" for number in range(choice.count)))
    command += [*suite_words(arguments, inside), "--", *arguments.pytest]
    try:
        system = system_in(arguments.system) if arguments.system else None
        # An emulated compiler is slow.
        programs = {} if system else {"VIDEO_SHM_PROGRAMS": str(compile_all(arguments.library))}
        outside_told = {outside.VARIABLE: str(report / FOLDER / outside.FILE)}
        job = Job(
            tuple(command),
            arguments.report,
            cameras=max(choice.count, VM_CAMERAS),
            seconds=VM_SECONDS + STREAMS * (arguments.seconds or 0),
            environment=programs | outside_told,
            system=system,
        )
        kernel = kernel_for(system, _say)
        with held() as hold, outside.told(job.folder), hold.lifted():
            return Outcome([run_in_vm(job, kernel, _say)])
    except KeyboardInterrupt:
        return Outcome([2], interrupted=True)
    except (VmError, ProgramError) as error:
        return Outcome(problems=[f"the virtual machine: {error}"])


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


VERB = Verb("run", "run the suite on a camera, and judge it", add_arguments, run)
