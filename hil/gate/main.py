# SPDX-License-Identifier: Apache-2.0
"""Runs ``hil gate`` once: a session with all that belongs to it, and its exit code."""

from __future__ import annotations

import argparse
import tempfile

from rich.console import Console

from vshm_ctypes.commandline.ending import held
from vshm_ctypes.commandline.output import describe

from ..blocks.block import BlockError, build_worker
from ..figures.console import console
from ..figures.exit import Exit
from ..host.board import choose_board
from ..host.hiccup import HiccupError
from ..host.progress import bar
from . import alone, self_test
from .camera import programs_in
from .libraries import LibraryError, obtain, workshop
from .output import write_all
from .page import JSON
from .phases import check_parts
from .recording import recorded
from .render import print_table
from .result import Result
from .session import Session


def run(options: argparse.Namespace) -> int:
    """Run the verb. Returns the exit code."""
    output, errors = console(), console(stderr=True)
    try:
        if options.promises:
            return alone.run(options, output)
        if options.self_test:
            return self_test.run(options, output, errors)
        if options.baseline is None or options.candidate is None:
            raise ValueError("--baseline and --candidate are needed, each a git ref or a library's path")
        result = compare(options, errors)
        write_all(result, options.output)
    except (LibraryError, BlockError, ValueError, OSError) as error:
        errors.print(f"hil gate: {describe(error)}", style="red", markup=False)
        return Exit.USAGE
    except HiccupError as error:
        errors.print(f"hil gate: {error}", style="red", markup=False)
        return Exit.INVALID
    except KeyboardInterrupt:
        errors.print("hil gate: interrupted")
        return Exit.INTERRUPTED
    if options.json:
        print((options.output / JSON).read_text(), end="")
    else:
        print_table(result, output)
    return result.answer.exit_code


def compare(options: argparse.Namespace, errors: Console) -> Result:
    """Build what has to be built, run a session, and remove what was built."""
    board = choose_board(options.board)
    source = recorded(options.replay) if options.replay else None
    if source is not None:
        check_parts(source)
    with held() as hold, workshop("session-") as folder, hold.lifted(), bar(errors) as tell:
        tell("building", 0.0)
        program = build_worker(folder)
        baseline, candidate = (
            obtain(word, None, folder / side)
            for side, word in (("baseline", options.baseline), ("candidate", options.candidate))
        )
        options.output.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=options.output).close()  # reported before minutes of measuring
        session = Session(
            program,
            baseline,
            candidate,
            board,
            options.minutes * 60,
            source,
            options.camera,
            options.thorough,
            tell,
        )
        with programs_in(folder / "workers"):
            return session.run()
