# SPDX-License-Identifier: Apache-2.0
"""Runs a program that writes a stream to its standard output, such as a recorder, and reads what comes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from vshm_ctypes.commandline.scratch import open_scratch

from ...processes.readable import readable
from .source import SourceError

READ_BYTES = 1 << 20
SAID_BYTES = 1 << 16
END_S = 1.0  # for a program that has closed its standard output


class Program:
    """A program that runs until close(). advice: what to do if it is not installed. Raises SourceError then."""

    def __init__(self, command: Sequence[str], advice: str) -> None:
        self._errors = open_scratch(command[0])  # until close()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=os.environ | {"LC_ALL": "C"},
                start_new_session=True,  # Ctrl-C must reach only this process, which ends the program
            )
        except OSError as error:
            self._errors.close()
            raise SourceError(error.errno or 0, f"{command[0]}: {error.strerror}: {advice}", "absent") from None

    def receive(self, timeout_s: float) -> bytes | None:
        """Return at most READ_BYTES, None if nothing came in time, or no bytes if the program has ended."""
        assert self._process.stdout is not None
        if not readable([self._process.stdout.fileno()], timeout_s):
            return None
        return os.read(self._process.stdout.fileno(), READ_BYTES)

    def end(self) -> tuple[int, list[str]]:
        """Return its exit code and the lines that it wrote to stderr."""
        try:
            code = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return code, self.said()

    def said(self) -> list[str]:
        """Return the last lines that it wrote to stderr so far."""
        number = self._errors.fileno()  # the program writes at this file's offset, which must not be moved
        begin = max(os.fstat(number).st_size - SAID_BYTES, 0)
        return os.pread(number, SAID_BYTES, begin).decode(errors="replace").strip().splitlines()

    def close(self) -> None:
        """End the program, and close its output."""
        with self._process, self._errors:
            self._process.kill()
