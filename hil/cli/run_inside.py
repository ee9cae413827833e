# SPDX-License-Identifier: Apache-2.0
"""Runs the suite inside a virtual machine, on all of its cameras in one boot."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vshm_ctypes.commandline.ending import held

from ..host import outside
from ..suite.camera_choice import Choice
from ..suite.pytest_runs import Outcome
from ..suite.usb_words import usb_design
from ..usb.designs import DESIGNS

VM_SECONDS = 3600.0
STREAMS = 30  # streams that a run watches, each for at least --seconds
VM_CAMERAS = 2  # at least: one test streams from two at once


@dataclass(frozen=True, slots=True)
class Session:
    """The suite on a camera. name: in the report."""

    choice: Choice
    name: str


def suite_words(arguments: Namespace, choice: Choice) -> list[str]:
    """Return the suite's own options, which hil run has under the same names."""
    return ["--camera", choice.words, *_shared_words(arguments)]


def _shared_words(arguments: Namespace) -> list[str]:
    words: list[str] = []
    for name in ("board", "consumers", "seconds", "library"):
        if (value := getattr(arguments, name)) is not None:
            words += [f"--{name}", str(value)]
    words += ["--require-camera"] if arguments.require_camera else []
    return words + (["-k", arguments.k] if arguments.k else [])


def run_inside(arguments: Namespace, sessions: Sequence[Session], say: Callable[[str], None]) -> Outcome:
    """Return what came of the sessions in the virtual machine. say: is called with the progress."""
    from ..vm import Job, VmError, kernel_for, system_in
    from ..vm import run as run_in_vm
    from ..vm.machine import FOLDER
    from ..vm.system import RESULTS, module_inside
    from ..vm.usb_cameras import clips_for
    from ..workers.programs import ProgramError, compile_all

    try:
        system = system_in(arguments.system) if arguments.system else None
        kernel = kernel_for(system, say, arguments.kernel)
        sessions, problems = _possible(sessions, kernel.lacks_for_usb, say)
        if not sessions:
            return Outcome(problems=problems)
        report = arguments.report if system is None else RESULTS
        inner = ["run", "--part", "--report", str(report), *_inner_words(arguments, sessions)]
        # An emulated compiler is slow.
        programs = {} if system else {"VIDEO_SHM_PROGRAMS": str(compile_all(arguments.library))}
        # Beside the session's own camera, tests plug in others, and nothing can be made inside where that is read-only.
        designs = DESIGNS if any(usb_design(session.choice.words) for session in sessions) else ()
        job = Job(
            tuple(module_inside(system, "hil", *inner)),
            arguments.report,
            cameras=max([VM_CAMERAS, *(session.choice.count for session in sessions)]),
            seconds=len(sessions) * VM_SECONDS + STREAMS * (arguments.seconds or 0),
            environment=programs | clips_for(designs, system) | {outside.VARIABLE: str(report / FOLDER / outside.FILE)},
            system=system,
        )
        with held() as hold, outside.told(job.folder), hold.lifted():
            return Outcome([run_in_vm(job, kernel, say)])
    except KeyboardInterrupt:
        return Outcome([2], interrupted=True)
    except (VmError, ProgramError) as error:
        return Outcome(problems=[f"the virtual machine: {error}"])


def _possible(
    sessions: Sequence[Session], lacking: frozenset[str], say: Callable[[str], None]
) -> tuple[list[Session], list[str]]:
    """Return (the sessions that the kernel has the modules for, what is wrong if there is none).

    lacking: modules for USB cameras that it does not have.
    """
    possible = [session for session in sessions if not lacking or usb_design(session.choice.words) is None]
    told = [f"no USB camera of our own: the virtual machine's kernel has no {', '.join(sorted(lacking))}"]
    if len(possible) < len(sessions):
        say(told[0])
    return possible, [] if possible else told


def _inner_words(arguments: Namespace, sessions: Sequence[Session]) -> list[str]:
    """Return the arguments of hil run inside. Nodes are named, since there may be more cameras than are asked for."""
    words: list[str] = []
    for session in sessions:
        choice = session.choice
        nodes = ",".join(f"/dev/video{number}" for number in range(choice.count))
        words += ["--camera", choice.words if usb_design(choice.words) else nodes, "--session", session.name]
        words += ["--cameras", str(choice.count)] if usb_design(choice.words) is None else []
    words += [] if arguments.system else ["--suite", str(arguments.suite.resolve())]
    words += ["--quick"] if arguments.quick else []
    return [*words, *_shared_words(arguments), "--", *arguments.pytest]
