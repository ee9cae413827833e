# SPDX-License-Identifier: Apache-2.0
"""vshm completion: prints a shell's completion script for vshm."""

from __future__ import annotations

from argparse import Namespace

from ..commandline.completion import add_arguments, print_script

__all__ = ["add_arguments", "run"]


def run(arguments: Namespace) -> int:
    """Print the script. Returns an exit code as print_script() does."""
    from .main import build_parser

    return print_script("vshm", build_parser(whole=True), arguments.shell, arguments.json)
