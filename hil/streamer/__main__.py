# SPDX-License-Identifier: Apache-2.0
"""Runs camera-streamer, also as ``python -m hil.streamer``, and says in words what is missing if it can't be loaded."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from vshm_ctypes._command import ends_with
from vshm_ctypes.commandline.extras import STREAMER, remedy
from vshm_ctypes.commandline.standard_output import named_output
from vshm_ctypes.descriptors import open_standard_streams
from vshm_ctypes.limits import explain, keep_to_own_threads

from .footprint import forget, stay_small

if TYPE_CHECKING:
    from argparse import Namespace

# What only a command line needs, with what it brings along: locale alone has tables of 340 KB.
_PARSING = ("argparse", "gettext", "locale", "shutil", "bz2", "lzma", "_compression", "hil.streamer.arguments")
_OURS = tuple(f"vshm_ctypes.commandline.{name}" for name in ("completion", "shell_completions", "verb"))


def main() -> int:
    """Run camera-streamer with the words of the command line. Returns the exit code."""
    open_standard_streams()
    keep_to_own_threads()
    stay_small()
    with named_output("camera-streamer"):
        return _run()


def _run() -> int:
    arguments = _parsed()
    if isinstance(arguments, int):
        return arguments
    forget(*_PARSING, *_OURS)  # before PyAV is loaded, which takes its place
    try:
        from .main import obey
    except (ImportError, MemoryError) as error:
        told = (remedy(error, STREAMER) if isinstance(error, ModuleNotFoundError) else None) or explain(error)
        if told is None:
            raise
        print(f"camera-streamer: {told}", file=sys.stderr)
        return 1
    return ends_with(obey(arguments))


def _parsed() -> Namespace | int:
    """Return the words of the command line, or the exit code if what they ask for is done."""
    from vshm_ctypes.commandline.completion import print_script

    from .arguments import build_parser

    parser = build_parser()
    arguments = parser.parse_args()
    if arguments.completion:
        return print_script("camera-streamer", parser, arguments.completion)
    return cast("Namespace", SimpleNamespace(**vars(arguments)))  # argparse's own would keep its module


if __name__ == "__main__":
    raise SystemExit(main())
