# SPDX-License-Identifier: Apache-2.0
"""Runs another program, and returns what it printed or raises an error with its last words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from vshm_ctypes.commandline.ending import held

from .process_group import end_group


class CommandError(RuntimeError):
    """The program did not answer in time, or failed. The message has the command and its last line."""


def run_to_end(
    words: Sequence[str | Path],
    timeout_s: float | None = None,
    told: str = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program like subprocess.run() with captured output, but leave none of its processes if interrupted.

    told: its standard input. environment: all of it. Raises subprocess.TimeoutExpired, or OSError if it can't be
    started.
    """
    with (
        held() as hold,
        subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C must reach this process only
        ) as process,
    ):
        try:
            with hold.lifted():
                out, errors = process.communicate(told, timeout_s)
        except BaseException:
            end_group(process.pid)
            raise
    return subprocess.CompletedProcess(words, process.returncode, out, errors)


def output_of(
    words: Sequence[str], timeout_s: float, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> str:
    """Return what the program printed. Raises CommandError.

    environment: the variables that differ from ours. folder: where it runs.
    """
    name = " ".join([Path(words[0]).name, *words[1:]])
    try:
        done = run_to_end(words, timeout_s, environment=os.environ | (environment or {}), folder=folder)
    except subprocess.TimeoutExpired:
        raise CommandError(f"{name}: no answer within {timeout_s:g} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or [f"it ended with {done.returncode}"]
        raise CommandError(f"{name}: {last[0]}")
    return done.stdout
