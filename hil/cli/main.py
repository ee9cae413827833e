# SPDX-License-Identifier: Apache-2.0
"""The hil command, which finds the verb and turns errors into a message and an exit code."""

from __future__ import annotations

import importlib
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

VERBS = ("run", "vm", "report", "gate", "bench", "farm", "calibrate", "completion")

EPILOG = "exit codes: 0 pass, 1 fail, 2 usage error, 3 invalid: host unfit for timing, 4 no camera, 130 interrupted"


def verbs() -> list[Verb]:
    """Return all verbs, each from the file of its name."""
    return [importlib.import_module(f".{name}", __package__).VERB for name in VERBS]


def build_parser() -> ArgumentParser:
    """Return the parser of the whole command line."""
    return parser_of("hil", "Test cameras, streams and the library, and judge what is measured.", verbs(), EPILOG)


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
    arguments = build_parser().parse_args(words)
    try:
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
