# SPDX-License-Identifier: Apache-2.0
"""vshm completion: what a shell needs to complete the words of vshm."""

from __future__ import annotations

from argparse import Namespace

from ..commandline.completion import HELP, add_arguments, print_script
from ..commandline.verb import Verb


def run(arguments: Namespace) -> int:
    """Print the script. Exit codes as of print_script()."""
    from .main import build_parser

    return print_script("vshm", build_parser(), arguments.shell, arguments.json)


VERB = Verb("completion", HELP, add_arguments, run)
