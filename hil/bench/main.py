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
from .compare import CASES, CASES_OF_PICTURES, NAMES, Bench
from .peers import OF_PICTURES
from .render import markdown, print_tables


def run(options: Namespace) -> int:
    """Run the verb, and return the exit code. Raises ValueError for an unknown peer, HiccupError or OSError."""
    all_names, cases = (OF_PICTURES, CASES_OF_PICTURES) if options.raw else (NAMES, CASES)
    names = options.peer or list(all_names)
    unknown = [name for name in names if name not in all_names]
    if unknown:
        raise ValueError(f"no peer {', '.join(unknown)}; there are: {', '.join(all_names)}")
    errors = console(stderr=True)
    board = choose_board(options.board)
    options.output.mkdir(parents=True, exist_ok=True)
    with bar(errors) as tell:
        try:
            found = Bench(list(dict.fromkeys(names)), board, options.seconds, tell, cases).run()
        except BlockError as error:  # not even the worker can be built
            raise OSError(str(error)) from None
    name = "pictures" if options.raw else "peers"
    found.write(options.output / f"{name}.json")
    write_whole(options.output / f"{name}.md", markdown(found))
    if options.json:
        print((options.output / f"{name}.json").read_text(), end="")
    else:
        print_tables(found)
    if found.broken:
        return Exit.FAIL
    return Exit.INVALID if found.reasons else Exit.PASS
