# SPDX-License-Identifier: Apache-2.0
"""The process for one board, since labgrid's objects belong to one thread, and a board may hang."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from vshm_ctypes.commandline.atomic_file import write_whole
from vshm_ctypes.commandline.ending import heeding
from vshm_ctypes.printable import printable

from .places import FarmError, environment_of, read_farm
from .remote_board import RemoteBoard
from .reservation import reserved

RESULT = "board.json"
INTERRUPTED = "interrupted"


def _say(line: str) -> None:
    print(printable(line), flush=True)


def run_on(options: argparse.Namespace) -> int:
    """Return hil run's exit code on the board. Raises FarmError."""
    farm = read_farm(options.env)
    [place] = [each for each in farm.places if each.target == options.target]
    with reserved(place.place, farm.coordinator, options.wait, _say):
        _say("reserved")
        environment = environment_of(options.env)
        try:
            ssh = environment.get_target(options.target).get_driver("SSHDriver")
            board = RemoteBoard(ssh, place.place, _say)
            board.install(options.wheel)
            try:
                return board.run(options.words)
            finally:
                board.fetch_report(options.folder)
        except FarmError:
            raise
        except Exception as error:  # labgrid raises many kinds, including plain Exception
            raise FarmError(f"{type(error).__name__}: {error}") from error
        finally:
            environment.cleanup()


def main() -> int:
    """Run on one board, and leave the exit code or the problem in the folder's file RESULT."""
    parser = argparse.ArgumentParser("hil.farm.board_process")
    parser.add_argument("--env", type=Path, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--wheel", type=Path, action="append", required=True)
    parser.add_argument("--wait", type=float, required=True)
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    code, problem = None, None
    try:
        with heeding(requests=2):
            code = run_on(options)
    except FarmError as error:
        problem = str(error)
        _say(problem)
    except KeyboardInterrupt:
        problem = INTERRUPTED
    options.folder.mkdir(parents=True, exist_ok=True)
    write_whole(options.folder / RESULT, json.dumps({"exit_code": code, "problem": problem}))
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main())
