# SPDX-License-Identifier: Apache-2.0
"""The hil command, which finds the verb and turns errors into a message and an exit code."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from vshm_ctypes._command import ends_with
from vshm_ctypes.commandline.ending import heeding
from vshm_ctypes.commandline.extras import HARNESS, remedy
from vshm_ctypes.commandline.output import complain
from vshm_ctypes.commandline.standard_output import named_output
from vshm_ctypes.commandline.verb import Verb, parser_of
from vshm_ctypes.descriptors import open_standard_streams

from ..figures.exit import Exit

VERBS = (
    Verb("run", "run the suite on a camera, and judge it", ".run"),
    Verb("vm", "run a command in a virtual machine with vivid and USB cameras", "..vm.main"),
    Verb("report", "show a run again, or compare two runs", ".report"),
    Verb("gate", "judge whether one build of the C library is worse than another", ".gate"),
    Verb("bench", "compare this library with other ways to pass frames between processes", ".bench"),
    Verb("farm", "run the suite on all boards of a farm, through labgrid", ".farm", aliases=("fleet",)),
    Verb("calibrate", "write a board file from several runs", ".calibrate"),
    Verb("completion", "print a shell's completion script", ".completion"),
)

EPILOG = "exit codes: 0 pass, 1 fail, 2 usage error, 3 invalid: host unfit for timing, 4 no camera, 130 interrupted"


def build_parser(whole: bool = False) -> ArgumentParser:
    """Return the parser of the command line. whole: with the arguments of all verbs, which are loaded for that."""
    about = "Test cameras, streams and the library, and judge what is measured."
    return parser_of(__package__, "hil", about, VERBS, EPILOG, whole=whole)


def main(words: Sequence[str] | None = None) -> int:
    """Run hil with the given arguments, by default the command line's.

    Returns the exit code; usage errors exit with 2.
    """
    open_standard_streams()
    with named_output("hil"):
        try:
            with heeding(requests=2):  # the first signal ends what was started cleanly, the second kills it
                return ends_with(_run(words))
        except KeyboardInterrupt:  # also one that comes while this starts
            return ends_with(Exit.INTERRUPTED)


def _run(words: Sequence[str] | None) -> int:
    try:
        arguments = build_parser().parse_args(words)  # which loads the verb
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except ValueError as error:  # BoardError, RunError: what was given can't be used
        complain(error, "hil")
        return Exit.USAGE
    except BrokenPipeError:  # the reader of our output has closed the pipe
        return Exit.PASS
    except OSError as error:
        complain(error, "hil")
        return Exit.FAIL
    except ModuleNotFoundError as error:
        told = remedy(error, HARNESS)
        if told is None:
            raise
        complain(told, "hil")
        return Exit.FAIL
