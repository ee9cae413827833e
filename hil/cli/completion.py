# SPDX-License-Identifier: Apache-2.0
"""hil completion: what a shell needs to complete hil's words."""

from __future__ import annotations

from argparse import Namespace

from vshm_ctypes.commandline.completion import HELP, add_arguments, print_script
from vshm_ctypes.commandline.verb import Verb


def run(arguments: Namespace) -> int:
    """Exit 0; 1: there is no shtab."""
    from .main import build_parser

    return print_script("hil", build_parser(), arguments.shell)


VERB = Verb("completion", HELP, add_arguments, run)
