# SPDX-License-Identifier: Apache-2.0
"""hil completion prints a shell's completion of hil's arguments."""

from __future__ import annotations

from argparse import Namespace

from vshm_ctypes.commandline.completion import HELP, add_arguments, print_script
from vshm_ctypes.commandline.verb import Verb


def run(arguments: Namespace) -> int:
    """Run the verb. Returns 0, or 1 if shtab is not installed."""
    from .main import build_parser

    return print_script("hil", build_parser(), arguments.shell)


VERB = Verb("completion", HELP, add_arguments, run)
