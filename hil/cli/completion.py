# SPDX-License-Identifier: Apache-2.0
"""hil completion prints a shell's completion of hil's arguments."""

from __future__ import annotations

from argparse import Namespace

from vshm_ctypes.commandline.completion import add_arguments, print_script

__all__ = ["add_arguments", "run"]


def run(arguments: Namespace) -> int:
    """Run the verb. Returns 0, or 1 if shtab is not installed."""
    from .main import build_parser

    return print_script("hil", build_parser(whole=True), arguments.shell)
