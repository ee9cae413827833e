# SPDX-License-Identifier: Apache-2.0
"""Runs Python programs as child processes, so that a crash of the interpreter ends only the child."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

TIMEOUT_S = 600


def run(program: str, *words: str) -> str:
    """Run it to its end, assert that it succeeded, and return what it printed."""
    command = [sys.executable, "-X", "faulthandler", "-c", program, *words]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert result.returncode == 0, f"ended with {result.returncode}:\n{result.stdout}{result.stderr}"
    return result.stdout


@contextmanager
def running(
    program: str, *words: str, before: Sequence[str] = (), errors: int | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Start it with a command before it, and wait for its first line. Kill it at the end if it still runs.

    errors: what its standard error is, as of Popen.
    """
    command = [*before, sys.executable, "-X", "faulthandler", "-c", program, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "it ended before it was ready"
            yield process
        finally:
            process.kill()
