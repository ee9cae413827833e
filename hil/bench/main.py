# SPDX-License-Identifier: Apache-2.0
"""Runs ``hil bench`` once."""

from __future__ import annotations

from argparse import Namespace

from vshm_ctypes.commandline.atomic_file import write_whole

from ..blocks.block import BlockError
from ..figures.console import console
from ..figures.exit import Exit
from ..host.board import choose_board
from ..host.progress import bar
from .compare import NAMES, Bench
from .render import markdown, print_tables


def run(options: Namespace) -> int:
    """Run the verb, and return the exit code. Raises ValueError for an unknown peer, HiccupError or OSError."""
    names = options.peer or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ValueError(f"no peer {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    errors = console(stderr=True)
    board = choose_board(options.board)
    options.output.mkdir(parents=True, exist_ok=True)
    with bar(errors) as tell:
        try:
            found = Bench(list(dict.fromkeys(names)), board, options.seconds, tell).run()
        except BlockError as error:  # not even the worker can be built
            raise OSError(str(error)) from None
    found.write(options.output / "peers.json")
    write_whole(options.output / "peers.md", markdown(found))
    if options.json:
        print((options.output / "peers.json").read_text(), end="")
    else:
        print_tables(found)
    if found.broken:
        return Exit.FAIL
    return Exit.INVALID if found.reasons else Exit.PASS
