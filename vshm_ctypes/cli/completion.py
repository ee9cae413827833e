# SPDX-License-Identifier: Apache-2.0
"""vshm completion: prints a shell's completion script for vshm."""

from __future__ import annotations

from argparse import Namespace

from ..commandline.completion import HELP, add_arguments, print_script
from ..commandline.verb import Verb


def run(arguments: Namespace) -> int:
    """Print the script. Returns an exit code as print_script() does."""
    from .main import build_parser

    return print_script("vshm", build_parser(), arguments.shell, arguments.json)


VERB = Verb("completion", HELP, add_arguments, run)
